"""OVM (arXiv:2311.09724), after Cobbe et al. (arXiv:2110.14168): the outcome labels every step."""

from surefoot.annotate import outcome
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts


def label(parts: Parts) -> list[LabelledTrace]:
    """How each solution ended, at each of its steps."""
    return [outcome(trace) for trace in parts.traces_N]


RECIPE = LabelRecipe(
    name="ovm",
    paper="2311.09724",
    about="every step has its solution's outcome; nothing beside the samples is paid",
    claims="The best fit to outcomes at a prefix is its value, so a value model needs no rollouts.",
    deviations="A label for each step, where the papers have one for each token. 16 solutions "
    "a problem by default; the papers draw 100.",
    page="annotate.md",
    checks=(
        "test_labels.py::test_outcome_labels_every_step_with_the_end",
        "test_labels.py::test_outcomes_average_to_the_value_of_the_prefix",
    ),
    methods=("outcome",),
    label=label,
)
