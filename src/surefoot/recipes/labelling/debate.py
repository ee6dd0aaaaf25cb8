"""Debate for weak-to-strong supervision (arXiv:2501.13124), over each step."""

from surefoot.annotate import debate
from surefoot.core.types import LabelledTrace
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts


def label(parts: Parts) -> list[LabelledTrace]:
    """One model accuses, defends and judges; two turns, four votes."""
    judge = parts.judge
    return [
        debate(trace, accuser=judge, defender=judge, judge=judge, seed=parts.seed)
        for trace in parts.traces_N
    ]


RECIPE = LabelRecipe(
    name="debate",
    paper="2501.13124",
    about="an accuser and a defender argue over each step, a judge decides",
    claims="Qwen 7B to 14B, SciQ: 76.5 % of the gap to the strong model's ceiling recovered, "
    "41.2 % without debate; more than three turns hurt.",
    deviations="The paper debates answers and trains on the transcripts; one debate a step is "
    "ours. One model takes all three parts; `annotate.debate` takes three.",
    page="annotate-judges.md",
    checks=(
        "test_debate.py::test_a_judge_who_believes_who_speaks_first_is_cancelled",
        "test_debate.py::test_identical_arguments_change_nothing",
    ),
    methods=("debate",),
    needs=("judge",),
    label=label,
)
