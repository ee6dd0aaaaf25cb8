"""OmegaPRM (Luo et al., arXiv:2406.06592): a tree grown by binary search for first errors."""

from surefoot.annotate import omega
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts, solutions_of
from surefoot.trees import counted


def label(parts: Parts) -> list[LabelledTrace]:
    """A hundred searches with eight rollouts a state; the solutions at hand are not used."""
    grown = omega(parts.problem, rollouts=parts.rollouts)
    return solutions_of(grown, counted(grown.tree, "omega"))


RECIPE = LabelRecipe(
    name="omega_prm",
    paper="2406.06592",
    about="a tree by binary search for the first error of wrong rollouts",
    claims="Weighted majority of 64, MATH500: Gemini Pro 67.2 to 69.4; soft labels beat hard and "
    "pairwise ones (70.1, 63.3, 64.2 % of steps).",
    deviations="N counts selections and ranks are computed anew for each, as in the paper and "
    "unlike public re-implementations. Problems whose root is all right or all wrong end at "
    "once, in the place of a filter. `omega_trace` bisects one given trace.",
    page="annotate-trees.md",
    checks=(
        "test_omega.py::test_without_recovery_the_first_error_is_found_in_log2_probes",
        "test_omega.py::test_priorities_by_hand",
        "test_omega.py::test_problems_that_are_all_right_or_all_wrong_are_left_alone",
    ),
    methods=("omega", "omega_trace"),
    label=label,
)
