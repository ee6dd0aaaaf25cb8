"""The baseline of all: write on from before the first doubted step, keep what scores higher."""

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem
from surefoot.recipes.refinement.recipe import RefineRecipe, scored_desk
from surefoot.search import Found, Unfinished
from surefoot.search.critique import continued, doubtful
from surefoot.search.refinement import better, refine


def solve(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    passes: int = 4,
    count: int = 1,
    when: float = 0.9,
    where: float = 0.5,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """One draft; while it is worth less than `when`, `count` new ends from its first step that
    scores less than `where`.

    Cost: 1 + passes * count completions at most, most of them parts of a solution, and as many
    scores.
    """
    desk = scored_desk(
        problem, sample=sample, check=check, score=score, rng=rng, aggregation=aggregation,
        budget=budget,
    )  # fmt: skip
    how = [continued(count)]
    return refine(desk, critic=doubtful(when, where), how=how, accept=better(), passes=passes)


RECIPE = RefineRecipe(
    name="prefix_resample",
    paper="ours",
    about="truncate at the first doubted step and sample on; no critique, no refiner",
    claims="None: it is what a critique has to beat at equal tokens.",
    deviations="It is nobody's system; truncation at the first doubted step is part of many.",
    checks=(
        "test_refinement_searches.py::test_with_a_perfect_verifier_nothing_right_is_lost",
        "test_refinement_searches.py::test_only_what_follows_the_doubt_is_written_anew",
    ),
    solve=solve,
)
