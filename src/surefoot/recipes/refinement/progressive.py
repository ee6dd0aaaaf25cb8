"""Progressive Thought Refinement (arXiv:2410.13413): learn the better answer, not the drafts.

    a weak model writes thoughts and drafts, a strong one an answer that has read them
    L = l1 NLL(answer) + l2 consistency + l3 confidence,   thought tokens masked

With l2 = l3 = 0 it is plain masked fine-tuning, and that is what the records are for: the
paper leaves the weights, and how alike a thought and an answer are, to the reader.
"""

from collections.abc import Callable, Sequence

from surefoot.core.errors import InputError
from surefoot.core.types import Trace
from surefoot.improve import Lesson, after
from surefoot.recipes.refinement.recipe import RefineRecipe

Alike = Callable[[Trace, Trace], float]


def lesson(drafts_N: Sequence[Trace], answer: Trace) -> Lesson:
    """The drafts in order, shown, and then the answer, learnt."""
    shown = tuple(step for draft in drafts_N for step in draft.steps)
    return after(answer.problem, shown, answer.steps)


def selected(
    drafts_N: Sequence[Trace],
    answer: Trace,
    worth: Callable[[Trace], float],
    *,
    alike: Alike,
    least: float = 0.2,
) -> list[Trace]:
    """The drafts that the strong answer improves on (weak-strong selection) and still resembles
    (consistency filter). alike: in [0, 1]; at least `least` stays."""
    best = worth(answer)
    return [d for d in drafts_N if worth(d) < best and alike(d, answer) >= least]


def loss(
    answer: float,
    consistency: float = 0.0,
    confidence: float = 0.0,
    *,
    weights: tuple[float, float, float] = (1.0, 0.0, 0.0),
) -> float:
    """The three terms, weighted; numbers or tensors. Raises InputError for a negative weight."""
    if min(weights) < 0:
        raise InputError(f"the weights must be 0 or more, got {weights}")
    l1, l2, l3 = weights
    return l1 * answer + l2 * consistency + l3 * confidence


RECIPE = RefineRecipe(
    name="progressive",
    paper="2410.13413",
    about="weak drafts are shown and masked, a strong answer after them is learnt",
    claims="Qwen2-7B 49.6 to 53.5 on average; the first round may lose.",
    deviations="How alike two texts are is a function you pass; no weights are proposed.",
    checks=(
        "test_refinement_data.py::test_drafts_are_shown_and_only_the_answer_is_learnt",
        "test_refinement_data.py::test_without_its_other_terms_the_loss_is_masked_fine_tuning",
    ),
    builds=(lesson, selected, loss),
)
