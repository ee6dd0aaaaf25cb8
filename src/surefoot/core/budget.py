"""One budget for everything a run may spend, verifier included.

A `Meter` belongs to one piece of work. Algorithms ask `meter.allows(...)` before
a call whose size they know and `meter.spend(...)` after it; a call in flight is
paid in full, so a budget is exceeded by no more than that call.
"""

import time
from dataclasses import dataclass, field, fields, replace
from typing import Any

from surefoot.core.errors import InputError, OverBudget
from surefoot.core.types import Usage


@dataclass(frozen=True, slots=True)
class Budget:
    """Upper limits; None is no limit. Units are those of `Usage`."""

    policy_tokens: int | None = None
    verifier_tokens: int | None = None
    calls: int | None = None
    seconds: float | None = None
    money: float | None = None

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if value is not None and not value >= 0:  # so that NaN is refused too
                raise InputError(f"budget {limit.name} must be 0 or more, got {value}")


@dataclass(slots=True)
class Meter:
    """What was spent of a budget."""

    budget: Budget = field(default_factory=Budget)
    spent: Usage = field(default_factory=Usage)
    started: float = field(default_factory=time.monotonic)

    def spend(self, usage: Usage) -> None:
        """Adds `usage`; never raises, because it is already spent."""
        self.spent = self.spent + usage

    def total(self) -> Usage:
        """What was spent, with the seconds since the meter started."""
        return replace(self.spent, seconds=time.monotonic() - self.started)

    def exhausted(self) -> str | None:
        """The name of the first limit that is reached, or None."""
        for limit in fields(self.budget):
            most = getattr(self.budget, limit.name)
            if most is not None and self._used(limit.name) >= most:
                return limit.name
        return None

    def check(self) -> None:
        """Raises OverBudget, naming the limit, if one is reached."""
        name = self.exhausted()
        if name is not None:
            most = getattr(self.budget, name)
            raise OverBudget(f"budget of {most} {name} reached ({self._used(name):.6g} used)")

    def allows(self, usage: Usage) -> bool:
        """Would all limits still hold after spending `usage`?"""
        for limit in fields(self.budget):
            most = getattr(self.budget, limit.name)
            if most is not None and self._used(limit.name) + getattr(usage, limit.name) > most:
                return False
        return True

    def rest(self) -> Budget:
        """What is left for work that has a meter of its own."""
        used = self.total()
        left: dict[str, Any] = {}
        for limit in fields(self.budget):
            most = getattr(self.budget, limit.name)
            left[limit.name] = None if most is None else max(0, most - getattr(used, limit.name))
        return Budget(**left)

    def _used(self, name: str) -> float:
        if name == "seconds":
            return time.monotonic() - self.started
        return float(getattr(self.spent, name))
