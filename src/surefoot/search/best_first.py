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
from collections.abc import Iterable
from dataclasses import dataclass, field
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
    frontier = _Frontier(search)
    for _ in range(rounds):
        count = min(beams, len(frontier.heap))
        if not count or len(search.ended) >= n or not search.affords(count * width):
            break
        nodes = search.open(frontier.take(count))
        frontier.add(chain.from_iterable(search.grow(nodes, width)))
    return search.result([] if search.ended else frontier.take(1))


@dataclass(slots=True)
class _Frontier:
    """Prefixes that were reached and not yet continued; each comes in once.

    heap: (-score, -node), so that the best comes first and of equals the one reached last.
    """

    search: SearchTree
    heap: list[tuple[float, int]] = field(default_factory=lambda: [(0.0, 0)])
    reached: set[int] = field(default_factory=lambda: {0})

    def take(self, count: int) -> list[int]:
        """The `count` best of them (or all), which leave it."""
        return [-heapq.heappop(self.heap)[1] for _ in range(min(count, len(self.heap)))]

    def add(self, nodes: Iterable[int]) -> None:
        """Those that are new and go on, with their scores."""
        new = [node for node in dict.fromkeys(nodes) if node not in self.reached]
        self.reached.update(new)
        for value, node in zip(self.search.values(new), new, strict=True):
            if node not in self.search.ended:
                heapq.heappush(self.heap, (-value, -node))
