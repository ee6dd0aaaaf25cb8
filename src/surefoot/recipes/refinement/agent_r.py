"""Agent-R (arXiv:2501.11425): cut a bad run at its first bad action and splice in a good one.

    pairs      runs of one tree that share d first steps, good value > alpha, gap > beta
    t'         the first step of the bad run that the actor itself calls bad, d <= t'
    revision   bad[0..t']  thought  good[d..]        no loss on bad[0..t']

Nothing after t' of the bad run is in it. The good part was done in other circumstances: where
steps have effects, replay the revision in its environment before you learn from it.
"""

from collections.abc import Callable, Sequence

from surefoot.core.errors import InputError
from surefoot.core.types import Step, Trace
from surefoot.improve import Lesson
from surefoot.recipes.refinement.recipe import RefineRecipe
from surefoot.recipes.refinement.spar import common

IsBad = Callable[[Trace, int], bool | None]
"""(run, step) -> does the actor call the step bad? None, not sure, goes on."""
THOUGHT = "I was on the wrong track there. Back to what was right:"


def pairs(
    runs_N: Sequence[Trace],
    values_N: Sequence[float],
    *,
    alpha: float = 0.5,
    beta: float = 0.2,
) -> list[tuple[Trace, Trace]]:
    """(bad, good) runs of one problem: good's value over alpha, and over bad's by more than beta.

    They may share no step at all; one that is the other's beginning is no pair.
    """
    valued = list(zip(runs_N, values_N, strict=True))
    return [
        (bad, good)
        for bad, low in valued
        for good, high in valued
        if high > alpha and high - low > beta and _part(bad, good)
    ]


def _part(one: Trace, other: Trace) -> bool:
    return common(one, other) < min(len(one.steps), len(other.steps))


def first_bad(bad: Trace, is_bad: IsBad, start: int = 0) -> int | None:
    """t': the first step from `start` on that is called bad; None if none is."""
    return next((t for t in range(start, len(bad.steps)) if is_bad(bad, t)), None)


def spliced(bad: Trace, good: Trace, place: int, thought: str = THOUGHT) -> Lesson:
    """The revision of a bad run at t' = `place`.

    Raises InputError unless t' is a step of the bad run that the good one does not share.
    """
    shared = common(bad, good)
    if not shared <= place < len(bad.steps):
        raise InputError(
            f"the runs share {shared} of the bad one's {len(bad.steps)} steps; expected a bad step "
            f"after them, got {place}"
        )
    rest = (Step(thought), *good.steps[shared:])
    marks = (False,) * (place + 1) + (True,) * len(rest)
    return Lesson(bad.problem, bad.steps[: place + 1] + rest, marks)


def revisions(
    runs_N: Sequence[Trace],
    values_N: Sequence[float],
    *,
    is_bad: IsBad,
    alpha: float = 0.5,
    beta: float = 0.2,
) -> list[Lesson]:
    """All revisions of a problem's runs; a bad run in which nothing is called bad has none."""
    made = []
    for bad, good in pairs(runs_N, values_N, alpha=alpha, beta=beta):
        place = first_bad(bad, is_bad, common(bad, good))
        made += [] if place is None else [spliced(bad, good, place)]
    return made


RECIPE = RefineRecipe(
    name="agent_r",
    paper="2501.11425",
    about="a bad run up to its first bad action, a thought, and a good run's way on",
    claims="+5.59 points on average over three environments, and fewer loops.",
    deviations="Runs and values are the caller's (any tree search here has them); thresholds are "
    "numbers, not strings from the environment. One thought where the code draws one of ten.",
    checks=(
        "test_refinement_data.py::test_a_splice_never_goes_past_the_first_bad_step",
        "test_refinement_data.py::test_a_spliced_solution_is_valid_again_after_the_thought",
    ),
    builds=(pairs, spliced, revisions),
)
