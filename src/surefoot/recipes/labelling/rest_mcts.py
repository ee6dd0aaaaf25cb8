"""ReST-MCTS* (Zhang et al., arXiv:2406.03816): how near is a right end?"""

from surefoot.annotate import quality_labels, rest_mcts
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts, solutions_of, valued_by


def label(parts: Parts) -> list[LabelledTrace]:
    """One search; quality values of its solutions' steps."""
    rollouts, before = parts.rollouts, parts.rollouts.usage
    grown = rest_mcts(
        parts.problem,
        sample=parts.sample,
        check=parts.check,
        value=valued_by(rollouts),
        seed=parts.seed,
    )
    return solutions_of(grown, quality_labels(grown.tree), rollouts.usage - before)


RECIPE = LabelRecipe(
    name="rest_mcts",
    paper="2406.03816",
    about="quality values from a tree search: k/K along the shortest right way",
    claims="Above best-of-N and Tree of Thoughts at equal budget, and above ReST-EM and "
    "Self-Rewarding over rounds of self-training.",
    deviations="Rollouts stand for the value model, which the paper seeds with 11,554 questions; "
    "no self-critic; ended leaves are not selected again, as the authors' code does; no loop of "
    "self-training.",
    page="annotate-trees.md",
    checks=(
        "test_rest_mcts.py::test_a_right_solution_has_v_k_over_K",
        "test_rest_mcts.py::test_v_stays_in_range_and_a_bad_step_never_raises_it",
    ),
    methods=("rest_mcts",),
    label=label,
)
