"""REBASE, reward-balanced search (Wu et al., arXiv:2408.00724).

Each round B continuations are dealt out among the prefixes, by a softmax of their scores,
the best first:

    n_i = ceil( B_left e^{r_i / T} / sum_{j >= i} e^{r_j / T} ),     B_left <- B_left - n_i

Each continuation that ends its solution takes one from B; at B = 0 the search is over. Equal
prefixes are one prefix, with one share (the authors' code deals to each copy). The answer is a
vote weighted by the verifier (`vote_weights`); without any answer to vote for it is the
solution of highest score. T -> 0 deals all to the best, T -> oo deals evenly.

Dimension key: N prefixes.
"""

import math
from collections.abc import Sequence
from functools import partial
from itertools import chain

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem
from surefoot.core.votes import Same
from surefoot.search.fit import VOTES
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import SearchTree, highest, positive
from surefoot.search.vote import vote, vote_weights

ROUNDING = 1e-9  # a share this little over a whole number is that number


def rebase(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    n: int = 16,
    balance: float = 0.2,
    rounds: int = 40,
    same: Same[str] | None = None,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The answer of most weight among the solutions of a reward-balanced search.

    n: the first B. balance: T, over 0.
    Cost: at most rounds * n one-step completions and as many scores, one call of the policy
    and one of the verifier a round.
    Raises InputError unless n and rounds are at least 1 and balance is positive.
    """
    positive(n=n, rounds=rounds)
    if not balance > 0:
        raise InputError(f"balance must be above 0, got {balance}")
    search = SearchTree(
        problem=problem, sample=sample, check=check, score=score, rng=rng,
        aggregation=aggregation, budget=budget, takes=VOTES,
    )  # fmt: skip
    live, counts = [0], [n]
    for _ in range(rounds):
        if not live or not search.affords(sum(counts)):
            break
        dealt = np.repeat(live, counts).tolist()
        grown = list(chain.from_iterable(search.grow(dealt)))
        n -= sum(node in search.ended for node in grown)
        live = search.open(grown) if n > 0 else []
        live, counts = _shares(search, live, n, balance)
    return search.result(live, elect=partial(voted, same=same))


def deal(scores_N: Sequence[float], width: int, balance: float) -> list[int]:
    """[N] how many of `width` continuations each prefix gets, in the order given; they add up.

    -inf, a score that the budget did not allow, gets none unless all are.
    """
    top = max(scores_N)
    known = [0.0] * len(scores_N) if top == -math.inf else [r - top for r in scores_N]
    shares = [math.exp(r / balance) for r in known]
    counts, left = [0] * len(shares), width
    order = sorted(range(len(shares)), key=lambda i: -scores_N[i])
    rest = [math.fsum(shares[i] for i in order[place:]) for place in range(len(order))]
    for i, total in zip(order, rest, strict=True):
        if left and shares[i]:
            counts[i] = min(left, math.ceil(left * shares[i] / total - ROUNDING))
            left -= counts[i]
    return counts


def voted(
    search: SearchTree,
    nodes_N: Sequence[int],
    scores_N: Sequence[float],
    *,
    same: Same[str] | None = None,
) -> int:
    """The index of the winner of a vote weighted by the verifier; of the highest score if no
    solution has an answer."""
    weights = vote_weights(search.scores(nodes_N), search.aggregation)
    winner = vote([search.ended[node] for node in nodes_N], weights, same=same)
    return highest(search, nodes_N, scores_N) if winner is None else winner


def _shares(
    search: SearchTree, live: list[int], width: int, balance: float
) -> tuple[list[int], list[int]]:
    """Those prefixes that go on and their continuations, most first; one alone needs no score."""
    if len(live) < 2:
        return live, [width] * len(live)
    counts = deal(search.values(live), width, balance)
    order = sorted((i for i in range(len(live)) if counts[i]), key=lambda i: -counts[i])
    return [live[i] for i in order], [counts[i] for i in order]
