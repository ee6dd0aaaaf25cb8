"""Beam search that looks ahead (Snell et al., arXiv:2408.03314, section 5.2).

A prefix is worth what the verifier says at the end of d further steps of the policy:

    rank(s_1..s_t) = score(s_1..s_t, s'_{t+1}..s'_{t+d})        s' ~ policy

With d = 0 it is `beam`. What is written while looking stays in the tree: if it ends a
solution, that is a candidate, though the beam itself does not narrow. The paper looks ahead
at temperature 0; here it is the policy that the search has, or another.

Dimension key: N prefixes.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem
from surefoot.search.beam import grow_beam
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import SearchTree


def lookahead(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    ahead: int = 1,
    beams: int = 4,
    width: int = 4,
    rounds: int = 40,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The best finished solution of a beam whose prefixes are judged `ahead` steps later.

    Cost: at most rounds * beams * width * (1 + ahead) one-step completions, and a score of
    each prefix at its furthest. Raises InputError for `ahead` below 0, and as `beam` does.
    """
    if ahead < 0:
        raise InputError(f"ahead must be 0 or more steps, got {ahead}")
    search = SearchTree(
        problem=problem, sample=sample, check=check, score=score, rng=rng,
        aggregation=aggregation, budget=budget,
    )  # fmt: skip
    rank = partial(values_ahead, ahead=ahead)
    return search.result(grow_beam(search, beams=beams, width=width, rounds=rounds, rank=rank))


def values_ahead(search: SearchTree, nodes_N: Sequence[int], *, ahead: int) -> list[float]:
    """[N] the verifier's numbers `ahead` steps after each prefix, or as far as its solution,
    the policy, or the budget goes."""
    ends = list(nodes_N)
    for _ in range(ahead):
        going = search.open(ends)
        if not going or not search.affords(len(going)):
            break
        rows = search.grow(going)
        further = {node: row[0] for node, row in zip(going, rows, strict=True) if row}
        ends = [further.get(node, node) for node in ends]
    return search.values(ends)
