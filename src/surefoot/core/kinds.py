"""From step scores to one number a trace, by what the scores mean.

    correctness  P(step right | steps before)    product, min, mean or geometric mean over steps
    value        P(correct end | prefix)         last
    progress     change in value                 sum (telescopes to the last value)
    logit        log-odds of correctness         min
    logratio     log-likelihood ratio added      sum
    preference   strength among next steps       last

The product of values would count the same doubt many times over, and the last
of several correctness scores would forget all but one step; so a mismatch is an
error (Zhang et al., arXiv:2501.07301, figure 9, measures what it costs).

The product falls with each further step that is not certain, so of two solutions without an
error the longer one has the lower product. The geometric mean is its S-th root and has no such
bias. A product that is too small for a float keeps its place in the order (`product`).
"""

import math
import sys
from collections.abc import Callable, Sequence

from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Kind, StepScores

TINY = sys.float_info.min  # 2.2e-308, the smallest float of full precision


def log_product(values_S: Sequence[float]) -> float:
    """The sum of the logs of numbers that are 0 or more; -inf if one is 0.

    Raises InputError for a negative number.
    """
    least = min(values_S)
    if least < 0:
        raise InputError(f"got a score of {least}; a log of it needs scores of 0 or more")
    return math.fsum(map(math.log, values_S)) if least else -math.inf


def product(values_S: Sequence[float]) -> float:
    """The product, whatever the order of the factors.

    Products of thousands of steps leave the range of floats, where all of them would be 0 and
    the first of them would win every comparison. Below 2.2e-308 a product P of probabilities is
    therefore replaced by a number that is smaller still and increases with P:

        2.2e-308 * ln(2.2e-308) / ln P          in (0, 2.2e-308)

    so that argmax, sort and ties are those of the sums of logs. 0 is a product with a factor of
    0, and only that.
    """
    # Sorted, since rounding depends on the order and equal scores are to have equal products.
    found = math.prod(sorted(values_S))
    if abs(found) >= TINY or min(values_S) <= 0:
        return found
    logs = log_product(values_S)
    return TINY * math.log(TINY) / logs if logs < math.log(TINY) else math.exp(logs)


def geometric_mean(values_S: Sequence[float]) -> float:
    """exp(mean of the logs), 0 if a number is 0. Raises InputError for a negative one."""
    return math.exp(log_product(values_S) / len(values_S))


AGGREGATIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "last": lambda values: values[-1],
    "min": min,
    "product": product,
    "mean": lambda values: math.fsum(values) / len(values),
    "geometric_mean": geometric_mean,
    "sum": math.fsum,
}

LEGAL: dict[Kind, tuple[str, ...]] = {
    Kind.CORRECTNESS: ("product", "min", "mean", "geometric_mean"),
    Kind.VALUE: ("last",),
    Kind.PROGRESS: ("sum",),
    Kind.LOGIT: ("min",),
    Kind.LOGRATIO: ("sum",),
    Kind.PREFERENCE: ("last",),
}


def aggregate(scores: StepScores, how: str | None = None) -> float:
    """One number for a trace. `how` defaults to the first legal way for the scores' kind.

    Raises KindError if `how` does not fit the kind, InputError without any step
    or for a score that is not a finite number.
    """
    legal = LEGAL[scores.kind]
    how = legal[0] if how is None else how
    if how not in legal:
        raise KindError(
            f"{scores.kind.value} scores of {scores.by!r} aggregate by {' or '.join(legal)}, "
            f"not by {how!r}"
        )
    return reduce_values(scores.values, how)


def reduce_values(values_S: Sequence[float], how: str) -> float:
    """Aggregates bare numbers whose kind is not known; the caller answers for the choice.

    Raises InputError for an unknown `how`, without any step, for a score that is not a finite
    number, and where the aggregate leaves the range of floats.
    """
    if how not in AGGREGATIONS:
        raise InputError(f"aggregation must be one of {sorted(AGGREGATIONS)}, got {how!r}")
    if len(values_S) == 0:
        raise InputError("a trace without steps has no score: drop it or give it a verdict instead")
    for step, value in enumerate(values_S):
        if not math.isfinite(value):
            raise InputError(f"the score of step {step} is {value}; expected a finite number")
    try:
        total = AGGREGATIONS[how](values_S)
    except OverflowError:
        total = math.inf
    if not math.isfinite(total):
        largest = max(values_S, key=abs)
        raise InputError(
            f"the {how} of {len(values_S)} scores is too large for a float, the largest is "
            f"{largest:g}; expected probabilities or log-odds"
        )
    return total
