"""Adaptive self-consistency: draw until the lead is sure (Aggarwal et al., arXiv:2305.11860).

With v1 votes for the leading answer and v2 for the next, and p the leader's chance against it,

    p ~ Beta(v1 + 1, v2 + 1)
    P(p > 1/2) = sum_{j <= v1} C(v1 + v2 + 1, j) / 2^(v1 + v2 + 1)        stop at `confidence`

Nothing is drawn that is not used. With `confidence` over 1 it is `majority`.
"""

import math
from collections import Counter
from itertools import chain

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.protocols import Checker, Sampler
from surefoot.core.types import Problem, Trace
from surefoot.core.votes import Same, answer_classes
from surefoot.search.best_of_n import draw_within
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import positive
from surefoot.search.vote import elected


def adaptive_vote(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    rng: np.random.Generator,
    n: int = 16,
    confidence: float = 0.95,
    batch: int = 1,
    same: Same[str] | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The most frequent answer of at most n solutions, drawn `batch` at a time.

    Raises InputError unless n and batch are at least 1.
    """
    positive(n=n, batch=batch)
    meter = Meter(budget or Budget())
    traces: list[Trace] = []
    drawn = 0
    while drawn < n and not meter.exhausted():
        size = min(batch, n - drawn)
        new, _ = draw_within(
            problem, sample=sample, check=check, score=None, rng=rng, n=size, meter=meter
        )
        traces, drawn = traces + new, drawn + size
        votes = _votes([trace.answer for trace in traces if trace.finished], same)
        if lead_is_real(*votes) >= confidence:
            break
    weights = [1.0] * sum(trace.finished for trace in traces)
    return elected(problem, traces, weights, same=same, meter=meter)


def lead_is_real(first: int, second: int) -> float:
    """P(p > 1/2) after `first` votes against `second`; 1/2 for equally many, none included.

    >>> lead_is_real(4, 0)
    0.96875
    """
    trials = first + second + 1
    return float(sum(math.comb(trials, j) for j in range(first + 1)) / 2**trials)


def _votes(answers: list[str | None], same: Same[str] | None) -> tuple[int, int]:
    """Votes of the largest and of the second largest class of answers."""
    classes = (c for c in answer_classes(answers, same=same) if c is not None)
    most = [votes for _, votes in Counter(classes).most_common(2)]
    first, second = chain(most, [0] * (2 - len(most)))
    return first, second
