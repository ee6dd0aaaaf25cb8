"""Let's Verify Step by Step (Lightman et al., arXiv:2305.20050): label what convinces wrongly."""

from surefoot.annotate import convincing, critic
from surefoot.core.kinds import aggregate
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts


def label(parts: Parts) -> list[LabelledTrace]:
    """A quarter of the solutions, four of five convincing and wrong, read by a judge."""
    if not parts.traces_N:
        return []
    scores_N = [aggregate(scores) for scores in parts.score(parts.traces_N)]
    chosen = convincing(parts.traces_N, scores_N, max(1, len(parts.traces_N) // 4))
    return [critic(trace, judge=parts.judge, seed=parts.seed) for trace in chosen]


RECIPE = LabelRecipe(
    name="let_us_verify",
    paper="2305.20050",
    about="spends labels on wrong solutions that convince the present verifier",
    claims="MATH, best of 1,860: 78.2 (outcome model 72.4, majority 69.6); the selection makes "
    "labels about 2.6 times as useful.",
    deviations="A judge stands for the people who labelled. Selected within each problem, a "
    "quarter of its solutions; steps behind the first error are labelled too, where the paper "
    "stops.",
    page="annotate-bayes.md",
    checks=(
        "test_active.py::test_convincing_wrong_answers_come_first",
        "test_active.py::test_too_few_others_are_filled_up_with_wrong_ones",
    ),
    methods=("critic",),
    needs=("judge", "verifier"),
    label=label,
)
