"""Beam search by value and progress (PAV, Setlur et al., arXiv:2410.08146, section 4).

    rank(s_1..s_t) = Q^pi_t + alpha A^mu_t        A^mu_t = Q^mu_t - Q^mu_{t-1}

Q^pi is the policy's value and A^mu the progress of the last step under a prover mu. Either may
come from a value model or from a process advantage verifier, whose scores are the A_t:

    values Q^pi alone        mu is the best of K tries of the policy: Q^mu = 1 - (1 - Q^pi)^K
    progress A^pi alone      mu = pi;  Q^pi_t = sum_{i<=t} A^pi_i, up to the constant Q^pi_0
    with a prover            A^mu is the prover's progress, or the change in its value

The constant Q^pi_0 is the same for all prefixes of a problem and changes no rank. alpha = 0 is
the beam by value, K = 1 the policy as its own prover. The finished are compared by Q^pi. Before
the first step a value model's Q^mu is not known; it is the same for all prefixes then, and 0.

Dimension key: N prefixes.
"""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from surefoot.annotate.progress import best_of_value
from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.kinds import aggregate
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Kind, Problem, StepScores
from surefoot.search.beam import grow_beam
from surefoot.search.fit import GUIDES, need_kind
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import SearchTree


def pav_beam(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    prover: Scorer | None = None,
    alpha: float = 0.5,
    best_of: int = 4,
    beams: int = 4,
    width: int = 3,
    rounds: int = 40,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The finished solution of highest value, from a beam by value and progress.

    score: Q^pi, of kind value, or A^pi, of kind progress. prover: the same of mu, and each
      prefix costs a second score. best_of: K, for values without a prover.
    Raises InputError for best_of below 1, an alpha that is not finite, and as `beam` does,
    KindError for other scores.
    """
    if best_of < 1:
        raise InputError(f"best_of must be 1 or more tries of the policy, got {best_of}")
    if not math.isfinite(alpha):
        raise InputError(f"alpha must be a finite number, got {alpha}")
    search = SearchTree(
        problem=problem, sample=sample, check=check, score=score, rng=rng,
        budget=budget, takes=GUIDES,
    )  # fmt: skip
    rank = partial(effective_values, prover=prover, alpha=alpha, best_of=best_of)
    left = grow_beam(search, beams=beams, width=width, rounds=rounds, rank=rank)
    return search.result(left)


def effective_values(
    search: SearchTree,
    nodes_N: Sequence[int],
    *,
    prover: Scorer | None,
    alpha: float,
    best_of: int,
) -> list[float]:
    """[N] Q^pi + alpha A^mu of each prefix; -inf where the budget ended before."""
    values = search.scores(nodes_N)
    seen = values if prover is None else search.scores(nodes_N, prover)
    if not seen:
        return [-math.inf] * len(nodes_N)
    tries = best_of if prover is None else 1
    return [aggregate(q) + alpha * advantage(mu, tries) for q, mu in zip(values, seen, strict=True)]


def advantage(scores: StepScores, best_of: int = 1) -> float:
    """A^mu of the last step: progress as it is, else the change in Q^mu."""
    need_kind(scores.kind, scores.by, GUIDES, "a prover")
    if scores.kind is Kind.PROGRESS:
        return scores.values[-1]
    before, now = (0.0, *scores.values)[-2:]
    return best_of_value(now, best_of) - best_of_value(before, best_of)
