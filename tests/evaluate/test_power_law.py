"""The coverage law against curves that follow it, and where there is none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.evaluate import CoverageLaw, Interval, coverage_law, fit_power_law

SIZES = [1, 2, 5, 10, 30, 100, 1000]


def test_known_values():
    law = CoverageLaw(Interval(-2, None, None), Interval(-0.5, None, None))
    assert [law.at(k) for k in (1, 10, 100)] == pytest.approx([0.1353, 0.5313, 0.8187], abs=5e-5)


@given(st.floats(-4, -0.05), st.floats(-1.5, -0.1))
def test_exact_data_give_the_law_back(a, b):
    found = fit_power_law(SIZES, np.exp(a * np.power(SIZES, b)))
    assert found == pytest.approx((a, b), abs=1e-5)


def test_a_law_of_random_problems_has_intervals_that_hold_it():
    rng = np.random.default_rng(0)
    right = rng.random((300, 64)) < rng.random((300, 1)) ** 3
    law = coverage_law(right, rng=rng, resamples=300)
    assert law.a.low < law.a.estimate < law.a.high < 0
    assert law.b.low < law.b.estimate < law.b.high < 0
    assert law.at(64) == pytest.approx(right.any(axis=1).mean(), abs=0.03)
    again = coverage_law(right, rng=np.random.default_rng(5), resamples=300)
    assert again.a.estimate == law.a.estimate


def test_one_problem_has_a_law_without_an_interval():
    law = coverage_law([[True, False, False, False]], rng=np.random.default_rng(0))
    assert law.b.low is None
    assert law.at(1) == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(
    ("sizes", "coverage", "message"),
    [
        ([1, 2], [0.0, 0.5], r"coverage must be in \(0, 1\].*got 0.0 to 0.5"),
        ([1, 2], [1.0, 1.0], "not 1 throughout"),
        ([1, 1], [0.5, 0.5], "2 or more different numbers"),
        ([1, 2], [0.5], "sizes has 2, coverage has 1"),
    ],
)
def test_no_law_is_refused(sizes, coverage, message):
    with pytest.raises(InputError, match=message):
        fit_power_law(sizes, coverage)
