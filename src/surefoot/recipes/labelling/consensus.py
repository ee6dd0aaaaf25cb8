"""The consensus filter of The Lessons of Developing PRMs (Zhang et al., arXiv:2501.07301)."""

from surefoot.annotate import critic, monte_carlo
from surefoot.annotate.fuse import consensus
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts


def label(parts: Parts) -> list[LabelledTrace]:
    """Solutions whose first error rollouts and a judge place alike; the others are left out."""
    kept = [
        consensus(
            [
                monte_carlo(trace, rollouts=parts.rollouts),
                critic(trace, judge=parts.judge, votes=1, seed=parts.seed),
            ]
        )
        for trace in parts.traces_N
    ]
    return [item for item in kept if item is not None]


RECIPE = LabelRecipe(
    name="consensus",
    paper="2501.07301",
    about="keeps what rollouts and a judge agree on: the same first error",
    claims="ProcessBench F1 46.3 from the 350 thousand that are kept; the judge on all 860 "
    "thousand 46.5, rollouts 40.1.",
    deviations="One judge, one vote. What cannot be read does not agree. "
    "`annotate.fuse.fit_channels` keeps every solution, and says how sure it is.",
    page="annotate-fusion.md",
    checks=(
        "fuse/test_consensus.py::test_kept_iff_the_same_first_error_whatever_the_order",
        "fuse/test_consensus.py::test_steps_after_the_first_error_are_not_labelled",
    ),
    methods=("critic", "monte_carlo"),
    needs=("judge",),
    label=label,
)
