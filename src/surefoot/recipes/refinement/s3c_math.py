"""S3c-Math (arXiv:2409.01524): a wrong step, a moment's thought, and the right one.

    right:    s_1 .. s_{t-1}              s_t .. s_S
    lesson:   s_1 .. s_{t-1}  w  thought  s_t .. s_S        no loss on w, on all else there is

w is a step that the policy really wrote after s_1 .. s_{t-1}: of its own wrong solutions, which
are cheaper than a tree search's and were found to be better.
"""

from collections.abc import Sequence

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.types import Step, Trace, Verdict
from surefoot.improve import Lesson, inserted
from surefoot.recipes.refinement.recipe import RefineRecipe

REFLECTIONS = (
    "Wait, that step is wrong. Again:",
    "No, that is not right. Let me redo it.",
    "Let me check: that does not follow. Correctly:",
)


def with_reflection(right: Trace, place: int, wrong_step: str, reflection: str) -> Lesson:
    """The right solution with a wrong step and a reflection before step `place`.

    Raises InputError unless `place` is one of its steps, and for a wrong step that is that step.
    """
    if not 0 <= place < len(right.steps) or right.steps[place].text == wrong_step:
        raise InputError(
            f"expected a step of 0 to {len(right.steps) - 1} and another text than its own, got "
            f"{place} and {wrong_step!r}"
        )
    rest = (Step(reflection), *right.steps[place:])
    return inserted(right.steps[:place], [wrong_step], rest, right.problem)


def lessons(
    traces_N: Sequence[Trace],
    first_errors_N: Sequence[int | None],
    *,
    rng: np.random.Generator,
    reflections: Sequence[str] = REFLECTIONS,
) -> list[Lesson]:
    """A lesson for each right solution and each different wrong step that follows a part of it.

    first_errors_N: of each solution, None where there is none or it is not known.
    """
    wrong: dict[tuple[str, ...], dict[str, None]] = {}
    for trace, first in zip(traces_N, first_errors_N, strict=True):
        if first is not None:
            prefix = tuple(step.text for step in trace.steps[:first])
            wrong.setdefault(prefix, {})[trace.steps[first].text] = None
    right = [
        trace
        for trace, first in zip(traces_N, first_errors_N, strict=True)
        if trace.verdict is Verdict.CORRECT and first is None
    ]
    return [
        with_reflection(trace, place, step, reflections[int(rng.integers(len(reflections)))])
        for trace in right
        for place in range(len(trace.steps))
        for step in wrong.get(tuple(s.text for s in trace.steps[:place]), {})
        if step != trace.steps[place].text
    ]


RECIPE = RefineRecipe(
    name="s3c_math",
    paper="2409.01524",
    about="right solutions with a wrong step put in and taken back, no loss on the wrong one",
    claims="532,000 such solutions teach models to correct themselves unasked.",
    deviations="Where the errors are is the caller's to say: labels, a verifier or a checker. "
    "The reflections are ours.",
    checks=(
        "test_refinement_data.py::test_the_mask_is_off_exactly_on_the_injected_step",
        "test_refinement_data.py::test_without_what_was_put_in_it_is_the_original",
    ),
    builds=(with_reflection, lessons),
)
