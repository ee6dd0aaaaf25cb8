"""How a benchmark states what it found: a list of claims in benchmarks/results/NAME.json."""

import json
import platform
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Literal

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Claim:
    """One measured figure against its goal. low, high: its spread or interval.

    surely: the goal must hold for the whole of [low, high], not just for the value.
    note: what the reader of the figure must know besides; "" is not written.
    """

    claim: str
    value: float
    low: float
    high: float
    goal: float
    direction: Literal["at least", "at most"]
    surely: bool = False
    note: str = ""

    @property
    def met(self) -> bool:
        """Does the goal hold?"""
        if self.direction == "at least":
            return (self.low if self.surely else self.value) >= self.goal
        return (self.high if self.surely else self.value) <= self.goal


def publish(name: str, command: str, claims: list[Claim], *, threads: int = 2) -> None:
    """Prints the claims and writes them."""
    machine = f"{platform.machine()}, {_processor()}, {threads} threads, {platform.system()}"
    rows = [
        {
            **{k: v for k, v in asdict(c).items() if k != "surely" and (k != "note" or v)},
            "met": c.met,
            "command": command,
            "date": str(date.today()),
            "machine": machine,
        }
        for c in claims
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")
    for c in claims:
        print(
            f"{c.claim}: {c.value:.4g} [{c.low:.4g}, {c.high:.4g}], goal {c.direction} {c.goal:g}: "
            f"{'met' if c.met else 'NOT met'}"
        )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
