"""Beams by a value model, which may compare finished and unfinished prefixes: both are chances.

    pool  <- { (s_1..s_t, s') : s' ~ policy, K of each of B beams }
    OVM   beams <- top_B (pool + finished beams), until all B are finished   (arXiv:2311.09724)
    SBS   beams <- top_B pool; a finished one leaves, and B <- B - 1         (arXiv:2405.03553)

by V(s_1..s_t) = P(correct end | prefix), so scores must be of kind value. A solution that a
better unfinished prefix pushes out of the beam stays a candidate.

Dimension key: B beams, K continuations of each.
"""

from itertools import chain

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Kind, Problem
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import SearchTree, positive


def ovm_beam(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    beams: int = 4,
    width: int = 4,
    rounds: int = 40,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The finished solution of highest value, in a beam where the finished keep their place.

    Cost: at most rounds * beams * width one-step completions and as many scores.
    Raises InputError unless beams, width and rounds are at least 1, KindError for scores of
    another kind than value.
    """
    search = _search(problem, sample, check, score, rng, budget, (beams, width, rounds))
    kept, count = [0], beams * width
    for _ in range(rounds):
        going = search.open(kept)
        if not going or not search.affords(len(going) * count):
            break
        grown = dict.fromkeys(chain.from_iterable(search.grow(going, count)))
        kept = _top(search, [*grown, *(n for n in kept if n in search.ended)], beams)
        count = width
    return search.result(kept)


def sbs(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    beams: int = 3,
    width: int = 5,
    rounds: int = 40,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """AlphaMath's step beam search: a finished beam leaves and the beam narrows by one.

    Cost and errors as of `ovm_beam`.
    """
    search = _search(problem, sample, check, score, rng, budget, (beams, width, rounds))
    live, room, count = [0], beams, beams * width
    for _ in range(rounds):
        if not live or not search.affords(len(live) * count):
            break
        grown = dict.fromkeys(chain.from_iterable(search.grow(live, count)))
        kept = _top(search, list(grown), room)
        live = search.open(kept)
        room -= len(kept) - len(live)
        count = width
    return search.result(live)


def _search(
    problem: Problem,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    budget: Budget | None,
    sizes: tuple[int, int, int],
) -> SearchTree:
    beams, width, rounds = sizes
    positive(beams=beams, width=width, rounds=rounds)
    return SearchTree(
        problem=problem, sample=sample, check=check, score=score, rng=rng,
        budget=budget,
    )  # fmt: skip


def _top(search: SearchTree, nodes: list[int], room: int) -> list[int]:
    """The `room` nodes of highest value, finished or not, each once."""
    nodes = list(dict.fromkeys(nodes))
    values = search.values(nodes)
    search.need_kind([Kind.VALUE], "a beam that compares finished with unfinished prefixes")
    order = sorted(range(len(nodes)), key=lambda i: -values[i])
    return [nodes[i] for i in order[:room]]
