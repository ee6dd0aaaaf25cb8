"""PRLCoder (arXiv:2502.01715): lines of a right program mutated, and judged by its tests."""

from surefoot.annotate import mutations
from surefoot.core.types import LabelledTrace, Verdict
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts


def label(parts: Parts) -> list[LabelledTrace]:
    """Every variant of every line of each right program."""
    right = [trace for trace in parts.traces_N if trace.verdict is Verdict.CORRECT]
    return [item for trace in right for item in mutations(trace, tests=parts.tests)]


RECIPE = LabelRecipe(
    name="prl_coder",
    paper="2502.01715",
    about="mutated lines of right programs, labelled by running the tests",
    claims="CodeT5+ with 770 million parameters, MBPP: +10.5 % over the base and +5.1 % over RL by "
    "outcomes, relative.",
    deviations="Mutants are made by rule; the paper asks a teacher model, which `propose` "
    "of `annotate.mutations` would be. Whoever gives the tests runs them, in a sandbox.",
    page="annotate-rules.md",
    checks=(
        "test_mutate.py::test_the_identity_is_right",
        "test_mutate.py::test_every_negative_has_a_failed_test_and_only_negatives",
    ),
    needs=("tests",),
    label=label,
)
