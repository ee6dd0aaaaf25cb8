"""Best-first search over steps (as in Tree of Thoughts' sibling, treequest's best-first).

A frontier holds every prefix that was reached and not yet continued. Each round the B best
of them, wherever they are in the tree, get K continuations:

    expand   top_B { score(p) : p in frontier };    frontier <- frontier - these + their next steps

until n solutions are finished. Unlike a beam it goes back to an earlier prefix when what
follows the better one disappoints. Of equals the one reached last goes on, so that a verifier
without an opinion makes it a plain sample, not a breadth-first search.

Dimension key: B prefixes at once, K continuations of each.
"""

import heapq
from itertools import chain

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import SearchTree, positive


def best_first(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    n: int = 4,
    beams: int = 1,
    width: int = 4,
    rounds: int = 100,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The best of the first n finished solutions (or a few more that end in the same round).

    beams: prefixes continued at once.
    Cost: at most rounds * beams * width one-step completions and as many scores, one call of
    the policy and one of the verifier a round.
    Raises InputError unless n, beams, width and rounds are at least 1.
    """
    positive(n=n, beams=beams, width=width, rounds=rounds)
    search = SearchTree(
        problem=problem, sample=sample, check=check, score=score, rng=rng,
        aggregation=aggregation, budget=budget,
    )  # fmt: skip
    frontier, reached = [(0.0, 0)], {0}  # (-score, -node)
    for _ in range(rounds):
        count = min(beams, len(frontier))
        if not count or len(search.ended) >= n or not search.affords(count * width):
            break
        nodes = [-heapq.heappop(frontier)[1] for _ in range(count)]
        grown = dict.fromkeys(chain.from_iterable(search.grow(search.open(nodes), width)))
        new = [node for node in grown if node not in reached]
        reached.update(new)
        for entry in _entries(search, new):
            heapq.heappush(frontier, entry)
    left = [] if search.ended else [-node for _, node in heapq.nsmallest(1, frontier)]
    return search.result(left)


def _entries(search: SearchTree, nodes: list[int]) -> list[tuple[float, int]]:
    """What goes into the frontier: those that have not ended, with their scores."""
    pairs = zip(search.values(nodes), nodes, strict=True)
    return [(-value, -node) for value, node in pairs if node not in search.ended]
