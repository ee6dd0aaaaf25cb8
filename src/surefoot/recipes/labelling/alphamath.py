"""AlphaMath (Chen et al., arXiv:2405.03553): step values from a search that knows the answer."""

from surefoot.annotate import alphamath, value_targets
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts, solutions_of, valued_by


def label(parts: Parts) -> list[LabelledTrace]:
    """Forty simulations by PUCT; the Q of each step."""
    rollouts, before = parts.rollouts, parts.rollouts.usage
    grown = alphamath(
        parts.problem,
        sample=parts.sample,
        check=parts.check,
        value=valued_by(rollouts),
        seed=parts.seed,
    )
    return solutions_of(grown, value_targets(grown.tree), rollouts.usage - before)


RECIPE = LabelRecipe(
    name="alphamath",
    paper="2405.03553",
    about="Q of each step from 40 simulations of PUCT",
    claims="AlphaMath-7B, MATH: greedy 53.62, step beam (3, 5) 65.74, search with 40 simulations "
    "64.02.",
    deviations="Rollouts stand for the value head; steps are text, without a code interpreter; "
    "all solutions are kept, not four of each outcome; one round.",
    page="annotate-trees.md",
    checks=(
        "test_alphamath.py::test_two_simulations_by_hand",
        "test_alphamath.py::test_every_node_holds_the_sum_of_what_was_backed_up_through_it",
    ),
    methods=("alphamath",),
    label=label,
)
