"""Math-Shepherd (Wang et al., arXiv:2312.08935): how often does the policy end right from here?"""

from surefoot.annotate import monte_carlo
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts


def label(parts: Parts) -> list[LabelledTrace]:
    """Eight completions of every prefix of every solution."""
    return [monte_carlo(trace, rollouts=parts.rollouts) for trace in parts.traces_N]


RECIPE = LabelRecipe(
    name="math_shepherd",
    paper="2312.08935",
    about="each step's value from 8 completions of its prefix",
    claims="DeepSeek-67B, best of 256: MATH500 47.0, GSM8K 93.3 (self-consistency 45.4, 88.2); "
    "about 86 % of the labels agree with people.",
    deviations="Labels keep their counts, so soft and hard targets are both there; the paper "
    "trained on hard ones. Solutions that share a prefix share its completions. The last step's "
    "label is the verdict, without a completion.",
    page="annotate.md",
    checks=(
        "test_labels.py::test_monte_carlo_recovers_the_exact_values",
        "test_labels.py::test_hard_labels_of_errors_grow_with_the_number_of_rollouts",
    ),
    methods=("monte_carlo",),
    label=label,
)
