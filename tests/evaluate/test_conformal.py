"""Promises kept: thresholds by hand, risk over 1,000 splits, and refusals that say how many."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.evaluate import (
    accept_threshold,
    allowed_errors,
    flag_threshold,
    load_pool,
    load_step_scores,
    problems_needed,
    risk_curve,
)
from surefoot.evaluate.pools import join_scores


def test_thresholds_by_hand():
    # n = 9, alpha = 0.2: k = floor(0.2 * 10) - 1 = 1 wrong one may pass
    scores = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    right = [True, False, True, False, True, True, True, False, True]
    found = accept_threshold(scores, right, 0.2)
    assert found.allowed == 1
    assert 0.6 < found.value < 0.6 + 1e-9  # 0.8 passes, 0.6 must not
    assert accept_threshold(scores, [True] * 8 + [False], 0.2).value == -math.inf


def test_a_flag_is_raised_below_its_threshold():
    found = flag_threshold([0.1] * 17 + [0.5, 0.9], 0.1)  # k = floor(0.1 * 20) - 1 = 1
    assert 0.5 < found.value < 0.5 + 1e-9  # 0.9 may go unflagged, 0.5 is flagged


@given(st.integers(1, 300), st.floats(0.01, 0.5))
def test_the_smallest_set_that_can_promise(problems, alpha):
    needed = problems_needed(alpha)
    assert allowed_errors(needed, alpha) == 0
    if problems < needed:
        with pytest.raises(InputError, match=f"{problems} calibration .* it takes {needed}"):
            allowed_errors(problems, alpha)


def test_a_promise_with_confidence_is_the_binomial_tail():
    # (1 - 0.05)^59 = 0.0485 <= 0.05 < 0.95^58
    assert problems_needed(0.05, delta=0.05) == 59
    assert allowed_errors(59, 0.05, delta=0.05) == 0
    with pytest.raises(InputError, match=r"a risk of 0\.05 with chance 0\.95: it takes 59"):
        allowed_errors(58, 0.05, delta=0.05)
    for problems, alpha, delta in ((200, 0.1, 0.05), (1000, 0.02, 0.1)):
        k = allowed_errors(problems, alpha, delta=delta)
        tails = [
            sum(
                math.comb(problems, i) * alpha**i * (1 - alpha) ** (problems - i)
                for i in range(most + 1)
            )
            for most in (k, k + 1)
        ]
        assert tails[0] <= delta < tails[1]


@pytest.mark.parametrize(
    ("alpha", "delta", "message"),
    [(0, None, "alpha must be between 0 and 1"), (0.1, 1, "delta must be between 0 and 1")],
)
def test_bad_promises_are_refused(alpha, delta, message):
    with pytest.raises(InputError, match=message):
        allowed_errors(100, alpha, delta=delta)


def split_risks(scores, bad, alpha, *, calibrate, delta=None, splits=1000):
    """Share of bad events at or above the threshold, on the other part of each random split.

    The rule of the library for all splits at once; `test_all_splits_at_once` holds it to it.
    """
    rng = np.random.default_rng(0)
    orders = rng.random((splits, len(scores))).argsort(axis=1)
    seen, unseen = orders[:, :calibrate], orders[:, calibrate:]
    allowed = allowed_errors(calibrate, alpha, delta=delta)
    of_bad = np.sort(np.where(bad, scores, -np.inf)[seen], axis=1)
    borders = of_bad[:, ::-1][:, allowed]  # pass only above it
    return ((scores[unseen] > borders[:, None]) & bad[unseen]).mean(axis=1), seen, borders


def test_all_splits_at_once_are_the_library():
    rng = np.random.default_rng(1)
    scores, bad = rng.random(120), rng.random(120) < 0.3
    _, seen, borders = split_risks(scores, bad, 0.1, calibrate=60, splits=20)
    for chosen, border in zip(seen, borders, strict=True):
        found = accept_threshold(scores[chosen], ~bad[chosen], 0.1).value
        assert found == (math.nextafter(border, math.inf) if np.isfinite(border) else -math.inf)


@pytest.mark.parametrize("alpha", [0.02, 0.05, 0.1, 0.2])
def test_mean_risk_over_1000_splits_is_within_the_promise(alpha):
    rng = np.random.default_rng(2)
    scores = rng.random(1000).round(2)  # ties
    bad = rng.random(1000) < 0.5 - 0.4 * scores
    risks, _, _ = split_risks(scores, bad, alpha, calibrate=200)
    error = 3 * risks.std() / math.sqrt(len(risks))
    assert risks.mean() <= alpha + error
    assert risks.mean() >= alpha - 2 / 201 - 0.02  # and not for being too careful, ties aside


def test_a_promise_with_confidence_fails_in_few_worlds():
    """Fresh worlds: true risk above alpha in at most delta of them."""
    rng = np.random.default_rng(3)
    broken = 0
    for _ in range(400):
        scores = rng.random(150)
        right = rng.random(150) < 0.6 + 0.4 * scores
        value = max(accept_threshold(scores, right, 0.1, delta=0.1).value, 0.0)
        true_risk = 0.4 * (1 - value) ** 2 / 2  # integral of 0.4 (1 - s) from the threshold on
        broken += true_risk > 0.1
    assert broken <= 0.1 * 400 + 3 * math.sqrt(400 * 0.09)


def test_risk_over_1000_splits_of_a_real_verifier(data):
    folder = data / "strictprmbench"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    pools = load_pool(folder / "gsm8k_500x32_samples.jsonl.gz")
    rows = load_step_scores(folder / "scores_skywork_prm_gsm8k.jsonl.gz")
    last = np.array([[s[-1] for s in scores] for scores in join_scores(pools, rows)])
    chosen = last.argmax(axis=1)
    scores = last.max(axis=1)
    bad = ~np.array([pool.right_N[i] for pool, i in zip(pools, chosen, strict=True)])
    for alpha in (0.02, 0.05):
        risks, _, _ = split_risks(scores, bad, alpha, calibrate=250)
        assert risks.mean() <= alpha + 3 * risks.std() / math.sqrt(len(risks))


def test_risk_against_coverage_by_hand():
    points = risk_curve([0.9, 0.5, 0.5, 0.1], [True, False, True, False])
    assert [p.threshold for p in points] == [0.9, 0.5, 0.1]
    assert [p.coverage for p in points] == [0.25, 0.75, 1.0]
    assert [p.risk for p in points] == [0.0, 0.25, 0.5]
    assert [p.selective_risk for p in points] == pytest.approx([0, 1 / 3, 0.5])
    assert risk_curve([], []) == []


def test_the_size_that_is_needed_is_the_smallest_that_can_promise():
    for alpha in (0.02, 0.05, 0.1, 0.3):
        enough = problems_needed(alpha)
        assert allowed_errors(enough, alpha) == 0
        with pytest.raises(InputError, match=f"it takes {enough};"):
            allowed_errors(enough - 1, alpha)
    assert problems_needed(0.05) == 19
