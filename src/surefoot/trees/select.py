"""Which way to go down a tree: three selection rules and the descent.

    UCB     V(c) + w sqrt(2 ln N(p) / N(c))                       (ReST-MCTS*, arXiv:2406.03816)
    UCT     V(c) + w sqrt(ln N(p) / N(c))                         (rStar, arXiv:2408.06195)
    PUCT    Q(c) + w P(c) sqrt(N(p)) / (1 + N(c))                 (AlphaMath, arXiv:2405.03553)

p is the parent and c the child, N counts visits, w is the weight of exploration.
UCB with weight w is UCT with weight w sqrt(2).
"""

import math
from collections.abc import Callable, Sequence

from surefoot.core.types import Step


def ucb(value: float, parent: int, child: int, *, weight: float = 0.7, bonus: float = 1.0) -> float:
    """The UCB score of a child; parent, child: their visits. `bonus` replaces the infinite
    width of a child that was never visited."""
    if child == 0:
        return value + bonus
    return value + weight * math.sqrt(2 * math.log(parent) / child)


def uct(value: float, parent: int, child: int, *, weight: float = 2.0) -> float:
    """The UCT score of a child; infinite for one that was never visited."""
    return value + weight * math.sqrt(math.log(parent) / child) if child else math.inf


def puct(value: float, prior: float, parent: int, child: int, *, weight: float = 1.5) -> float:
    """The PUCT score of a child; `prior` in [0, 1] is how much the policy likes it."""
    return value + weight * prior * math.sqrt(parent) / (1 + child)


def token_prior(step: Step) -> float:
    """P = exp(mean log-probability of the step's tokens), in [0, 1]; 1 if they are unknown."""
    return math.exp(math.fsum(step.logprobs) / len(step.logprobs)) if step.logprobs else 1.0


def descend(
    children_N: Sequence[Sequence[int]], score: Callable[[int], float], open_N: Sequence[bool]
) -> int:
    """The node without children that is reached from the root by the best open child each time.

    open_N: may a node be entered? A node with children needs an open one among them.
    The first of equals is taken, so a search is decided by its seed alone.
    """
    node = 0
    while children_N[node]:
        node = max((child for child in children_N[node] if open_N[child]), key=score)
    return node
