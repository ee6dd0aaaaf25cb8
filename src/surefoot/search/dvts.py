"""Diverse verifier tree search (Beeching et al., search-and-learn, 2024).

G trees grow side by side and never compete; in each, of K next steps the best goes on:

    s_t^g = argmax { score(s_1^g..s_{t-1}^g, s') : s' ~ policy, K of them }        g = 1..G

A tree ends with the first step that ends a solution. With G = 1 it is a beam of one, with
K = 1 it is G independent samples.

Dimension key: G trees, K continuations of each.
"""

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import SearchTree, best, positive


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
    positive(beams=beams, width=width, rounds=rounds)
    search = SearchTree(
        problem=problem, sample=sample, check=check, score=score, rng=rng,
        aggregation=aggregation, budget=budget,
    )  # fmt: skip
    live_G = [0] * beams
    for _ in range(rounds):
        if not live_G or not search.affords(len(live_G) * width):
            break
        live_G = _best_of_each(search, live_G, width)
    return search.result(live_G)


def _best_of_each(search: SearchTree, live_G: list[int], width: int) -> list[int]:
    """The best next step of each tree in which none ended a solution; one call for all."""
    rows_G = search.grow(live_G, width)
    going_G = [search.open(row) for row in rows_G if search.ended.keys().isdisjoint(row)]
    search.values([node for row in going_G if len(row) > 1 for node in row])
    return [node for row in going_G for node in best(search, row, 1)]
