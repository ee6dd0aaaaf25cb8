"""SPaR (arXiv:2412.11605): refine by a small tree, learn from pairs that differ in little.

value(y) = share of m votes that find y right;  m odd, so a majority is never a tie
level d  = `branch` refinements of each of the `keep` best of level d - 1
stop     when value > gate, or after `depth` levels
pair     chosen = the refined answer, rejected = the one it came from
"""

from collections.abc import Sequence

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem, Trace
from surefoot.improve import Preference
from surefoot.recipes.refinement.recipe import RefineRecipe, desk_of
from surefoot.search import Found, Unfinished
from surefoot.search.critique import continued, doubtful
from surefoot.search.refinement import Critic, Desk, How, by_verifier, worth_of


def majority(votes_m: Sequence[bool | None]) -> bool | None:
    """What most of the votes cast say; None if none was, or they are even.

    Raises InputError for an even number of votes.
    """
    if len(votes_m) % 2 == 0:
        raise InputError(f"expected an odd number of votes, got {len(votes_m)}")
    cast = [vote for vote in votes_m if vote is not None]
    if 2 * sum(cast) == len(cast):  # abstentions left a tie, or nothing
        return None
    return 2 * sum(cast) > len(cast)


def solve(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    branch: int = 3,
    keep: int = 2,
    depth: int = 3,
    gate: float = 0.5,
    where: float = 0.5,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """Tree refinement with a verifier for the votes and prefix resampling for the refiner."""
    return refine_tree(
        desk_of(
            problem, sample=sample, check=check, rng=rng, rate=by_verifier(score, aggregation),
            budget=budget,
        ),
        critic=doubtful(gate, where),
        how=continued(branch),
        keep=keep,
        depth=depth,
    )  # fmt: skip


def refine_tree(
    desk: Desk, *, critic: Critic, how: How, keep: int, depth: int
) -> Found | Unfinished:
    """Breadth first; a draft that `critic` has nothing to say about ends it.

    how: makes the children of a draft. Cost: a draft, and keep * depth calls of `how` at most.
    Raises InputError unless keep and depth are 1 or more.
    """
    if min(keep, depth) < 1:
        raise InputError(f"keep and depth must be 1 or more, got {keep} and {depth}")
    first = desk.first(depth + 1)
    if first is None:
        return desk.result(None)
    level = [first]
    for _ in range(depth):
        remarks = [None if desk.meter.exhausted() else critic(desk, draft) for draft in level]
        if None in remarks:
            break
        pairs = [(d, r) for d, r in zip(level, remarks, strict=True) if r is not None]
        grown = [trace for draft, remark in pairs for trace in how(desk, draft, remark)]
        level = sorted(desk.judged(grown), key=worth_of, reverse=True)[:keep] or level
    return desk.result(max(desk.drafts, key=worth_of))


def pairs(found: Found, original: Trace, gate: float = 0.5) -> list[Preference]:
    """The refined answer over the one it came from, for DPO, after the steps they share.

    [] if the refinement did not pass the gate, or changed nothing, or is a part of the other.
    """
    worth = dict(zip(map(id, found.candidates), found.scores, strict=False)).get(id(found.chosen))
    shared = common(original, found.chosen)
    chosen, rejected = found.chosen.steps[shared:], original.steps[shared:]
    if worth is None or worth <= gate or not chosen or not rejected:
        return []
    return [Preference(found.problem, original.steps[:shared], chosen, rejected)]


def common(one: Trace, other: Trace) -> int:
    """How many first steps two solutions share."""
    both = zip(one.steps, other.steps, strict=False)
    return next(
        (t for t, (a, b) in enumerate(both) if a.text != b.text),
        min(len(one.steps), len(other.steps)),
    )


RECIPE = RefineRecipe(
    name="spar",
    paper="2412.11605",
    about="a tree of refinements, branch 3, keep 2, depth 3; pairs of answer and refinement",
    claims="Llama-3-8B above GPT-4-Turbo on IFEval after three iterations.",
    deviations="A verifier's worth stands for the votes' pass rate, prefix resampling for the "
    "refiner's rewriting; `refine_tree` takes others. Breadth first only. Pairs are cut where the "
    "two differ, which the loss does not notice.",
    checks=(
        "test_spar.py::test_a_majority_of_odd_votes",
        "test_spar.py::test_the_tree_is_as_wide_and_deep_as_asked",
        "test_spar.py::test_a_pair_begins_where_the_two_differ",
    ),
    solve=solve,
    builds=(pairs,),
)
