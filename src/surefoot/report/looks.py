"""How methods look and how numbers read: the same everywhere in a report.

A method's name may be "rule, verifier" ("best-of-n, own verifier"). The verifier
decides the hue, the rule the marker, so that what belongs together looks alike
and no distinction rests on colour alone.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Role = Literal["upper", "random", "majority", "method"]

HUES = 6  # plot.css has as many colours; they were chosen to stay apart for the colour-blind
MARKS = ("circle", "square", "diamond", "triangle")
UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class Look:
    """css: a class of plot.css that sets the colour. mark: the marker's shape."""

    role: Role
    css: str
    mark: str


def role_of(name: str) -> Role:
    """What a method is for: a bound above or below, the baseline, or something to judge."""
    words = set(re.findall(r"[a-z]+", name.lower()))
    if words & {"perfect", "oracle", "coverage", "pass"}:
        return "upper"
    if "random" in words:
        return "random"
    return "majority" if words & {"majority", "consistency"} else "method"


def looks_of(names: Iterable[str]) -> dict[str, Look]:
    """A look for each method; hues in order of the first appearance of a verifier."""
    hues: dict[str, int] = {}
    marks: dict[str, int] = {}
    looks = {}
    for name in names:
        role = role_of(name)
        if role != "method":
            looks[name] = Look(role, f"hue-{role}", "circle")
            continue
        rule, _, verifier = name.partition(", ")
        hue = hues.setdefault(verifier or rule, len(hues)) % HUES
        mark = marks.setdefault(rule, len(marks)) % len(MARKS)
        looks[name] = Look(role, f"hue-{hue}", MARKS[mark])
    return looks


# --- numbers ---------------------------------------------------------------


def percent(fraction: float | None) -> str:
    """A fraction as a percentage without its sign: 0.7125 is "71.2"."""
    return UNKNOWN if fraction is None else f"{100 * fraction:.1f}"


def signed(fraction: float | None) -> str:
    """A difference of fractions in points, with a true minus: -0.012 is "−1.2"."""
    if fraction is None:
        return UNKNOWN
    shown = f"{100 * fraction:+.1f}"
    return "0.0" if float(shown) == 0 else shown.replace("-", "−")


def bracketed(low: str, high: str, doubt: str = "") -> str:
    """An interval: "[66.0, 76.1]", starred if in doubt; empty where both ends are unknown."""
    return "" if low == high == UNKNOWN else f"[{low}, {high}]{'*' if doubt else ''}"


def doubts(record: object) -> str:
    """What the stars of a record's intervals mean, as one sentence; "" without any."""
    found = sorted(dict.fromkeys(_notes(record)))
    return f"* {'; '.join(found)}." if found else ""


def _notes(record: object) -> Iterator[str]:
    if isinstance(record, Mapping):
        if record.get("note") and "low" in record:
            yield str(record["note"])
        for value in record.values():
            yield from _notes(value)
    elif isinstance(record, list | tuple):
        for value in record:
            yield from _notes(value)


def decimal(value: float | None) -> str:
    """Three decimals, or a dash."""
    return UNKNOWN if value is None else f"{value:.3f}"


def amount(value: float | None) -> str:
    """A count or a mean of counts, in thousands with commas: 12,345 or 61.4."""
    if value is None:
        return UNKNOWN
    if float(value).is_integer() or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}"


def duration(seconds: float) -> str:
    """Seconds as people say them: "42.5 s", "3 min 20 s", "2 h 5 min"."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
