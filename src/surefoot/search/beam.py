"""Step beam search (Snell et al., arXiv:2408.03314, section 5).

Each round every one of B beams is continued by K one-step completions, the
verifier scores the B K prefixes, and the best B go on:

    beams <- top_B { (s_1..s_t, s') : s' ~ policy(. | s_1..s_t), K of each }

A prefix that ends its solution leaves the beam for the candidates, so the beam
narrows by one. Finished and unfinished prefixes are never compared. What is left after
the last round, or when the budget nears its end, is completed by one plain continuation
each, best first. With K = 1 it is B independent samples. With B = 1 all that is ever compared
are next steps of one prefix, so that it takes preferences too.

Dimension key: B beams, K continuations of each.
"""

from itertools import chain

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem
from surefoot.search.fit import RANKS, SIBLINGS
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import Rank, SearchTree, best, positive


def beam(
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
    """The best finished solution of a beam search over steps.

    Cost: at most rounds * beams * width one-step completions and as many scores; one call of
    the policy and one or two of the verifier a round.
    Raises InputError unless beams, width and rounds are at least 1.
    """
    search = SearchTree(
        problem=problem, sample=sample, check=check, score=score, rng=rng,
        aggregation=aggregation, budget=budget, takes=SIBLINGS if beams == 1 else RANKS,
    )  # fmt: skip
    return search.result(grow_beam(search, beams=beams, width=width, rounds=rounds))


def grow_beam(
    search: SearchTree,
    *,
    beams: int,
    width: int,
    rounds: int,
    rank: Rank = SearchTree.values,
) -> list[int]:
    """Grows a beam to its end; returns the prefixes that are left, best first.

    rank: numbers by which prefixes of one length are compared.
    """
    positive(beams=beams, width=width, rounds=rounds)
    live, room, count = [0], beams, beams * width  # all beams start at the empty prefix
    for _ in range(rounds):
        if not live or not search.affords(len(live) * count):
            break
        grown = list(dict.fromkeys(chain.from_iterable(search.grow(live, count))))
        going = search.open(grown)
        room -= len(grown) - len(going)
        live = best(search, going, room, rank)
        count = width
    return live
