"""Tree of Thoughts: breadth first and depth first (Yao et al., arXiv:2305.10601).

    BFS   every kept state is continued by `thoughts` steps; of all that came of it the
          best `keep` go on, chosen by `choose` from their values
    DFS   the best unseen child first; one whose value is below `doubt` is pruned, and from
          where nothing is left the search goes back

A state's value is the verifier's. The paper's verifier is the policy itself, asked for a
word, several times: V = sum of WORTH[word], here over votes and in [0, 1] (`worded_value`).

Deviations: states that are equal are one (the paper gives the second one value 0), finished
states leave the breadth for the candidates, and DFS ends with the best solution found.
"""

import math
from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem
from surefoot.search.mcts import conclude, probabilities
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import SearchTree, positive

WORTH = {"sure": 20.0, "likely": 1.0, "impossible": 0.001}

Choose = Callable[[Sequence[float], int, np.random.Generator], list[int]]


def greedily(values_N: Sequence[float], keep: int, rng: np.random.Generator) -> list[int]:  # noqa: ARG001
    """The places of the `keep` highest values, the first of equals."""
    return sorted(range(len(values_N)), key=lambda i: -values_N[i])[:keep]


def by_lot(values_N: Sequence[float], keep: int, rng: np.random.Generator) -> list[int]:
    """`keep` different places, drawn with chances in proportion to their values."""
    weights = np.asarray(values_N, dtype=np.float64) + 1e-12
    drawn = rng.choice(
        len(weights), size=min(keep, len(weights)), replace=False, p=weights / weights.sum()
    )
    return [int(i) for i in drawn]


def worded_value(words: Sequence[str]) -> float | None:
    """Mean worth of a judge's votes, in [0, 1]; None if not one was a word of WORTH."""
    known = [WORTH[word] for text in words if (word := text.strip().lower()) in WORTH]
    return math.fsum(known) / (len(known) * WORTH["sure"]) if known else None


def tot_bfs(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    thoughts: int = 5,
    keep: int = 5,
    depth: int = 64,
    choose: Choose = greedily,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The best solution of a breadth-first search over steps.

    Cost: at most depth * keep * thoughts steps and as many scores.
    Raises InputError unless thoughts, keep and depth are at least 1.
    """
    positive(thoughts=thoughts, keep=keep, depth=depth)
    search = SearchTree(
        problem=problem, sample=sample, check=check, score=score, rng=rng,
        aggregation=aggregation, budget=budget,
    )  # fmt: skip
    states = [0]
    for _ in range(depth):
        if not states or not search.affords(len(states) * thoughts):
            break
        values = _grown(search, states, thoughts)
        going = search.open(values)
        picks = choose([values[node] for node in going], keep, rng) if going else []
        states = [going[i] for i in picks]
    return conclude(search, states)


def tot_dfs(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    thoughts: int = 3,
    steps: int = 100,
    doubt: float = 0.1,
    depth: int = 64,
    enough: float = 0.9,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The best solution of a depth-first search that expands at most `steps` states.

    doubt: children worth less are not entered. enough: a solution worth this ends the search.
    Cost: at most steps * thoughts steps and as many scores.
    Raises InputError unless thoughts, steps and depth are at least 1.
    """
    positive(thoughts=thoughts, steps=steps, depth=depth)
    search = SearchTree(
        problem=problem, sample=sample, check=check, score=score, rng=rng,
        aggregation=aggregation, budget=budget,
    )  # fmt: skip
    waiting, level = [0], {0: 0}  # what to enter, the best of the deepest last; steps above each
    best = -math.inf
    for _ in range(steps):
        if not waiting or best >= enough or not search.affords(thoughts):
            break
        state = waiting.pop()
        values = _grown(search, [state], thoughts)
        best = max(best, _best_solution(search, values))
        below = level[state] + 1
        good = _good(search, values, doubt) if below < depth else []
        level |= dict.fromkeys(good, below)
        waiting += sorted(good, key=lambda node: -values[node])[::-1]
    return conclude(search, waiting or list(level))


def _best_solution(search: SearchTree, values: dict[int, float]) -> float:
    """The highest value of a state that ends a solution; -inf where none does."""
    return max((values[node] for node in values if node in search.ended), default=-math.inf)


def _good(search: SearchTree, values: dict[int, float], doubt: float) -> list[int]:
    """The states to go on from, in the order they came."""
    return [node for node in search.open(values) if values[node] >= doubt]


def _grown(search: SearchTree, states: Sequence[int], thoughts: int) -> dict[int, float]:
    """Where the continuations of the states end, with their values; 0 where the budget ended."""
    ends = list(dict.fromkeys(chain.from_iterable(search.grow(states, thoughts))))
    values = probabilities(search, ends)
    return {node: value or 0.0 for node, value in zip(ends, values, strict=True)}
