"""Resampling with an imperfect verifier: known answers, enumeration, and a planted truth."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.evaluate import (
    ProblemType,
    best_attempts,
    estimate_type,
    estimate_types,
    fewest_best,
    pool_utilities,
    utility_curve,
)

EASY = ProblemType(0.58, 0.87, soundness=0.75)
HARD = ProblemType(0.42, 0.13, soundness=0.75)
RATES = st.floats(0.05, 0.95)


@pytest.mark.parametrize(
    ("wrong", "attempts", "utility"), [(-0.7, 3, 0.5246), (-1, 2, 0.4724), (-2, 1, 0.3388)]
)
def test_known_plans(wrong, attempts, utility):
    plan = best_attempts([EASY, HARD], wrong=wrong)
    assert plan.attempts == attempts
    assert plan.utility == pytest.approx(utility, abs=5e-5)


def test_known_ceiling_and_the_utility_the_notebook_gets_wrong():
    assert HARD.accuracy == pytest.approx(0.3741, abs=5e-5)
    # inference-scaling-limits weighs the survival sum by the posterior: -0.0673
    assert utility_curve([EASY, HARD], 10, wrong=-2)[10] == pytest.approx(0.1539, abs=5e-5)


def test_a_verifier_that_accepts_nothing_wrong_is_never_enough():
    types = [ProblemType(0.5, 0.3, completeness=0.8), ProblemType(0.5, 0.01)]
    assert np.all(np.diff(utility_curve(types, 50, wrong=-9)) > 0)
    plan = best_attempts(types, wrong=-9)
    assert plan.attempts == float("inf")
    assert plan.utility == pytest.approx(1.0)


@given(RATES, RATES, RATES, st.floats(-4, 0))
def test_one_type_has_no_end_in_between(success, completeness, soundness, wrong):
    kind = ProblemType(1, success, completeness, soundness)
    if abs(kind.worth(1, wrong)) < 1e-6:
        return
    assert best_attempts([kind], wrong=wrong).attempts in (0, float("inf"))


@given(RATES, RATES, RATES, st.integers(1, 6))
def test_the_formula_is_the_sum_over_all_stories(success, completeness, soundness, attempts):
    """Enumerate: rejected i times, then accepted right or wrong, or never accepted."""
    rejected = success * (1 - completeness) + (1 - success) * soundness
    told = sum(
        rejected**i * (success * completeness - 2 * (1 - success) * (1 - soundness))
        for i in range(attempts)
    )
    kind = ProblemType(1, success, completeness, soundness)
    assert utility_curve([kind], attempts, wrong=-2)[attempts] == pytest.approx(told, abs=1e-12)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=5))
def test_pool_utilities_are_exact_over_all_orders(draws):
    right, accepted = map(list, zip(*draws, strict=True))
    found = pool_utilities([right], [accepted], right=1, wrong=-3)[0]
    for attempts in range(len(right) + 1):
        worths = []
        for order in permutations(range(len(right))):
            first = next((i for i in order[:attempts] if accepted[i]), None)
            worths.append(0 if first is None else 1 if right[first] else -3)
        assert found[attempts] == pytest.approx(np.mean(worths), abs=1e-12)


def test_a_pool_from_known_types_gives_their_utility_and_plan_back():
    rng = np.random.default_rng(0)
    success = np.where(rng.random(20_000) < 0.58, 0.87, 0.13)[:, None]
    right = rng.random((20_000, 12)) < success
    accepted = right | (rng.random(right.shape) > 0.75)
    for wrong, attempts in ((-0.7, 3), (-2, 1)):
        found = pool_utilities(right, accepted, wrong=wrong).mean(axis=0)
        assert found == pytest.approx(utility_curve([EASY, HARD], 12, wrong=wrong), abs=0.02)
        assert fewest_best(found) == attempts
    easy, hard = estimate_types(right, accepted, types=2)
    assert (easy.share, hard.share) == (0.5, 0.5)
    assert easy.success == pytest.approx(0.87, abs=0.01)
    assert 0.13 <= hard.success < 0.30  # 8 % of the problems are easy ones in the hard half
    for kind in (easy, hard):
        assert kind.completeness == 1
        assert kind.soundness == pytest.approx(0.75, abs=0.02)


def test_luck_in_the_sorting_is_not_taken_for_ease():
    """All problems alike: groups made by even draws look alike on odd draws."""
    rng = np.random.default_rng(1)
    right = rng.random((4000, 8)) < 0.5
    easy, hard = estimate_types(right, right, types=2)
    assert easy.success == pytest.approx(hard.success, abs=0.04)


def test_estimate_of_one_type_by_hand():
    found = estimate_type([True, True, False, False, False], [True, False, True, False, False])
    assert (found.share, found.success, found.completeness) == (1.0, 0.4, 0.5)
    assert found.soundness == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ProblemType(1, 1.5), r"success must be in \[0, 1\], got 1.5"),
        (lambda: utility_curve([EASY], 3), "sum to 1, got 0.58"),
        (lambda: utility_curve([EASY, HARD], 0), "1 or more attempts, got 0"),
        (lambda: estimate_type([True], [True]), "soundness a wrong one"),
        (lambda: estimate_types([[1]], [[1]]), "2 or more draws"),
        (lambda: estimate_types([[1, 0]], [[1, 0]], types=2), r"types must be in 1\.\.1"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
