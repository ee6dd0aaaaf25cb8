"""PAV (Setlur et al., arXiv:2410.08146): what a step adds to the chances of a prover."""

from surefoot.annotate import progress
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts


def label(parts: Parts) -> list[LabelledTrace]:
    """Advantages under the best of four of the policy, from sixteen completions a prefix."""
    return [
        progress(trace, rollouts=parts.rollouts, completions=16, best_of=4)
        for trace in parts.traces_N
    ]


RECIPE = LabelRecipe(
    name="pav",
    paper="2410.08146",
    about="progress of each step under the best of 4 of the policy",
    claims="Gemma 2B, 9B and 27B on MATH: more than 8 % over best-of-N with an outcome model, "
    "1.5 to 5 times cheaper; RL about 6 times as sample efficient.",
    deviations="Best-of-4 values come from counts without bias; the paper puts a trained Q into "
    "1 - (1 - Q)^K. Another prover is another `sample` of the rollouts.",
    page="annotate-trees.md",
    checks=(
        "test_progress.py::test_progress_telescopes_to_the_end_minus_the_root",
        "test_progress.py::test_values_from_counts_have_no_bias",
        "test_progress.py::test_a_strong_prover_sees_no_progress",
    ),
    methods=("progress",),
    label=label,
)
