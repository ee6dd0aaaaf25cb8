"""Votes over classes of equivalent answers: the one place where ballots are counted.

    a* = argmax_a  sum_{i : answer_i ~ a}  w_i

None answers (nothing could be read) never vote and never merge. Of equally heavy
classes the one seen first wins.

Dimension key: N candidates.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

A = TypeVar("A", bound=Hashable)
Same = Callable[[A, A], bool | None]


def answer_classes(
    answers_N: Sequence[A | None], *, same: Same[A] | None = None
) -> list[int | None]:
    """[N] number of each answer's class, from 0 in the order seen; None for None.

    same: are two answers equivalent? (None, "cannot tell", counts as no.) Each answer
      joins the first class whose first member it is the same as, so `same` need not be
      transitive; it is asked at most once for each different answer and class. Without
      it, equal values are one class, so class numbers may be passed as answers.
    """
    firsts: list[A] = []
    known: dict[A, int] = {}
    for answer in answers_N:
        if answer is None or answer in known:
            continue
        alike = (c for c, first in enumerate(firsts) if same is not None and same(first, answer))
        known[answer] = next(alike, len(firsts))
        if known[answer] == len(firsts):
            firsts.append(answer)
    return [None if answer is None else known[answer] for answer in answers_N]


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
