"""MAgICoRe's gate: the confidence of equal answers in closed form, and who is hard."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.types import Completion, Kind, Problem, Step, StepScores, Trace
from surefoot.recipes.refinement import magicore
from surefoot.recipes.refinement.magicore import confidence, is_hard, reviewed
from surefoot.search.refinement import Draft

PROBLEM = Problem("p", "?", "1")


@pytest.mark.parametrize(("answers", "expected"), [(1, 1), (2, 2 / 3), (3, 0.5), (4, 0.4)])
def test_confidence_of_equal_answers(answers, expected):
    """conf = 2 / (1 + e^H), and e^(ln k) = k."""
    assert confidence([0.3] * answers) == pytest.approx(expected, abs=1e-12)


def test_three_equal_answers_are_exactly_a_half():
    assert confidence([1.0, 1.0, 1.0]) == pytest.approx(0.5, abs=1e-15)


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=9))
def test_confidence_lies_between_certain_and_uniform(weights):
    found = confidence(weights)
    assert 2 / (1 + len(weights)) - 1e-9 <= found <= 1
    assert confidence([*weights, 0.0]) == pytest.approx(found)
    assert confidence([10 * w for w in weights]) == pytest.approx(found)


@pytest.mark.parametrize("weights", [[], [0.0, 0.0], [1.0, -0.5], [math.nan]])
def test_what_is_no_distribution_is_refused(weights):
    with pytest.raises(InputError, match="weights of 0 or more"):
        confidence(weights)


def draft(answer, worth):
    scores = StepScores(Kind.VALUE, (0.9, worth), "s")
    return Draft(Trace(PROBLEM, (Step("a"), Step("b")), answer), scores, worth)


def test_hard_is_poor_and_unsure():
    spread = [draft(a, 0.5) for a in ("2", "3", "4", "5")]
    poor = [draft("1", 0.3), draft("1", 0.3), *spread]
    assert is_hard(poor)
    rich = [draft("1", 0.6), draft("1", 0.6), *spread]
    assert not is_hard(rich)  # unsure, but what leads is better than the rest
    sure = [draft("1", 0.3)] * 6 + [draft("2", 0.5)]
    assert not is_hard(sure)  # poor, but sure
    assert not is_hard([draft("1", 0.2)] * 3)  # one answer: no better and no worse than the mean
    assert not is_hard([draft(None, 0.2)] * 3)
    assert not is_hard([])


def test_a_review_says_scores_in_tenths():
    remark = reviewed(draft("1", 0.34))
    assert remark.words == "Step 0 scores 9/10.\nStep 1 scores 3/10.\nLook at step 1."
    assert remark.place == 1
    assert reviewed(draft("1", 0.8)).words.endswith("No step scores low.")


def test_a_sure_vote_is_not_refined():
    """Three answers of one sample each and a poor pair: refined; all alike: not."""

    def solve(answers, worths):
        texts = iter(answers)
        worth = dict(zip(answers, worths, strict=True))

        def sample(problem, prefixes_P, *, count, rng, until="end"):
            new = [next(texts, "9") for _ in range(count)]
            return [[Completion((Step(f"The answer is {t}", (1,)),)) for t in new]]

        def score(traces_N):
            return [StepScores(Kind.VALUE, (worth.get(t.answer, 0.9),), "s") for t in traces_N]

        return magicore.solve(
            PROBLEM, sample=sample, check=lambda *_: None, score=score,
            rng=np.random.default_rng(0), n=len(answers), rounds=3,
        )  # fmt: skip

    alike = solve(["1", "1", "1", "1"], [0.2] * 4)
    assert len(alike.candidates) == 4
    hard = solve(["1", "1", "2", "3", "4", "5"], [0.1, 0.1, 0.4, 0.4, 0.4, 0.4])
    assert hard.chosen.answer == "9"
    assert len(hard.candidates) == 12  # one round: nine tenths six times is sure
