"""Themis (arXiv:2310.01045): a judge that computes and looks up before it decides."""

from surefoot.annotate import tool_judge
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts


def label(parts: Parts) -> list[LabelledTrace]:
    """Every solution judged once, with a calculator at hand."""
    return [tool_judge(trace, judge=parts.judge, seed=parts.seed) for trace in parts.traces_N]


RECIPE = LabelRecipe(
    name="themis",
    paper="2310.01045",
    about="a judge with tools: thought, call, observation, then a verdict on each step",
    claims="+17.7 % in preference ranking over eight tasks against reward models without tools.",
    deviations="The paper trains a scalar reward with seven tools; here a model that follows a "
    "prompt votes on steps, with an exact calculator. `annotate.tool_judge` takes other tools.",
    page="annotate-judges.md",
    checks=(
        "test_tool_judge.py::test_what_a_tool_says_is_in_the_next_prompt",
        "test_tool_judge.py::test_no_more_calls_than_allowed",
    ),
    methods=("tool_judge",),
    needs=("judge",),
    label=label,
)
