"""Beam search by what was right and what will be (BiRM, Chen et al., arXiv:2503.04618).

    f(s_1..s_t) = v_t + beta mean_{i<=t} r_i

as A* adds the way behind to the way ahead: r_i is the correctness of step i, v_t the value of
the prefix. beta = 0 is the beam by value; a large beta looks back only. This is the beta of the
released code, of the paper's tables (1.5 on GSM8K, 3 on MATH-500) and of `verifiers.kinds.birm`,
whose one model has both heads and gives f itself.

Dimension key: N prefixes.
"""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.kinds import aggregate, reduce_values
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Kind, Problem
from surefoot.search.beam import grow_beam
from surefoot.search.fit import VALUES, need_kinds
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import SearchTree


def birm_beam(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    past: Scorer | None = None,
    rng: np.random.Generator,
    beta: float = 1.0,
    beams: int = 4,
    width: int = 4,
    rounds: int = 40,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The finished solution of highest f, from a beam by f.

    score: v, of kind value. past: r, of kind correctness. Without it `score` is f itself, as a
      verifier with two heads gives it (`load_birm(folder, beta=...)`); `beta` is then its own.
    Cost: as of `beam`, and with `past` a second score of each prefix.
    Raises KindError for scores of other kinds, InputError as `beam` does and unless beta is 0
    or more and finite.
    """
    if not 0 <= beta < math.inf:
        raise InputError(f"beta must be 0 or more and finite, got {beta}")
    search = SearchTree(
        problem=problem, sample=sample, check=check, score=score, rng=rng,
        budget=budget, takes=VALUES,
    )  # fmt: skip
    rank = SearchTree.values if past is None else partial(both_ways, past=past, beta=beta)
    left = grow_beam(search, beams=beams, width=width, rounds=rounds, rank=rank)
    return search.result(left, rank)


def both_ways(
    search: SearchTree, nodes_N: Sequence[int], *, past: Scorer, beta: float
) -> list[float]:
    """[N] f of each prefix; -inf where the budget ended before."""
    ahead = search.scores(nodes_N)
    behind = search.scores(nodes_N, past)
    if not ahead or not behind:
        return [-math.inf] * len(nodes_N)
    need_kinds(behind, [Kind.CORRECTNESS], "looking back (r)")
    return [
        aggregate(v) + beta * reduce_values(r.values, "mean")
        for r, v in zip(behind, ahead, strict=True)
    ]
