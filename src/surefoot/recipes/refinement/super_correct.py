"""SuperCorrect (arXiv:2410.09008): templates from a teacher, then its corrections over one's own.

    HSFT         x -> steps, each with a general thought and its details in tags
    cross-DPO    at the first error k:  chosen   = the teacher's cause and correction
                                        rejected = the student's own
    L = -ln s( beta ln pi(chosen | x, s_<k) / pi_0 - beta ln pi(rejected | x, s_<k) / pi_0 )

No token before s_k has a gradient: both sides begin with them (`improve.dpo_loss`). An inspector
sends the teacher's correction back, up to three times in all.
"""

from collections.abc import Callable, Sequence

from surefoot.core.errors import InputError
from surefoot.core.protocols import Steps
from surefoot.core.types import Problem, Step, Trace
from surefoot.improve import Lesson, Preference, after
from surefoot.recipes.refinement.recipe import RefineRecipe

Correct = Callable[[Trace, int, int], Steps]
"""(draft, first error, attempt from 0) -> what to write in its place: the cause, then the steps."""
Inspect = Callable[[Trace, int, Steps], bool]


def template(trace: Trace, thoughts_S: Sequence[str]) -> Lesson:
    """A solution in a hierarchy of tags: each step below the general thought behind it.

    Raises InputError unless there is one thought a step, or if a thought has a line break.
    """
    if len(thoughts_S) != len(trace.steps) or any("\n" in thought for thought in thoughts_S):
        raise InputError(
            f"a template needs one thought of one line for each of {len(trace.steps)} steps, got "
            f"{len(thoughts_S)}"
        )
    lines = [
        line
        for thought, step in zip(thoughts_S, trace.steps, strict=True)
        for line in (f"<Thought>{thought}</Thought>", f"<Step>{step.text}</Step>")
    ]
    return after(trace.problem, (), tuple(map(Step, lines)))


def cross_pair(
    draft: Trace,
    first_error: int,
    *,
    teacher: Correct,
    student: Correct,
    inspect: Inspect,
    rounds: int = 3,
) -> Preference | None:
    """The teacher's correction over the student's, after the right steps; None if the inspector
    let none of the teacher's `rounds` attempts pass, or both corrections are the same.

    Raises InputError unless the first error is one of the steps.
    """
    if not 0 <= first_error < len(draft.steps):
        raise InputError(
            f"the first error must be one of the {len(draft.steps)} steps of problem "
            f"{draft.problem.id!r}, got {first_error}"
        )
    attempts = (teacher(draft, first_error, attempt) for attempt in range(rounds))
    chosen = next((steps for steps in attempts if inspect(draft, first_error, steps)), None)
    rejected = student(draft, first_error, 0)
    if not chosen or not rejected or _texts(chosen) == _texts(rejected):
        return None
    return Preference(draft.problem, draft.steps[:first_error], chosen, rejected)


def correction_prompt(draft: Trace, first_error: int) -> Problem:
    """What teacher and student are asked, for samplers: cause and correction of the first error."""
    wrong = draft.steps[first_error].text
    text = (
        f"{draft.problem.text}\n\nAfter the steps below somebody wrote {wrong!r}, which is wrong. "
        "First say why, in one line that begins with Cause:, then go on rightly to the answer."
    )
    return Problem(draft.problem.id, text, draft.problem.gold, draft.problem.level)


def _texts(steps: Steps) -> list[str]:
    return [step.text for step in steps]


RECIPE = RefineRecipe(
    name="super_correct",
    paper="2410.09008",
    about="thought templates, and a teacher's corrections over the student's own",
    claims="Qwen2.5-Math-7B, MATH: 55.1 to 62.4 (templates) to 70.2 (corrections).",
    deviations="Data and loss only. Part of the gain is distillation from the stronger teacher.",
    checks=(
        "test_refinement_data.py::test_a_cross_pair_begins_at_the_first_error",
        "test_lessons.py::test_a_preference_has_no_gradient_before_its_first_own_token",
        "test_refinement_data.py::test_the_inspector_decides_which_correction_is_taken",
    ),
    builds=(template, cross_pair),
)
