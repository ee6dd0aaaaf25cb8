"""The SORM of GLoRe (Havrilla et al., arXiv:2402.10963): can the right answer still be reached?"""

from collections.abc import Sequence

import numpy as np

from surefoot.annotate import balanced, sorm, uses_last_number
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts


def label(parts: Parts) -> list[LabelledTrace]:
    """Eight rollouts of every prefix, of which those count that build on it."""
    return [
        sorm(trace, rollouts=parts.rollouts, builds_on=uses_last_number) for trace in parts.traces_N
    ]


def together(labelled: Sequence[LabelledTrace], rng: np.random.Generator) -> list[LabelledTrace]:
    """As many 1s as 0s at each prefix length."""
    return balanced(labelled, rng=rng)


RECIPE = LabelRecipe(
    name="glore",
    paper="2402.10963",
    about="1 while some rollout that builds on the step still ends right",
    claims="Llama-2-13B, GSM8K: step accuracy 81 (outcome model 73); with refinement greedy 53 "
    "to 65.",
    deviations="A rollout builds on a prefix if it uses the last number there. "
    "Only the labels: no refiner is trained.",
    page="annotate-trees.md",
    checks=(
        "test_sorm.py::test_labels_never_rise",
        "test_sorm.py::test_the_first_zero_is_where_a_refinement_begins",
        "test_sorm.py::test_balanced_by_hand",
    ),
    methods=("sorm",),
    label=label,
    together=together,
)
