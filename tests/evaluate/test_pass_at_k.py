"""pass@k against hand counts, enumeration and big integers."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.evaluate import pass_at_k, pass_at_k_curve
from surefoot.evaluate.pass_at_k import share_within


@pytest.mark.parametrize(
    ("n", "c", "k", "expected"),
    [
        (10, 3, 5, 0.916667),
        (4, 1, 2, 0.5),
        (5, 0, 5, 0.0),
        (5, 1, 5, 1.0),
        (10, 6, 5, 1.0),  # n - c < k: five samples cannot all be wrong
        (1, 1, 1, 1.0),
    ],
)
def test_hand_computed(n, c, k, expected):
    assert pass_at_k(n, c, k) == pytest.approx(expected, abs=5e-7)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 8), data=st.data())
def test_equals_enumeration(n, data):
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    subsets = list(combinations([i < c for i in range(n)], k))
    expected = sum(any(subset) for subset in subsets) / len(subsets)
    assert pass_at_k(n, c, k) == pytest.approx(expected, abs=1e-12)


def test_large_pools_neither_overflow_nor_drift():
    for k in (1, 7, 1000, 1990):
        exact = 1 - comb(1950, k) / comb(2000, k)
        assert pass_at_k(2000, 50, k) == pytest.approx(exact, abs=1e-12)


def test_curve_is_pass_at_every_k_and_never_falls():
    curve = pass_at_k_curve(12, 2)
    assert curve.tolist() == [pass_at_k(12, 2, k) for k in range(1, 13)]
    assert np.all(np.diff(curve) >= 0)


def test_share_within_is_zero_below_k_and_one_at_the_top():
    assert share_within(4, 2).tolist() == pytest.approx([0, 0, 1 / 6, 3 / 6, 1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0, 1), "at least 1 sample, got n = 0"),
        ((4, 5, 1), r"in 0\.\.4, got 5"),
        ((4, 1, 5), r"k must be in 1\.\.4, got 5"),
        ((4, 1, 0), r"k must be in 1\.\.4, got 0"),
    ],
)
def test_impossible_counts_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        pass_at_k(*arguments)
