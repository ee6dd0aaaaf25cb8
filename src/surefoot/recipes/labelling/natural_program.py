"""Natural Program (Ling et al., arXiv:2306.03872): each step from the premises that it cites."""

from surefoot.annotate import deductive
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts


def label(parts: Parts) -> list[LabelledTrace]:
    """Three votes a step, each from its premises alone."""
    return [deductive(trace, judge=parts.judge, seed=parts.seed) for trace in parts.traces_N]


RECIPE = LabelRecipe(
    name="natural_program",
    paper="2306.03872",
    about="each step judged from the premises it cites, and nothing else",
    claims="Steps judged one by one are judged better than whole solutions at once.",
    deviations="The policy must cite, as in (by #1 #4); what cites nothing is judged from the "
    "problem, and what cites nothing that is there is not judged.",
    page="annotate-judges.md",
    checks=(
        "test_premises.py::test_the_judge_sees_the_cited_premises_and_nothing_else",
        "test_premises.py::test_what_cites_nothing_that_is_there_is_not_asked_about",
    ),
    methods=("deductive",),
    needs=("judge",),
    label=label,
)
