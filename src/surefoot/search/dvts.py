"""Diverse verifier tree search (Beeching et al., search-and-learn, 2024).

G trees grow side by side and never compete; in each, of K next steps the best goes on:

    s_t^g = argmax { score(s_1^g..s_{t-1}^g, s') : s' ~ policy, K of them }        g = 1..G

A tree ends when its best step ends a solution; one that ends beside a better step stays a
candidate (in the authors' code only what the tree holds last is). The K steps follow the same
prefix, so that a finished and an unfinished one are of one length and comparable under any
aggregation. Where all solutions have one length, G = 1 is a beam of one; K = 1 is G independent
samples.

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
    """The best next step of each tree, unless it ends the solution; one call for all."""
    rows_G = [list(dict.fromkeys(row)) for row in search.grow(live_G, width)]
    search.values([node for row in rows_G if len(row) > 1 for node in row])
    best_G = [node for row in rows_G for node in best(search, row, 1)]
    return [node for node in best_G if node not in search.ended]
