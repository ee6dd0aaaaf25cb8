"""Votes over several temperatures (Wu et al., arXiv:2510.02611).

    a* = argmax_a  sum_j #{ i : answer_i^j = a },        n / J solutions of each sampler j

Different temperatures solve different problems, so a share of each covers more than all of
one. The samplers may be any policies, such as one model at T = 0.6, 0.8 and 1.

Dimension key: J samplers.
"""

from collections.abc import Sequence

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.protocols import Checker, Sampler
from surefoot.core.types import Problem, Trace
from surefoot.core.votes import Same
from surefoot.search.best_of_n import draw_within
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import positive
from surefoot.search.vote import elected


def temperature_vote(
    problem: Problem,
    *,
    samples: Sequence[Sampler],
    check: Checker,
    rng: np.random.Generator,
    n: int = 16,
    same: Same[str] | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The most frequent answer of n solutions, as evenly from all samplers as n allows.

    Under a budget they take turns. Raises InputError without a sampler, and for n below 1.
    """
    positive(n=n, samples=len(samples))
    meter = Meter(budget or Budget())
    limited = meter.budget != Budget()
    turns = [(i % len(samples), 1) for i in range(n)]
    if not limited:
        turns = [(j, len(range(j, n, len(samples)))) for j in range(min(n, len(samples)))]
    traces: list[Trace] = []
    for j, count in turns:
        new, _ = draw_within(
            problem, sample=samples[j], check=check, score=None, rng=rng, n=count, meter=meter
        )
        traces += new
    weights = [1.0] * sum(trace.finished for trace in traces)
    return elected(problem, traces, weights, same=same, meter=meter)
