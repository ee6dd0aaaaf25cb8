r"""Thresholds with a guarantee: accept, flag or abstain, wrong no more often than promised.

Conformal risk control (arXiv:2208.02814): with losses l_i(lambda) in [0, 1] that do not
rise with lambda, on n calibration problems exchangeable with the next one,

    lambda^ = inf{lambda : (n R^_n(lambda) + 1) / (n + 1) <= alpha}
    gives  E[l_{n+1}(lambda^)] <= alpha.

Here a loss is 0 or 1: a bad event at score s happens where s >= lambda. So at most

    k = floor(alpha (n + 1)) - 1                        bad events are allowed; or, to hold with
    k = max{k : P(Binomial(n, alpha) <= k) <= delta}    chance 1 - delta over calibration sets
                                                        (arXiv:2101.02703),

and lambda^ lies just above the (k+1)-th highest bad score. Where even k = 0 promises too
much, there is no threshold: alpha < 1 / (n + 1), or (1 - alpha)^n > delta.

The unit is a problem (steps and samples of one depend on each other), chosen as it will
be in use: best-of-n changes the scores, so calibrate after the choice, and again for
another policy or n.

Dimension key: M problems (one chosen solution each), L levels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.errors import InputError
from surefoot.evaluate.checks import Floats, finite_numbers, outcomes, same_length


@dataclass(frozen=True, slots=True)
class Threshold:
    """A calibrated threshold: a bad event happens where its score is `value` or more.

    value: -inf if every score may pass. allowed: k, the bad events tolerated among
    `problems`. alpha, delta: what was promised; delta None is a promise on average.
    """

    value: float
    allowed: int
    problems: int
    alpha: float
    delta: float | None


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """What comes of answering only from `threshold` on.

    coverage: share answered. risk: share answered and wrong, of all.
    selective_risk: share wrong of those answered.
    """

    threshold: float
    coverage: float
    risk: float
    selective_risk: float


def allowed_errors(problems: int, alpha: float, *, delta: float | None = None) -> int:
    """k: how many bad events a calibration set of this size may hold. 0 or more.

    alpha: the risk allowed, in (0, 1). delta: None bounds the mean risk over calibration
      sets; in (0, 1), the chance that this set's threshold has more risk than alpha.

    Raises InputError, with the size that is needed, if the set is too small to promise it.
    """
    for name, value in (("alpha", alpha), ("delta", delta)):
        if value is not None and not 0 < value < 1:
            raise InputError(f"{name} must be between 0 and 1, such as 0.1, got {value}")
    allowed = (
        math.floor(alpha * (problems + 1) + 1e-9) - 1
        if delta is None
        else _binomial_quantile(problems, alpha, delta)
    )
    if allowed >= 0:
        return allowed
    promise = f"a risk of {alpha}" + (f" with chance {1 - delta:g}" if delta is not None else "")
    raise InputError(
        f"{problems} calibration problems are too few to promise {promise}: it takes "
        f"{problems_needed(alpha, delta=delta)}; add problems or allow more risk"
    )


def problems_needed(alpha: float, *, delta: float | None = None) -> int:
    """The smallest calibration set that can promise `alpha` (and `delta`)."""
    if delta is None:
        return math.ceil(1 / alpha - 1 - 1e-9)
    return math.ceil(math.log(delta) / math.log1p(-alpha) - 1e-9)


def accept_threshold(
    scores_M: Sequence[float],
    right_M: Sequence[bool],
    alpha: float,
    *,
    delta: float | None = None,
) -> Threshold:
    """From which score on to accept, so that "accepted and wrong" stays within alpha of all.

    scores_M, right_M: [M] of the chosen solution of each calibration problem.
    alpha, delta: as in `allowed_errors`, which also says when the set is too small.
    """
    scores, right = finite_numbers(scores_M, "scores"), outcomes(right_M, "right")
    same_length(scores=len(scores), right=len(right))
    return _above(scores[~right], len(scores), alpha, delta)


def flag_threshold(
    first_error_scores_M: Sequence[float], alpha: float, *, delta: float | None = None
) -> Threshold:
    """Below which score to flag a step, so that a first error goes unflagged within alpha.

    first_error_scores_M: [M] the score of the first wrong step of one erroneous solution
      a problem; the promise is about erroneous solutions. Flag steps scored below `value`.
    """
    scores = finite_numbers(first_error_scores_M, "first_error_scores")
    return _above(scores, len(scores), alpha, delta)


def _above(bad: Floats, problems: int, alpha: float, delta: float | None) -> Threshold:
    allowed = allowed_errors(problems, alpha, delta=delta)
    if len(bad) <= allowed:
        return Threshold(-math.inf, allowed, problems, alpha, delta)
    worst = np.sort(bad)[::-1][allowed]
    return Threshold(math.nextafter(worst, math.inf), allowed, problems, alpha, delta)


def _binomial_quantile(problems: int, alpha: float, delta: float) -> int:
    """max{k : P(Binomial(problems, alpha) <= k) <= delta}, or -1."""
    below, k = 0.0, -1
    while k + 1 <= problems:
        log_ways = (
            math.lgamma(problems + 1) - math.lgamma(k + 2) - math.lgamma(problems - k)
        )  # C(problems, k + 1)
        log_chance = log_ways + (k + 1) * math.log(alpha) + (problems - k - 1) * math.log1p(-alpha)
        below += math.exp(log_chance)
        if below > delta + 1e-12:
            break
        k += 1
    return k


def risk_curve(scores_M: Sequence[float], right_M: Sequence[bool]) -> list[RiskPoint]:
    """Risk against coverage at every distinct score, from the highest down. [] for no problem."""
    scores, right = finite_numbers(scores_M, "scores"), outcomes(right_M, "right")
    same_length(scores=len(scores), right=len(right))
    order = np.argsort(-scores, kind="stable")
    wrong = np.cumsum(~right[order])
    last_of_group = np.flatnonzero(np.append(np.diff(scores[order]) < 0, len(scores) > 0))
    total = len(scores)
    return [
        RiskPoint(
            threshold=float(scores[order[i]]),
            coverage=float((i + 1) / total),
            risk=float(wrong[i] / total),
            selective_risk=float(wrong[i] / (i + 1)),
        )
        for i in last_of_group
    ]
