"""Confidence, critique and the relative score: by hand, and as identities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.evaluate import relative_score, self_correction

tries = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=5)


def measured(pairs_P_K):
    firsts = [[a for a, _ in pairs] for pairs in pairs_P_K]
    seconds = [[b for _, b in pairs] for pairs in pairs_P_K]
    return self_correction(firsts, seconds, rng=np.random.default_rng(0), resamples=50)


def estimate(interval):
    return None if interval is None else interval.estimate


@pytest.mark.parametrize(("after", "expected"), [(0.36, 0), (0.6, 0.5), (0.84, 1), (0.9, 1.125)])
def test_relative_score_at_sixty_percent(after, expected):
    assert relative_score(0.6, after) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("before", [0.0, 1.0])
def test_relative_score_is_undefined_at_the_ends(before):
    assert relative_score(before, 0.5) is None


def test_by_hand():
    """Questions right in 2 of 2, 1 of 2 and 0 of 2 tries; one right answer lost, one wrong mended:
    CL = (1/2 + 1/2) / (1 + 1/2), CS = (0 + 1/2) / (1/2 + 1)."""
    found = measured(
        [
            [(True, True), (True, False)],
            [(True, True), (False, False)],
            [(False, True), (False, False)],
        ]
    )
    assert estimate(found.before) == estimate(found.after) == 0.5
    assert estimate(found.confidence) == pytest.approx(2 / 3)
    assert estimate(found.critique) == pytest.approx(1 / 3)
    assert estimate(found.relative) == pytest.approx(0.5)


@given(st.lists(tries, min_size=1, max_size=8))
def test_accuracy_after_is_what_was_kept_and_what_was_mended(pairs_P_K):
    found = measured(pairs_P_K)
    before, after = found.before.estimate, found.after.estimate
    kept, mended = estimate(found.confidence), estimate(found.critique)
    assert (kept is None) == (before == 0)
    assert (mended is None) == (before == 1)
    assert after == pytest.approx(before * (kept or 0) + (1 - before) * (mended or 0), abs=1e-12)
    assert (found.relative is None) == (before in (0, 1))
    if found.relative is not None:
        assert found.relative.estimate == pytest.approx(relative_score(before, after), abs=1e-12)


def test_two_tries_at_random_are_worth_a_half():
    """CL = CS = Acc1 in expectation: the second answer forgets the first."""
    rng = np.random.default_rng(1)
    draws = rng.random((4000, 2)) < 0.7
    found = measured([[tuple(pair)] for pair in draws])
    assert found.confidence.low < 0.7 < found.confidence.high
    assert found.critique.low < 0.7 < found.critique.high
    assert found.relative.low < 0.5 < found.relative.high


def test_what_cannot_be_measured_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="no question"):
        self_correction([], [], rng=rng)
    with pytest.raises(InputError, match="question 1 has 1 first and 0 second answers"):
        self_correction([[True], [True]], [[True], []], rng=rng)
