"""Diverse verifier tree search (Beeching et al., search-and-learn, 2024).

G trees grow side by side and never compete; in each, of K next steps the best goes on:

    s_t^g = argmax { score(s_1^g..s_{t-1}^g, s') : s' ~ policy, K of them }        g = 1..G

A tree ends with the first step that ends a solution. With G = 1 it is a beam of one, with
K = 1 it is G independent samples.

Dimension key: G trees, K continuations of each.
"""

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import SearchTree, best


def dvts(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    beams: int = 4,
    width: int = 4,
    rounds: int = 40,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The best finished solution of `beams` independent trees (G), each `width` wide (K).

    Cost: at most rounds * beams * width one-step completions and as many scores.
    Raises InputError unless beams, width and rounds are at least 1.
    """
    if min(beams, width, rounds) < 1:
        raise InputError(f"beams, width and rounds must be 1 or more, got {beams, width, rounds}")
    search = SearchTree(
        problem=problem, sample=sample, check=check, score=score, rng=rng,
        aggregation=aggregation, meter=Meter(budget or Budget()),
    )  # fmt: skip
    live_G = [0] * beams
    for _ in range(rounds):
        if not live_G or not search.affords(len(live_G) * width):
            break
        going_G = [
            search.open(row) for row in search.grow(live_G, width) if not _ended(search, row)
        ]
        search.values([n for row in going_G if len(row) > 1 for n in row])  # of all in one call
        live_G = [node for row in going_G for node in best(search, row, 1)]
    return search.result(live_G)


def _ended(search: SearchTree, row: list[int]) -> bool:
    """Does one of these steps end a solution?"""
    return any(node in search.ended for node in row)
