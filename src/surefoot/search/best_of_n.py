"""Best-of-n: sample n solutions, keep the one the verifier likes best.

    y* = argmax_i  agg( r_1(y_i), ..., r_S(y_i) )

with the aggregation that fits what the scores mean (`core.kinds`). The first of
equal scores wins. KL(best-of-n || policy) <= log n - (n - 1)/n.

Dimension key: N traces.
"""

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem, Trace, Usage
from surefoot.search.result import Found, Unfinished, score_traces, totals
from surefoot.steps.sample import sample_traces


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

    A budget too small for all n is spent on as many as fit, one by one.
    """
    meter = Meter(budget or Budget())
    traces_N = draw_within(problem, sample=sample, check=check, rng=rng, n=n, meter=meter)
    finished = [trace for trace in traces_N if trace.finished]
    if not finished:
        why = meter.exhausted() or "the policy finished no solution"
        return Unfinished(problem, why, tuple(traces_N), meter.total())
    scores = totals(score_traces(score, finished, meter), aggregation)
    best = int(np.argmax(scores))
    return Found(problem, finished[best], tuple(finished), tuple(scores), meter.total())


def draw_within(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    rng: np.random.Generator,
    n: int,
    meter: Meter,
) -> list[Trace]:
    """Up to n solutions: at once if the budget does not limit the policy, else one by one."""
    limits = meter.budget
    limited = any(
        limit is not None
        for limit in (limits.policy_tokens, limits.calls, limits.seconds, limits.money)
    )
    traces: list[Trace] = []
    for size in [1] * n if limited else [n]:
        if meter.exhausted():
            break
        new = sample_traces(problem, sample=sample, check=check, count=size, rng=rng)
        meter.spend(Usage(policy_tokens=sum(t.tokens for t in new), calls=size))
        traces += new
    return traces
