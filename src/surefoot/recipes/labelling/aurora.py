"""AURORA (arXiv:2502.11520): several ways of asking for the first error, one vote."""

from surefoot.annotate import ensemble
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts


def label(parts: Parts) -> list[LabelledTrace]:
    """Every view, the one that reads back from the answer included, asked once."""
    return [ensemble(trace, judges=[parts.judge], seed=parts.seed) for trace in parts.traces_N]


RECIPE = LabelRecipe(
    name="aurora",
    paper="2502.11520",
    about="a judge asked in several ways, reverse verification among them",
    claims="A verifier of 7 billion parameters that judges whole long solutions of many policies.",
    deviations="The paper names the ingredients; prompts, weights and the vote over places are "
    "ours. One judge here; `annotate.ensemble` takes several.",
    page="annotate-judges.md",
    checks=(
        "test_ensemble_of_judges.py::test_weights_and_counts_by_hand",
        "test_ensemble_of_judges.py::test_a_wrong_answer_has_a_wrong_step",
    ),
    methods=("ensemble",),
    needs=("judge",),
    label=label,
)
