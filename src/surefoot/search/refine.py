"""Two baselines that improve one solution (as in the o1 comparative study, arXiv:2410.13639).

    stepwise_best_of_n   s_t = argmax { score(s_1..s_{t-1}, s') : s' ~ policy, n of them }
    self_refine          y_0 ~ policy(x);  f_i ~ judge(x, y_i);  y_{i+1} ~ policy(x, y_i, f_i)

The first is a beam of one. The second (Madaan et al., arXiv:2303.17651) has no verifier: it
ends with the solution the judge finds nothing wrong with, else with the last one that was
finished, which need not be the best: without a signal from outside it loses right answers as
well as it repairs wrong ones.
"""

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem
from surefoot.search.beam import beam
from surefoot.search.critique import by_verdict, rewritten, with_feedback
from surefoot.search.refinement import Desk, always, refine, unrated
from surefoot.search.result import Found, Unfinished


def stepwise_best_of_n(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    n: int = 4,
    rounds: int = 40,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """Of n next steps the best, until a solution ends. Cost: rounds * n steps and scores."""
    return beam(
        problem, sample=sample, check=check, score=score, rng=rng, beams=1, width=n,
        rounds=rounds, aggregation=aggregation, budget=budget,
    )  # fmt: skip


def self_refine(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    judge: Sampler,
    rng: np.random.Generator,
    passes: int = 3,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """A solution that was criticised and rewritten at most `passes` times.

    judge: writes feedback; usually the policy's own model.
    Cost: at most 1 + passes completions, and as many replies of the judge.
    Raises InputError for a negative number of passes.
    """
    seed = int(rng.integers(2**32))
    desk = Desk(problem, sample, check, rng, Meter(budget or Budget()), unrated)
    return refine(
        desk,
        critic=by_verdict(judge, seed),
        how=[rewritten(with_feedback)],
        accept=always,
        passes=passes,
    )
