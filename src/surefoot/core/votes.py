"""Votes over classes of equivalent answers: the one place where ballots are counted.

    a* = argmax_a  sum_{i : answer_i ~ a}  w_i

None answers (nothing could be read) never vote and never merge. Of equally heavy
classes the one seen first wins.

All comparisons of one vote share an `Allowance` of seconds. A comparison that may be
slow (algebra) asks `allowance()` how long it may take, and gives None when nothing is left.

Dimension key: N candidates.
"""

import math
import time
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

A = TypeVar("A", bound=Hashable)
Same = Callable[[A, A], bool | None]

VOTE_SECONDS = 10.0  # for all comparisons of a vote: some six that run into their own 1.5 s


@dataclass
class Allowance:
    """What the comparisons of one vote may still take.

    seconds: for all of them; 0 asks for what is known at once. late: pairs that were
    given up for want of time. slow: answers that were, which are not tried again.
    """

    seconds: float
    late: int = 0
    slow: set[str] = field(default_factory=set)
    _since: float = field(default_factory=time.perf_counter)

    @property
    def left(self) -> float:
        """Seconds that are left, 0 at least."""
        return max(0.0, self.seconds - (time.perf_counter() - self._since))

    def extend(self, seconds: float) -> None:
        """Does not count what passed while something was made ready."""
        self.seconds += seconds


_allowance: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


def allowance() -> Allowance | None:
    """That of the vote under way in this thread, or None outside of a vote: no limit."""
    return _allowance.get()


@contextmanager
def allowed(given: Allowance) -> Iterator[None]:
    """Comparisons within the block share this allowance."""
    token = _allowance.set(given)
    try:
        yield
    finally:
        _allowance.reset(token)


def answer_classes(
    answers_N: Sequence[A | None], *, same: Same[A] | None = None, seconds: float = VOTE_SECONDS
) -> list[int | None]:
    """[N] number of each answer's class, from 0 in the order seen; None for None.

    same: are two answers equivalent? (None, "cannot tell", counts as no.) Each answer
      joins the first class whose first member it is the same as, so `same` need not be
      transitive. It is asked once for each different answer and class, and once more,
      with time, where it gave None and no other class was found. Without it, equal
      values are one class, so class numbers may be passed as answers.
    seconds: for all comparisons together. A pair that is not decided by then counts as
      different, and a warning says how many there were.

    Cost: one comparison for each different answer and class, N (N - 1) / 2 at most.
    """
    given = Allowance(seconds)
    firsts: list[A] = []
    known: dict[A, int] = {}
    for answer in answers_N:
        if answer is None or answer in known:
            continue
        found = None if same is None else _class_of(answer, firsts, same, given)
        known[answer] = len(firsts) if found is None else found
        if found is None:
            firsts.append(answer)
    if given.late:
        warnings.warn(
            f"{given.late} pairs of answers could not be compared in time and count as different "
            f"(a vote has {seconds:g} s for all its comparisons; give `seconds` for more)",
            stacklevel=2,
        )
    return [None if answer is None else known[answer] for answer in answers_N]


def _class_of(answer: A, firsts: list[A], same: Same[A], given: Allowance) -> int | None:
    """The class that an answer joins: what is known at once first, then what takes time.

    A slow answer must not use up the time of a quick one, hence the two rounds.
    """
    unsure = []
    with allowed(Allowance(0.0)):
        for number, first in enumerate(firsts):
            verdict = same(first, answer)
            if verdict:
                return number
            if verdict is None:
                unsure.append(number)
    with allowed(given):
        return next((n for n in unsure if same(firsts[n], answer)), None)


def heaviest_class(
    classes_N: Sequence[int | None], weights_N: Sequence[float], picks: Iterable[int]
) -> list[int]:
    """The picks that belong to the class with most weight, in order; [] if nobody votes."""
    members: dict[int, list[int]] = {}
    for i in picks:
        number = classes_N[i]
        if number is not None:
            members.setdefault(number, []).append(i)
    # fsum: a class's weight does not depend on the order of its votes; max keeps the first
    return max(members.values(), key=lambda m: math.fsum(weights_N[i] for i in m), default=[])
