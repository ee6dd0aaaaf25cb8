"""Beam search by what was right and what will be (BiRM, Chen et al., arXiv:2503.04618).

    f(s_1..s_t) = g(s_1..s_t) + beta h(s_1..s_t)

as A* adds the way behind to the way ahead: g is the mean of the steps' correctness, h the
value of the prefix. beta = 0 looks back only; with a large beta it is the beam by value. (The
released code writes value + b * reward, the same order for b = 1 / beta.)

Dimension key: N prefixes.
"""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.errors import KindError
from surefoot.core.kinds import aggregate, reduce_values
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Kind, Problem
from surefoot.search.beam import grow_beam
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import SearchTree


def birm_beam(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    past: Scorer,
    rng: np.random.Generator,
    beta: float = 1.0,
    beams: int = 4,
    width: int = 4,
    rounds: int = 40,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The finished solution of highest f, from a beam by f.

    score: h, of kind value. past: g's steps, of kind correctness.
    Cost: as of `beam`, and a second score of each prefix.
    Raises KindError for scores of other kinds, InputError as `beam` does.
    """
    search = SearchTree(
        problem=problem, sample=sample, check=check, score=score, rng=rng,
        budget=budget,
    )  # fmt: skip
    rank = partial(both_ways, past=past, beta=beta)
    left = grow_beam(search, beams=beams, width=width, rounds=rounds, rank=rank)
    return search.result(left, rank)


def both_ways(
    search: SearchTree, nodes_N: Sequence[int], *, past: Scorer, beta: float
) -> list[float]:
    """[N] f of each prefix; -inf where the budget ended before."""
    ahead = search.scores(nodes_N)
    search.need_kind([Kind.VALUE], "looking ahead (h)")
    behind = search.scores(nodes_N, past)
    if not ahead or not behind:
        return [-math.inf] * len(nodes_N)
    for scores in behind:
        if scores.kind is not Kind.CORRECTNESS:
            raise KindError(
                f"{scores.by!r} gives {scores.kind.value} scores; looking back (g) needs scores "
                "of kind correctness"
            )
    return [
        reduce_values(g.values, "mean") + beta * aggregate(h)
        for g, h in zip(behind, ahead, strict=True)
    ]
