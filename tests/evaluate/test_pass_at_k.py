"""pass@k against hand counts, enumeration and big integers."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.evaluate import pass_at_k, pass_at_k_curve, pass_hat_k, pass_hat_k_curve
from surefoot.evaluate.pass_at_k import share_within


@pytest.mark.parametrize("n", range(1, 7))
def test_all_right_by_enumeration(n):
    for c in range(n + 1):
        outcomes = [True] * c + [False] * (n - c)
        for k in range(1, n + 1):
            every = [all(subset) for subset in combinations(outcomes, k)]
            assert pass_hat_k(n, c, k) == pytest.approx(sum(every) / len(every), abs=1e-15)
            assert pass_hat_k(n, c, k) == pytest.approx(1 - pass_at_k(n, n - c, k), abs=1e-15)
        assert pass_hat_k_curve(n, c).tolist() == [pass_hat_k(n, c, k) for k in range(1, n + 1)]


def test_the_published_reliability_of_an_agent():
    """gpt-4o on the 50 airline tasks of tau-bench: 14 solved in no trial of 4 ... 10 in all."""
    solved = {0: 14, 1: 12, 2: 10, 3: 4, 4: 10}  # the only counts that give these four
    found = [sum(m * pass_hat_k(4, c, k) for c, m in solved.items()) / 50 for k in (1, 2, 3, 4)]
    assert found == pytest.approx([0.42, 0.2733, 0.22, 0.2], abs=5e-5)


@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, 1, 4), (0, 0, 1), (3, 1, 0)])
def test_what_cannot_be_is_refused(n, c, k):
    with pytest.raises(InputError):
        pass_hat_k(n, c, k)


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
