"""SPARE (arXiv:2506.15498): one pass of a judge that sees a right solution."""

from surefoot.annotate import reference
from surefoot.core.types import LabelledTrace, Verdict
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts


def label(parts: Parts) -> list[LabelledTrace]:
    """The worked solution, else the shortest right one at hand; [] if there is neither."""
    worked = tuple(parts.reference) or _shortest_right(parts)
    if not worked:
        return []
    return [
        reference(trace, judge=parts.judge, reference=worked, seed=parts.seed)
        for trace in parts.traces_N
    ]


def _shortest_right(parts: Parts) -> tuple[str, ...]:
    right = [trace.steps for trace in parts.traces_N if trace.verdict is Verdict.CORRECT]
    return tuple(step.text for step in min(right, key=len, default=()))


RECIPE = LabelRecipe(
    name="spare",
    paper="2506.15498",
    about="one pass of a judge that aligns each step with a right solution",
    claims="2.6 times cheaper than labels by tree search, in 38 % of the time.",
    deviations="A step that the judge left out has no evidence; the paper calls it wrong "
    "(`strict`). Where the data has no worked solution, the policy's shortest right one "
    "stands for it, and problems without one are left out.",
    page="annotate-judges.md",
    checks=(
        "test_reference.py::test_the_reference_against_itself_is_right",
        "test_reference.py::test_a_step_that_was_left_out",
        "test_reference.py::test_the_last_step_is_as_right_as_the_answer",
    ),
    methods=("reference",),
    needs=("judge",),
    label=label,
)
