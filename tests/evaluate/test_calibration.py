"""Calibration against hand-computed bins and a forecaster whose error is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.evaluate import Bin, brier, expected_calibration_error, reliability_bins

SCORED = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30)


def test_brier_by_hand():
    assert brier([1.0, 0.0, 0.5, 0.5], [True, False, True, False]) == pytest.approx(0.125)
    assert brier([0.25], [0.5]) == pytest.approx(0.0625)  # a rate is an outcome too


def test_bins_and_error_by_hand():
    scores, came_out = [0.1, 0.3, 0.8, 1.0], [False, True, True, True]
    low, high = reliability_bins(scores, came_out, bins=2)
    assert (low.count, low.mean_score, low.mean_outcome) == (2, pytest.approx(0.2), 0.5)
    assert (high.count, high.mean_score, high.mean_outcome) == (2, pytest.approx(0.9), 1.0)
    ece = expected_calibration_error(scores, came_out, bins=2)
    assert ece == pytest.approx(0.5 * 0.3 + 0.5 * 0.1)


def test_borders_belong_to_the_bin_above_and_one_to_the_last():
    for bins in (1, 3, 7, 10, 100):
        scores = [b / bins for b in range(bins)] + [1.0]
        counts = [b.count for b in reliability_bins(scores, scores, bins=bins)]
        assert counts == [1] * (bins - 1) + [2]


def test_empty_bins_are_kept_and_unknown():
    first, *_, last = reliability_bins([1.0], [True], bins=4)
    assert first == Bin(0.0, 0.25, 0, None, None)
    assert last == Bin(0.75, 1.0, 1, 1.0, 1.0)


def test_nothing_scored_is_unknown():
    assert brier([], []) is None
    assert expected_calibration_error([], []) is None
    assert [b.count for b in reliability_bins([], [])] == [0] * 10


def test_error_of_a_known_forecaster_is_recovered():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 0.8, 20_000)
    came_out = rng.random(20_000) < truth
    assert expected_calibration_error(truth, came_out) < 0.02
    assert expected_calibration_error(truth + 0.2, came_out) == pytest.approx(0.2, abs=0.02)
    assert brier(truth, came_out) == pytest.approx(np.mean(truth * (1 - truth)), abs=0.01)


@settings(max_examples=50, deadline=None)
@given(scored=SCORED, bins=st.integers(1, 20))
def test_counts_add_up_and_figures_stay_in_range(scored, bins):
    scores, came_out = zip(*scored, strict=True)
    assert sum(b.count for b in reliability_bins(scores, came_out, bins=bins)) == len(scores)
    assert 0 <= expected_calibration_error(scores, came_out, bins=bins) <= 1 + 1e-12
    one_bin = expected_calibration_error(scores, came_out, bins=1)
    assert one_bin == pytest.approx(abs(np.mean(scores) - np.mean(came_out)))
    assert one_bin <= expected_calibration_error(scores, came_out, bins=bins) + 1e-12


@pytest.mark.parametrize(
    ("scores", "came_out", "message"),
    [
        ([1.5], [True], r"scores\[0\] is 1.5; expected a number in \[0, 1\]"),
        ([0.5], [float("nan")], r"outcomes\[0\] is nan"),
        ([0.5], [], "scores has 1, outcomes has 0"),
    ],
)
def test_bad_scores_are_refused(scores, came_out, message):
    with pytest.raises(InputError, match=message):
        brier(scores, came_out)


def test_no_bins_are_refused():
    with pytest.raises(InputError, match="bins must be at least 1, got 0"):
        reliability_bins([0.5], [True], bins=0)
