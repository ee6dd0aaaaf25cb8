"""STICK (arXiv:2410.03608): refine by the items of a checklist that a solution fails.

Q = the problem's checklist;  worth(y) = pass rate of y;  f = the failed items and the reasons
y <- rewritten(y, f) until all pass; the best round is the answer, not the last
"""

from collections.abc import Sequence

import numpy as np

from surefoot.annotate.judges import Checked, Checklist, checked, checklist_of
from surefoot.core.budget import Budget, Meter
from surefoot.core.protocols import Checker, Sampler
from surefoot.core.types import Problem, Trace
from surefoot.recipes.refinement.recipe import RefineRecipe, desk_of
from surefoot.search import Found, Unfinished
from surefoot.search.critique import rewritten, with_feedback
from surefoot.search.refinement import Desk, Draft, Remark, better, refine


def solve(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    judge: Sampler,
    rng: np.random.Generator,
    passes: int = 4,
    votes: int = 1,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The rewriting that passes most of the checklist.

    Cost: a checklist, and 1 + passes completions and checks at most. Where the judge cannot be
    read nothing is rewritten.
    """
    board = _Board(judge, int(rng.integers(2**32)), votes)
    desk = desk_of(problem, sample=sample, check=check, rng=rng, rate=board.rate, budget=budget)
    return refine(
        desk, critic=board.remark, how=[rewritten(with_feedback)], accept=better(), passes=passes
    )


class _Board:
    """A checklist, made when the first draft is there, and what it says of each draft."""

    def __init__(self, judge: Sampler, seed: int, votes: int) -> None:
        self.judge, self.seed, self.votes = judge, seed, votes
        self.checklist: Checklist | None = None
        self.said: dict[str, Checked] = {}

    def rate(self, traces_N: Sequence[Trace], meter: Meter) -> list[Draft]:
        """Each draft's pass rate; unknown once the budget is spent."""
        return [Draft(trace, None, self._score(trace, meter)) for trace in traces_N]

    def _score(self, trace: Trace, meter: Meter) -> float | None:
        if self.checklist is None and not meter.exhausted():
            self.checklist = checklist_of(trace.problem, judge=self.judge, seed=self.seed)
            meter.spend(self.checklist.usage)
        if self.checklist is None or meter.exhausted():
            return None
        found = checked(
            trace, judge=self.judge, checklist=self.checklist, votes=self.votes, seed=self.seed
        )
        meter.spend(found.opinion.usage)
        self.said[trace.text] = found
        return found.opinion.score

    def remark(self, desk: Desk, draft: Draft) -> Remark | None:
        """The failed items, and what the judge said; None where all pass or nothing is known."""
        del desk
        if draft.worth is None or draft.worth >= 1:
            return None
        found = self.said[draft.trace.text]
        questions = self.checklist.questions if self.checklist else None
        failed = found.failed(questions) if questions else []
        return Remark(0, "\n".join([*(f"Not yet: {item}" for item in failed), *found.words]))


RECIPE = RefineRecipe(
    name="stick",
    paper="2410.03608",
    about="rewrite by the failed items of a checklist that the judge wrote for the problem",
    claims="LiveBench reasoning +7.8 by refinement, WildBench +6.3 by best-of-n; judges agree "
    "exactly with people in 52.2 % instead of 46.4 %.",
    deviations="An unreadable judge ends the refinement instead of counting as a fail.",
    checks=(
        "test_stick.py::test_the_best_round_is_kept",
        "test_checklist.py::test_the_score_is_the_pass_rate",
        "test_checklist.py::test_an_empty_checklist_is_graded_directly",
    ),
    solve=solve,
)
