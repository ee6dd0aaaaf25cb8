"""Does a second try keep what was right and repair what was wrong? (arXiv:2412.19513)

With a_i "the first answer to question i is right" and b_i "the second one is",

    CL   = sum_i P(a_i) P(b_i | a_i) / sum_i P(a_i)                  confidence: right stays right
    CS   = sum_i (1 - P(a_i)) P(b_i | not a_i) / sum_i (1 - P(a_i))  critique: wrong becomes right
    Acc2 = Acc1 CL + (1 - Acc1) CS
    RSS  = (Acc2 - Acc1^2) / (2 Acc1 (1 - Acc1))

RSS places Acc2 between Acc1^2 (0) and 1 - (1 - Acc1)^2 (1), what two independent tries give to
who is right only if both are, and if either is; it may leave [0, 1]. What divides by nothing is
None: CL without a right first answer, CS without a wrong one, RSS at Acc1 of 0 or 1.

Dimension key: P questions, K tries of each.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.errors import InputError
from surefoot.evaluate.checks import Floats, same_length
from surefoot.evaluate.intervals import Interval, interval_of, quotient, resampled_sums


@dataclass(frozen=True, slots=True)
class SelfCorrection:
    """before, after: Acc1, Acc2. confidence: CL. critique: CS. relative: RSS. None: undefined."""

    before: Interval
    after: Interval
    confidence: Interval | None
    critique: Interval | None
    relative: Interval | None


def self_correction(
    before_P_K: Sequence[Sequence[bool]],
    after_P_K: Sequence[Sequence[bool]],
    *,
    rng: np.random.Generator,
    resamples: int = 2000,
) -> SelfCorrection:
    """The figures, with intervals over questions.

    before_P_K, after_P_K: was the first answer right, and the second, of K >= 1 tries of each
      question (each question weighs the same). rng: consumed.
    Raises InputError without questions, or unless each has as many firsts as seconds.
    """
    same_length(before=len(before_P_K), after=len(after_P_K))
    counts_P_4 = [
        _shares(p, first_K, second_K)
        for p, (first_K, second_K) in enumerate(zip(before_P_K, after_P_K, strict=True))
    ]
    if not counts_P_4:
        raise InputError("there is no question to measure self-correction on")
    sums_R_4 = resampled_sums(counts_P_4, rng=rng, resamples=resamples)
    kept, right, mended, wrong = sums_R_4.T
    first, second = quotient(right, right + wrong), quotient(kept + mended, right + wrong)

    def interval(figure_1R: Floats) -> Interval | None:
        return interval_of(figure_1R, clusters=len(counts_P_4))

    before, after = interval(first), interval(second)
    assert before is not None  # there are questions
    assert after is not None
    return SelfCorrection(
        before,
        after,
        interval(quotient(kept, right)),
        interval(quotient(mended, wrong)),
        interval(_relative(first, second)),
    )


def relative_score(before: float, after: float) -> float | None:
    """RSS of two accuracies; None where `before` is 0 or 1.

    >>> [round(relative_score(0.6, after), 12) for after in (0.36, 0.6, 0.84)]
    [0.0, 0.5, 1.0]
    """
    found = float(_relative(np.array(before), np.array(after)))
    return None if math.isnan(found) else found


def _relative(before: Floats, after: Floats) -> Floats:
    return quotient(after - before**2, 2 * before * (1 - before))


def _shares(p: int, first_K: Sequence[bool], second_K: Sequence[bool]) -> list[float]:
    """Of a question's tries: right and still right, right, wrong and mended, wrong."""
    if len(first_K) != len(second_K) or not len(first_K):
        raise InputError(
            f"question {p} has {len(first_K)} first and {len(second_K)} second answers; expected "
            "as many, 1 or more"
        )
    pairs = [(bool(a), bool(b)) for a, b in zip(first_K, second_K, strict=True)]
    right = sum(a for a, _ in pairs)
    counts = (pairs.count((True, True)), right, pairs.count((False, True)), len(pairs) - right)
    return [count / len(pairs) for count in counts]
