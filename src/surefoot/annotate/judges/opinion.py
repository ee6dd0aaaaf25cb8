"""What a judge makes of a whole solution."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from surefoot.core.types import Usage


@dataclass(frozen=True, slots=True)
class Opinion:
    """score: in [0, 1], higher is better; None if the judge abstained or could not be read.

    notes: at least "replies" and "unreadable", so that the rate of failures can be told.
    """

    score: float | None
    usage: Usage
    notes: Mapping[str, str] = field(default_factory=dict)


def mean_known(values: list[float | None]) -> float | None:
    """The mean of what is known; None if nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
