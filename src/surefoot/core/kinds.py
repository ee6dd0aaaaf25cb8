"""From step scores to one number a trace, by what the scores mean.

    correctness  P(step right | steps before)    product, min or mean over steps
    value        P(correct end | prefix)         last
    progress     change in value                 sum (telescopes to the last value)
    logit        log-odds of correctness         min
    logratio     log-likelihood ratio added      sum
    preference   strength among next steps       last

The product of values would count the same doubt many times over, and the last
of several correctness scores would forget all but one step; so a mismatch is an
error (Zhang et al., arXiv:2501.07301, figure 9, measures what it costs).
"""

import math
from collections.abc import Callable, Sequence

from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Kind, StepScores

AGGREGATIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "last": lambda values: values[-1],
    "min": min,
    "product": math.prod,
    "mean": lambda values: math.fsum(values) / len(values),
    "sum": math.fsum,
}

LEGAL: dict[Kind, tuple[str, ...]] = {
    Kind.CORRECTNESS: ("product", "min", "mean"),
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
    """Aggregates bare numbers whose kind is not known; the caller answers for the choice."""
    if how not in AGGREGATIONS:
        raise InputError(f"aggregation must be one of {sorted(AGGREGATIONS)}, got {how!r}")
    if len(values_S) == 0:
        raise InputError("a trace without steps has no score: drop it or give it a verdict instead")
    for step, value in enumerate(values_S):
        if not math.isfinite(value):
            raise InputError(f"the score of step {step} is {value}; expected a finite number")
    return AGGREGATIONS[how](values_S)
