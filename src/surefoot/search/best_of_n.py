"""Best-of-n: sample n solutions, keep the one the verifier likes best.

    y* = argmax_i  agg( r_1(y_i), ..., r_S(y_i) )

with the aggregation that fits what the scores mean (`core.kinds`). The first of
equal scores wins. KL(best-of-n || policy) <= log n - (n - 1)/n.

Dimension key: N traces.
"""

from dataclasses import replace

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem, StepScores, Trace
from surefoot.search.fit import RANKS, need_kinds
from surefoot.search.result import (
    Found,
    Unfinished,
    best_of,
    score_traces,
    spend_completions,
    totals,
    tree_of,
    unfinished,
)
from surefoot.steps.sample import finished_trace


def best_of_n(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    n: int = 16,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The best of n finished solutions. Cost: n completions and n scores.

    With a budget, solutions are drawn and scored one by one, as many as fit.
    """
    meter = Meter(budget or Budget())
    traces_N, scores_N = draw_within(
        problem, sample=sample, check=check, score=score, rng=rng, n=n, meter=meter
    )
    need_kinds(scores_N, RANKS, "comparing solutions")
    finished = [trace for trace in traces_N if trace.finished]
    if not finished:
        return unfinished(problem, traces_N, meter)
    found = best_of(problem, finished, totals(scores_N, aggregation), meter)
    return replace(found, tree=tree_of(finished, scores_N))


def draw_within(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer | None,
    rng: np.random.Generator,
    n: int,
    meter: Meter,
) -> tuple[list[Trace], list[StepScores]]:
    """Up to n solutions, and scores of the finished ones: at once without a budget, else one by
    one, each scored before the next is drawn.

    There are fewer scores than finished solutions where the budget ended between the two.
    """
    limited = meter.budget != Budget()
    traces: list[Trace] = []
    scores: list[StepScores] = []
    for size in [1] * n if limited else [n]:
        if meter.exhausted():
            break
        new = _drawn(problem, sample, check, rng, size, meter)
        traces += new
        if score is not None:
            scores += score_traces(score, [trace for trace in new if trace.finished], meter)
    return traces, scores


def _drawn(
    problem: Problem,
    sample: Sampler,
    check: Checker,
    rng: np.random.Generator,
    count: int,
    meter: Meter,
) -> list[Trace]:
    """Solutions, paid for; a completion without any step becomes none."""
    [ends] = sample(problem, [()], count=count, rng=rng)
    spend_completions(meter, [ends])
    return [finished_trace(problem, (), end, check) for end in ends if end.steps]
