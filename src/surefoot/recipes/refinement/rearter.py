"""ReARTeR (arXiv:2501.07861): score with an eye on what follows, explain, refine the step.

    z_t <- z_t + alpha (z_{t+1} - z_t)  from the last step back, z the scores' log-odds
    alpha = 0 changes nothing, alpha = 1 gives every step the score of the last
    refine the first step under the threshold; keep what raises the worth by more than .05

    explanation e of a low score: desirable iff refining with it raises the score (for KTO)

Dimension key: S steps.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem
from surefoot.recipes.refinement.recipe import RefineRecipe, scored_desk
from surefoot.search import Found, Unfinished
from surefoot.search.critique import continued, first_doubt
from surefoot.search.refinement import Critic, Desk, Draft, Remark, better, refine

Explain = Callable[[Draft, int], str]
NEVER_SURE = 1e-6  # scores of 0 and 1 have no log-odds


def looked_ahead(scores_S: Sequence[float], alpha: float = 0.5) -> list[float]:
    """[S] scores in (0, 1) after the backward pass. Raises InputError unless alpha is in [0, 1]."""
    if not 0 <= alpha <= 1:
        raise InputError(f"alpha must be in [0, 1], got {alpha}")
    if alpha == 0:
        return list(scores_S)
    inside = [min(max(r, NEVER_SURE), 1 - NEVER_SURE) for r in scores_S]
    odds = [math.log(r / (1 - r)) for r in inside]
    for t in reversed(range(len(odds) - 1)):
        odds[t] += alpha * (odds[t + 1] - odds[t])
    return [1 / (1 + math.exp(-z)) for z in odds]


def solve(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    alpha: float = 0.5,
    threshold: float = 0.5,
    improvement: float = 0.05,
    passes: int = 4,
    explain: Explain | None = None,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """A draft whose first step of low looked-ahead score is refined, up to `passes` times.

    explain: what is said of a step's low score; the refiner reads it and goes on from before.
    Cost: 1 + passes completions at most, most of them parts of a solution, and as many scores.
    """
    desk = scored_desk(
        problem, sample=sample, check=check, score=score, rng=rng, aggregation=aggregation,
        budget=budget,
    )  # fmt: skip
    critic = ahead(alpha, threshold, explain)
    how = [continued(shown=None if explain is None else with_explanation)]
    return refine(desk, critic=critic, how=how, accept=better(improvement), passes=passes)


def ahead(alpha: float, threshold: float, explain: Explain | None) -> Critic:
    """Doubts the first step whose looked-ahead score is under the threshold."""

    def critic(desk: Desk, draft: Draft) -> Remark | None:
        del desk
        if draft.scores is None:
            return None
        scores = looked_ahead(draft.scores.values, alpha)
        if min(scores) >= threshold:
            return None
        place = first_doubt(scores, threshold)
        return Remark(place, "" if explain is None else explain(draft, place))

    return critic


def with_explanation(draft: Draft, remark: Remark) -> Problem:
    """The problem and why the step after these was wrong."""
    problem = draft.trace.problem
    bad = draft.trace.steps[remark.place].text
    return replace(problem, text=f"{problem.text}\n\nNot like this: {bad}\n{remark.words}")


@dataclass(frozen=True, slots=True)
class Explained:
    """A record for KTO: was the explanation of this step's score worth having?"""

    problem: Problem
    draft: Draft
    place: int
    explanation: str
    desirable: bool


def explained(
    draft: Draft, remarks: Sequence[Remark], worth_after: Sequence[float | None]
) -> list[Explained]:
    """A record for each explanation. worth_after: of the draft refined with it; where that, or
    the draft's own, is not known there is no record."""
    return [
        Explained(draft.trace.problem, draft, r.place, r.words, after > draft.worth)
        for r, after in zip(remarks, worth_after, strict=True)
        if after is not None and draft.worth is not None
    ]


RECIPE = RefineRecipe(
    name="rearter",
    paper="2501.07861",
    about="scores that look ahead say which step to explain and refine",
    claims="Above its baselines on 200 questions of each of five sets; intervals are wide.",
    deviations="A draft is its own lookahead: its later steps are the simulated ones. Search "
    "trees and relabelling are those of `omega` and `rest_mcts`; retrieval is the policy's affair.",
    checks=(
        "test_rearter.py::test_looking_ahead_by_hand",
        "test_rearter.py::test_no_weight_changes_nothing_and_full_weight_copies_the_successor",
        "test_rearter.py::test_an_explanation_is_desirable_if_it_helps",
    ),
    solve=solve,
    builds=(explained,),
)
