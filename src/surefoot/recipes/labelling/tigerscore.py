"""TIGERScore (arXiv:2310.00752): a list of errors, each with its place and its price."""

from surefoot.annotate import error_list
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts


def label(parts: Parts) -> list[LabelledTrace]:
    """Every solution's errors, listed once; steps without one are right."""
    return [error_list(trace, judge=parts.judge, seed=parts.seed) for trace in parts.traces_N]


RECIPE = LabelRecipe(
    name="tigerscore",
    paper="2310.00752",
    about="a judge lists errors with place, kind and penalty; the score is what is left",
    claims="People found 70.8 % of its explanations accurate; the best correlation with human "
    "ratings of a metric without references.",
    deviations="The paper trains Llama-2 on 42,000 such lists; any model that follows a prompt is "
    "asked here, and a list that is not wholly as asked for is no evidence.",
    page="annotate-judges.md",
    checks=(
        "test_error_list.py::test_penalties_add_up_and_label_their_steps",
        "test_error_list.py::test_no_error_is_all_right_and_no_list_is_no_evidence",
    ),
    methods=("error_list",),
    needs=("judge",),
    label=label,
)
