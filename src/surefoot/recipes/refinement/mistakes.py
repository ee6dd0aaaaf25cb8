"""Can language models learn from previous mistakes? (arXiv:2403.20046)

    mistake tuning    q, tag -> solution:  RIGHT_TAG before right ones, WRONG_TAG before wrong
                      ones; ask with RIGHT_TAG afterwards
    self-rethinking   answer, look at usual mistakes, answer again, until the answer stays

Without the tags it is cloning errors: the policy learns to be wrong as often as its data is.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.protocols import Checker, Sampler
from surefoot.core.types import Problem, Trace, Verdict
from surefoot.improve import Lesson, whole
from surefoot.recipes.refinement.recipe import RefineRecipe, desk_of
from surefoot.search import Found, Unfinished
from surefoot.search.critique import rewritten, with_feedback
from surefoot.search.refinement import Critic, Desk, Draft, Remark, always, refine, unrated
from surefoot.search.strategies import Asked

RIGHT_TAG, WRONG_TAG = "[RIGHT]", "[WRONG]"


def with_word(problem: Problem, tag: str) -> Problem:
    """The problem with a tag below it."""
    return replace(problem, text=f"{problem.text}\n{tag}")


def lessons(traces_N: Sequence[Trace]) -> list[Lesson]:
    """Right and wrong solutions, each after its tag; what was not checked is left out."""
    tags = {Verdict.CORRECT: RIGHT_TAG, Verdict.WRONG: WRONG_TAG}
    return [
        whole(trace, with_word(trace.problem, tags[trace.verdict]))
        for trace in traces_N
        if trace.verdict in tags
    ]


def tuned(sample: Sampler) -> Sampler:
    """A policy tuned on such lessons, asked for right solutions."""
    return Asked(sample, lambda problem: with_word(problem, RIGHT_TAG))


def solve(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    rng: np.random.Generator,
    mistakes: Sequence[str],
    passes: int = 3,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """Self-rethinking: the last answer, or the first that is given twice in a row.

    mistakes: what usually goes wrong, a sentence each. Cost: 1 + passes completions at most.
    """
    desk = desk_of(problem, sample=sample, check=check, rng=rng, rate=unrated, budget=budget)
    critic, how = until_it_stays(mistakes), [rewritten(with_feedback)]
    return refine(desk, critic=critic, how=how, accept=always, passes=passes)


def until_it_stays(mistakes: Sequence[str]) -> Critic:
    """Reminds of the usual mistakes till two drafts in a row have the same answer."""
    words = "\n".join(["Usual mistakes are:", *mistakes, "Check for them."])

    def critic(desk: Desk, draft: Draft) -> Remark | None:
        before = desk.drafts[-2:-1]  # what was written last is the draft, for all is accepted
        answer = draft.trace.answer
        stays = answer is not None and any(d.trace.answer == answer for d in before)
        return None if stays else Remark(0, words)

    return critic


RECIPE = RefineRecipe(
    name="mistakes",
    paper="2403.20046",
    about="tuning on right and wrong solutions by tag; rethinking with usual mistakes in view",
    claims="609,432 questions with right and wrong references; both ways gain over plain tuning.",
    deviations="The tags are ours; usual mistakes are a list you pass.",
    checks=(
        "test_mistakes.py::test_tags_separate_what_plain_cloning_mixes",
        "test_mistakes.py::test_rethinking_ends_when_the_answer_stays",
    ),
    solve=solve,
    builds=(lessons,),
)
