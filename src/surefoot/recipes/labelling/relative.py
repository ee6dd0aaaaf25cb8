"""Process supervision with MCTS (arXiv:2501.01478): which of several next steps is better?"""

from surefoot.annotate import relative, relative_labels
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts, solutions_of


def label(parts: Parts) -> list[LabelledTrace]:
    """Twenty expansions by UCT; each step against its siblings."""
    grown = relative(parts.problem, rollouts=parts.rollouts)
    return solutions_of(grown, relative_labels(grown.tree))


RECIPE = LabelRecipe(
    name="relative",
    paper="2501.01478",
    about="each step against its siblings in a tree, in [-1, 1]",
    claims="Gains on GSM8K and MATH that carry over from one to the other and flatten after a "
    "few rounds.",
    deviations="The paper's score could not be read, so z = (v - mean) / max |v - mean| is ours. "
    "`annotate.weighted_steps` gives the weights of its likelihood.",
    page="annotate-trees.md",
    checks=(
        "test_relative.py::test_scores_by_hand",
        "test_relative.py::test_scores_sum_to_nothing_and_reach_one",
    ),
    methods=("relative",),
    label=label,
)
