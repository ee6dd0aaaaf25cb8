"""Several verifiers as one, and how far they disagree.

    mean_probability   m = (1/K) sum_k x_k
    mean_logit         m = s( (1/K) sum_k log(x_k / (1 - x_k)) )        (the odds' geometric mean)
    disagreement       sqrt( (1/K) sum_k (x_k - m)^2 ),  m the plain mean

Members must give scores of one kind: the mean of a correctness and a value is neither.

Dimension key: K members, N traces, S steps.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean, pstdev

from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Kind, StepScores, Trace
from surefoot.verifiers.calibrate import EDGE
from surefoot.verifiers.score import LocalScorer

Pool = Callable[[Sequence[float]], float]
AT_ONCE = 64  # traces that every member scores before the next ones: what a killed run may lose


def mean_probability(scores_K: Sequence[float]) -> float:
    """The plain mean; right for scores of every kind, logits too."""
    return fmean(scores_K)


def mean_logit(probabilities_K: Sequence[float]) -> float:
    """The probability at the mean log-odds, for probabilities: one sure member weighs more.

    A probability nearer to 0 or 1 than calibrate.EDGE counts as that near.
    """
    inside = [min(max(p, EDGE), 1 - EDGE) for p in probabilities_K]
    logit = fmean(math.log(p) - math.log1p(-p) for p in inside)
    return 0.5 * (1 + math.tanh(0.5 * logit))


def ensemble(
    members_K: Sequence[LocalScorer], *, pool: Pool = mean_probability, name: str = "ensemble"
) -> LocalScorer:
    """A scorer whose scores are the members', pooled step by step.

    Costs every member's forward pass; `tokens` is what all of them read. The members' published
    aggregation is kept if they agree on one. Scoring raises KindError for members of
    different kinds, and for `mean_logit` of scores that are no probabilities.
    """
    if not members_K:
        raise InputError("an ensemble needs one verifier or more")

    def stream(traces_N: Sequence[Trace]) -> Iterator[tuple[int, StepScores]]:
        for start in range(0, len(traces_N), AT_ONCE):
            part = traces_N[start : start + AT_ONCE]
            scores_N_K = zip(*(member(part) for member in members_K), strict=True)
            for index, scores_K in enumerate(scores_N_K, start=start):
                yield index, pooled(scores_K, pool=pool, name=name)

    def complete(traces_N: Sequence[Trace]) -> list[StepScores]:
        return [scores for _, scores in stream(traces_N)]

    published = {member.aggregation for member in members_K}
    parts = [*(member.fingerprint for member in members_K), getattr(pool, "__name__", repr(pool))]
    shared = published.pop() if len(published) == 1 else None
    return LocalScorer(stream, complete, "ensemble(" + ", ".join(parts) + ")", shared)


def pooled(
    scores_K: Sequence[StepScores], *, pool: Pool = mean_probability, name: str = "ensemble"
) -> StepScores:
    """The members' scores of one trace as one. Raises KindError, or InputError if numbers of
    steps differ."""
    kind = _kind(scores_K)
    if pool is mean_logit and kind not in (Kind.CORRECTNESS, Kind.VALUE):
        raise KindError(f"mean_logit pools probabilities, not {kind.value}; use mean_probability")
    values_S = tuple(map(pool, zip(*(scores.values for scores in scores_K), strict=True)))
    return StepScores(kind, values_S, name, sum(scores.tokens for scores in scores_K))


def disagreement(scores_K: Sequence[StepScores]) -> tuple[float, ...]:
    """[S] the members' standard deviation at each step, in the units of their scores: where it is
    large, at most some of them are right. 0 for one member. Raises as `pooled`."""
    _kind(scores_K)
    return tuple(map(pstdev, zip(*(scores.values for scores in scores_K), strict=True)))


def _kind(scores_K: Sequence[StepScores]) -> Kind:
    """The members' common kind, if they scored the same steps."""
    kinds = {scores.by: scores.kind.value for scores in scores_K}
    steps = {len(scores.values) for scores in scores_K}
    if len({scores.kind for scores in scores_K}) != 1:
        raise KindError(
            f"members of an ensemble must give scores of one kind, got {kinds}; calibrate logits "
            "to probabilities first, and leave out what means something else"
        )
    if len(steps) != 1:
        raise InputError(f"members scored different numbers of steps of one trace: {sorted(steps)}")
    return scores_K[0].kind
