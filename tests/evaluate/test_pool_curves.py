"""Curves of a whole pool against those of one problem, and an alarm that knows chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.evaluate import (
    best_of_n_curve,
    best_of_n_curves,
    coverage_curve,
    coverage_curves,
    fall_after_peak,
    resampled_means,
)

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(0, 99))


def rng(seed=0):
    return np.random.default_rng(seed)


@given(SHAPES, st.sampled_from(["average", "first"]))
def test_every_row_is_the_curve_of_its_problem(shape, ties):
    problems, total, seed = shape
    scores = rng(seed).integers(0, 4, (problems, total))
    right = rng(seed + 1).random((problems, total)) < 0.5
    found = best_of_n_curves(scores, right, ties=ties)
    for p in range(problems):
        for n in range(1, total + 1):
            one = best_of_n_curve(scores[p], right[p], ties=ties)
            assert found[p, n - 1] == pytest.approx(one[n - 1], abs=1e-12)
    expected = [coverage_curve(row) for row in right]
    assert coverage_curves(right) == pytest.approx(np.array(expected), abs=1e-12)


def test_oracle_random_and_contrary_scorers():
    right = rng().random((20, 16)) < 0.4
    assert best_of_n_curves(right, right) == pytest.approx(coverage_curves(right), abs=1e-12)
    flat = best_of_n_curves(np.zeros((20, 16)), right)
    assert flat == pytest.approx(np.repeat(right.mean(1, keepdims=True), 16, axis=1))
    contrary = best_of_n_curves(-right.astype(float), right)
    assert np.all(np.diff(contrary, axis=1) <= 1e-12)


@pytest.mark.parametrize(
    ("scores", "right", "message"),
    [
        ([[1, 2], [3]], [[0, 1], [1]], "as many candidates for every problem"),
        ([[1, 2]], [[0, 1, 1]], r"one shape.*\(1, 2\) and \(1, 3\)"),
        ([[]], [[]], "1 or more of each"),
        ([[1, float("nan")]], [[0, 1]], r"scores\[0\]\[1\] is nan"),
        ([[1, 2]], [[0, 2]], r"right\[0\]\[1\] is 2.0"),
    ],
)
def test_bad_tables_are_refused(scores, right, message):
    with pytest.raises(InputError, match=message):
        best_of_n_curves(scores, right)


def means(curves, seed=0):
    return resampled_means(curves, rng=rng(seed), resamples=400)


def test_a_fall_is_found_where_there_is_one():
    curves = rng().normal([0.5, 0.7, 0.6, 0.4], 0.1, (200, 4))
    found = fall_after_peak(means(curves))
    assert found.peak == 2
    assert found.sure
    assert found.fall.estimate == pytest.approx(0.3, abs=0.05)
    assert found.fall.low < found.fall.estimate < found.fall.high


def test_a_rise_has_no_fall():
    found = fall_after_peak(means(np.tile([0.1, 0.2, 0.3], (9, 1))))
    assert (found.peak, found.fall.estimate, found.sure) == (3, 0, False)


def test_one_problem_leaves_the_fall_unsure():
    found = fall_after_peak(means(np.array([[0.9, 0.1]])))
    assert found.fall.low is None
    assert not found.sure


def test_chance_alone_rarely_alarms_though_the_peak_is_picked():
    """Flat truth, 24 sizes: picking the largest of 23 drops must not raise the false alarms."""
    alarms = sum(
        fall_after_peak(means(rng(seed).random((120, 24)) < 0.6, seed)).sure for seed in range(120)
    )
    assert alarms <= 9  # 2.5 % expected, 3; 9 is three standard deviations above


def test_the_ends_of_a_fall_by_their_formula():
    means = np.vstack([[0.5, 0.8, 0.7], np.random.default_rng(3).random((400, 3))])
    drops = means - means[:, -1:]
    spread = drops[1:, :2].std(axis=0)
    most = np.quantile(np.maximum(0, ((drops[1:, :2] - drops[0, :2]) / spread).max(axis=1)), 0.9)
    found = fall_after_peak(means, level=0.8)
    assert found.peak == 2
    assert found.fall.low == pytest.approx(0.1 - most * spread[1])
    assert found.fall.high == pytest.approx(np.quantile(drops[1:, 1], 0.9))
