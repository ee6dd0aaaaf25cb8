"""STICK: rewrite by failed items, keep the best round, stop when all pass or nothing is known."""

import re

import numpy as np
import pytest

from surefoot.core.types import Completion, Problem, Step
from surefoot.recipes.refinement import stick
from surefoot.search import Found

PROBLEM = Problem("p", "6 times 7, and say please.", "42")


def solve(passing, passes=5, checklist='["Is it 42?", "Does it say please?"]'):
    """Drafts are numbered; draft k passes passing[k] of the two questions."""
    made = iter(range(99))
    asked = []

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        asked.append(problem.text)
        return [[Completion((Step(f"draft {next(made)}", (1,)),))]]

    def judge(problem, prefixes_P, *, count, rng, until="end"):
        if problem.id.endswith("checklist"):
            return [[Completion((Step(checklist),))]]
        code = re.findall(r"\[([A-Z]{8})\]", problem.text)[-1]
        [draft] = re.findall(r"^> draft (\d+)$", problem.text, re.MULTILINE)
        words = ["YES" if i < passing[int(draft)] else "NO" for i in range(2)]
        lines = [f"Question {i} [{code}]: {word}" for i, word in enumerate(words)]
        return [[Completion((Step("Reasons."), *map(Step, lines)))] * count]

    found = stick.solve(
        PROBLEM, sample=sample, check=lambda *_: None, judge=judge,
        rng=np.random.default_rng(0), passes=passes,
    )  # fmt: skip
    assert isinstance(found, Found)
    return found, asked


@pytest.mark.parametrize(
    ("passing", "passes", "chosen", "drafts"),
    [
        ([1, 0, 0], 2, 0, 3),  # the best, not the last
        ([0, 1, 0], 2, 1, 3),
        ([0, 1, 2, 0], 9, 2, 3),  # all pass: enough
        ([2], 9, 0, 1),
    ],
)
def test_the_best_round_is_kept(passing, passes, chosen, drafts):
    found, asked = solve(passing, passes)
    assert found.chosen.text == f"draft {chosen}"
    assert len(asked) == len(found.candidates) == drafts
    assert found.scores == tuple(k / 2 for k in passing[:drafts])


def test_failed_items_and_reasons_are_told():
    _, asked = solve([1, 2])
    assert "> Not yet: Does it say please?" in asked[1]
    assert "Not yet: Is it 42?" not in asked[1]
    assert "> Reasons." in asked[1]


def test_an_unreadable_checklist_rewrites_nothing():
    found, asked = solve([0, 0], checklist="Is it good?")
    assert len(asked) == 1
    assert found.scores == ()
