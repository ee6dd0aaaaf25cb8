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
    """One measured figure against its goal. low, high: its spread or interval; None if it was
    measured once. A count that is the same in every run has both equal to the value.

    met: does the goal hold for the value? shown: for the worse end of [low, high] too? A claim
    is only as good as what is shown.
    note: what the reader of the figure must know besides; "" is not written.
    """

    claim: str
    value: float
    low: float | None
    high: float | None
    goal: float
    direction: Literal["at least", "at most"]
    note: str = ""

    @property
    def met(self) -> bool:
        """Does the goal hold for the value?"""
        return self.value >= self.goal if self.direction == "at least" else self.value <= self.goal

    @property
    def shown(self) -> bool:
        """Does it hold for the value and the worse end of the interval?"""
        if self.low is None or self.high is None:
            return False
        worse = self.low >= self.goal if self.direction == "at least" else self.high <= self.goal
        return self.met and worse

    @property
    def verdict(self) -> str:
        """ "met, shown", "met, not shown" or "not met"."""
        if not self.met:
            return "not met"
        return "met, shown" if self.shown else "met, not shown"


def publish(name: str, command: str, claims: list[Claim], *, threads: int = 2) -> None:
    """Prints the claims and writes them."""
    machine = f"{platform.machine()}, {_processor()}, {threads} threads, {platform.system()}"
    rows = [
        {
            **{k: v for k, v in asdict(c).items() if k != "note" or v},
            "met": c.met,
            "shown": c.shown,
            "command": command,
            "date": str(date.today()),
            "machine": machine,
        }
        for c in claims
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")
    for c in claims:
        once = c.low is None or c.high is None
        spread = "measured once" if once else f"[{c.low:.4g}, {c.high:.4g}]"
        print(f"{c.claim}: {c.value:.4g} {spread}, goal {c.direction} {c.goal:g}: {c.verdict}")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
