"""GLoRe (arXiv:2402.10963): when to refine, where, and how.

when    the outcome verifier's worth of the draft is under a threshold
where   the first step that the step verifier (SORM) scores under another
how     a global refiner rewrites the draft; a local one reads it with [BAD] before the step
        and goes on from the steps before
then    the best of {draft, global, local} by the outcome verifier

global lesson   (q, wrong draft) -> a right solution of q
local lesson    (q, draft with [BAD] before step i) -> a right end of s_1..s_{i-1}
"""

import difflib
from collections.abc import Callable, Sequence

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem, Trace, Verdict
from surefoot.improve import Lesson, after, whole
from surefoot.recipes.refinement.recipe import RefineRecipe, scored_desk
from surefoot.search import Found, Unfinished
from surefoot.search.critique import continued, doubtful, rewritten, tagged, with_draft, with_tag
from surefoot.search.refinement import better, refine

Targets = Callable[[Trace, Sequence[Trace]], Sequence[Trace]]


def solve(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    whole_refiner: Sampler | None = None,
    local_refiner: Sampler | None = None,
    when: float = 0.5,
    where: float = 0.5,
    passes: int = 1,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The best of the draft and its two refinements, if the draft is doubted.

    Refiners are trained on the lessons below; the policy stands in for one that is not given.
    Cost: 1 + 2 passes completions at most, and as many scores.
    """
    desk = scored_desk(
        problem, sample=sample, check=check, score=score, rng=rng, aggregation=aggregation,
        budget=budget,
    )  # fmt: skip
    how = [
        rewritten(with_draft, by=whole_refiner),
        continued(by=local_refiner, shown=None if local_refiner is None else with_tag),
    ]
    return refine(desk, critic=doubtful(when, where), how=how, accept=better(), passes=passes)


def closest(draft: Trace, right: Sequence[Trace]) -> list[Trace]:
    """The right solution that shares most steps with a draft, the first of equals."""
    texts = [step.text for step in draft.steps]

    def alike(other: Trace) -> float:
        return difflib.SequenceMatcher(None, texts, [step.text for step in other.steps]).ratio()

    return [max(right, key=alike)]


def global_lessons(traces_N: Sequence[Trace], *, targets: Targets = closest) -> list[Lesson]:
    """Each wrong solution of a problem with its targets among the right ones; [] unless there are
    both. targets: (draft, right solutions) -> some of them; `lambda _, right: right` takes all."""
    right = [t for t in traces_N if t.verdict is Verdict.CORRECT]
    wrong = [t for t in traces_N if t.verdict is Verdict.WRONG]
    return [
        whole(target, tagged(draft, None))
        for draft in (wrong if right else [])
        for target in targets(draft, right)
    ]


def local_lessons(draft: Trace, place: int, rollouts_K: Sequence[Trace]) -> list[Lesson]:
    """How a draft whose first bad step is `place` should have gone on from before it.

    rollouts_K: of the steps before `place`; the right ones are the targets.
    """
    prefix = draft.steps[:place]
    return [
        after(tagged(draft, place), prefix, rollout.steps[place:])
        for rollout in rollouts_K
        if rollout.verdict is Verdict.CORRECT and rollout.steps[place:]
    ]


RECIPE = RefineRecipe(
    name="glore",
    paper="2402.10963",
    about="an outcome verifier says when, a step verifier where, two refiners how",
    claims="Llama-2-13B, GSM8K, greedy: 53 to 65; a plain best of three is about 58.",
    deviations="One verifier says when, where and which; without trained refiners the policy "
    "writes both refinements. The local lesson's place is the caller's: SORM labels "
    "(`annotate.sorm`) or a verifier's doubt.",
    checks=(
        "test_refinement_searches.py::test_with_a_perfect_verifier_nothing_right_is_lost",
        "test_refinement_data.py::test_glore_pairs_wrong_drafts_with_the_closest_right_solution",
        "test_refinement_data.py::test_a_local_lesson_goes_on_from_before_the_tag",
        "test_refinement_data.py::test_a_sorm_of_one_rollout_is_an_orm_of_prefixes",
    ),
    solve=solve,
    builds=(global_lessons, local_lessons),
)
