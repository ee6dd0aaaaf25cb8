"""Votes over answers: self-consistency (arXiv:2203.11171) and its verifier-weighted form.

    majority        a* = argmax_a  #{ i : answer_i = a }
    weighted vote   a* = argmax_a  sum_{i : answer_i = a}  w_i

over classes of equivalent answers. Traces without an answer do not vote. Of
equal classes the one seen first wins; the trace kept is its heaviest member.

Dimension key: N traces.
"""

import math
from collections.abc import Sequence

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import KindError
from surefoot.core.kinds import TINY, log_product
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Kind, Problem, StepScores, Trace
from surefoot.core.votes import Same, answer_classes, heaviest_class
from surefoot.search.best_of_n import draw_within
from surefoot.search.fit import CHANCES, VOTES, need_kinds
from surefoot.search.result import Found, Unfinished, totals, tree_of, unfinished


def vote(
    traces_N: Sequence[Trace], weights_N: Sequence[float], *, same: Same[str] | None = None
) -> int | None:
    """Index in [0, N) of the winner, or None if no trace has an answer."""
    classes_N = answer_classes([trace.answer for trace in traces_N], same=same)
    winners = heaviest_class(classes_N, weights_N, range(len(traces_N)))
    return max(winners, key=lambda i: weights_N[i], default=None)


def vote_weights(scores_N: Sequence[StepScores], aggregation: str | None = None) -> list[float]:
    """Weights in [0, 1]: probabilities as they are; log-ratios r as exp(r - max r), and so the
    logs of products where all of them are below the range of floats.

    Raises KindError for progress and logit scores, which are no votes.
    """
    need_kinds(scores_N, VOTES, "weighing votes")
    weights = totals(scores_N, aggregation)
    kinds = {scores.kind for scores in scores_N}
    if kinds == {Kind.LOGRATIO}:
        return _relative(weights)
    if kinds <= CHANCES:
        by_product = kinds == {Kind.CORRECTNESS} and aggregation in (None, "product")
        if by_product and 0 < max(weights) < TINY:
            # `product` keeps the order of numbers that small, but not their ratios.
            return _relative([log_product(scores.values) for scores in scores_N])
        return weights
    raise KindError(f"scores of kinds {sorted(k.value for k in kinds)} cannot weigh one vote")


def _relative(logs_N: Sequence[float]) -> list[float]:
    return [math.exp(log - max(logs_N)) for log in logs_N]


def majority(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    rng: np.random.Generator,
    n: int = 16,
    same: Same[str] | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The most frequent answer of n solutions. Cost: n completions, no verifier."""
    return _voted(problem, sample, check, None, rng, n, same, None, budget)


def weighted_vote(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    n: int = 16,
    same: Same[str] | None = None,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The answer with most weight among n solutions. Cost: n completions and n scores."""
    return _voted(problem, sample, check, score, rng, n, same, aggregation, budget)


def _voted(
    problem: Problem,
    sample: Sampler,
    check: Checker,
    score: Scorer | None,
    rng: np.random.Generator,
    n: int,
    same: Same[str] | None,
    aggregation: str | None,
    budget: Budget | None,
) -> Found | Unfinished:
    meter = Meter(budget or Budget())
    traces_N, scores_N = draw_within(
        problem, sample=sample, check=check, score=score, rng=rng, n=n, meter=meter
    )
    finished = [trace for trace in traces_N if trace.finished]
    weights = [1.0] * len(finished)
    if scores_N:  # what the budget left without a score has no vote
        weights = vote_weights(scores_N, aggregation)
    return elected(problem, traces_N, weights, scores_N, same=same, meter=meter)


def elected(
    problem: Problem,
    traces_N: Sequence[Trace],
    weights: Sequence[float],
    scores_N: Sequence[StepScores] = (),
    *,
    same: Same[str] | None,
    meter: Meter,
) -> Found | Unfinished:
    """The result of a vote among the finished of these solutions.

    weights: of the finished, the first ones if there are fewer. scores_N: likewise.
    """
    finished = [trace for trace in traces_N if trace.finished]
    winner = vote(finished[: len(weights)], weights, same=same)
    if winner is None:
        return unfinished(problem, traces_N, meter, "no finished solution has an answer")
    tree = tree_of(finished, scores_N)
    return Found(problem, finished[winner], tuple(finished), tuple(weights), meter.total(), tree)
