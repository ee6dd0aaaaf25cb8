"""RISE (arXiv:2410.06638): right solutions with an error put in, so that its place is known."""

from surefoot.annotate import by_checker, by_recomputation, inject
from surefoot.core.seeds import rng_for
from surefoot.core.types import LabelledTrace, Verdict
from surefoot.recipes.labelling.recipe import LabelRecipe, Parts


def label(parts: Parts) -> list[LabelledTrace]:
    """Every right solution, broken once where an edit can be confirmed."""
    exact = parts.check_steps
    confirm = by_recomputation if exact is None else by_checker(exact)
    broken = [
        inject(t, confirm=confirm, rng=rng_for(parts.seed, "inject", t.problem.id, t.text))
        for t in parts.traces_N
        if t.verdict is Verdict.CORRECT
    ]
    return [item for item in broken if item is not None]


RECIPE = LabelRecipe(
    name="rise",
    paper="2410.06638",
    about="right solutions with one of seven errors put in at a known step",
    claims="Qwen2-7B-Instruct: +3.0 on GSM8K and +7.9 on MATH, from about 4,500 pairs.",
    deviations="Edits are made by rule and confirmed, by an exact checker or by recomputation; "
    "the paper has a model edit, and rejects tell-tale words. The labels only: no preference "
    "training.",
    page="annotate-rules.md",
    checks=(
        "test_edits.py::test_edits_by_hand",
        "test_edits.py::test_injected_errors_are_first_errors",
        "test_edits.py::test_what_changes_nothing_is_refused",
    ),
    methods=("inject",),
    label=label,
)
