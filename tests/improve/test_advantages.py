"""T8: RLOO by hand and its sum; PRIME's bounds are inclusive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.improve import rloo, tldr, worth_learning_from


def test_rloo_by_hand():
    assert rloo([1, 0, 0, 1]) == pytest.approx([2 / 3, -2 / 3, -2 / 3, 2 / 3])
    assert rloo([3, 1]) == [2, -2]


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=16))
def test_advantages_sum_to_zero_and_shift_with_nothing(rewards):
    advantages = rloo(rewards)
    assert sum(advantages) == pytest.approx(0, abs=1e-6)
    assert rloo([r + 5 for r in rewards]) == pytest.approx(advantages, abs=1e-6)
    n = len(rewards)  # the form of PRIME's code: r n / (n - 1) - sum / (n - 1)
    assert advantages == pytest.approx(
        [(r * n - sum(rewards)) / (n - 1) for r in rewards], abs=1e-6
    )


def test_equal_rewards_teach_nothing():
    assert rloo([1.0] * 5) == pytest.approx([0] * 5)


def test_primes_bounds():
    groups = [[True] * k + [False] * (5 - k) for k in range(6)]  # 0, .2, .4, .6, .8, 1
    assert worth_learning_from(groups) == [1, 2, 3, 4]
    assert worth_learning_from([[], [True, False]]) == [1]
    assert worth_learning_from(groups, low=0, high=1) == list(range(6))


@pytest.mark.parametrize("rewards", [[], [1.0], [1.0, float("nan")]])
def test_what_cannot_be_compared_is_refused(rewards):
    with pytest.raises(InputError):
        rloo(rewards)
    with pytest.raises(InputError, match="low <= high"):
        worth_learning_from([], low=0.9, high=0.1)


def test_tldr_by_hand():
    """At 100 tokens: free up to 100, half the penalty at 150, all of it from 200 on."""
    right, tokens = [True] * 5, [1, 100, 150, 200, 900]
    assert tldr(right, tokens, level=100, alpha=0.4) == pytest.approx([1, 1, 0.8, 0.6, 0.6])
    assert tldr(right, tokens, level=100, alpha=0) == [1.0] * 5
    assert tldr([False] * 5, tokens, level=100) == [0.0] * 5, "wrong and short is still wrong"
    assert tldr([], [], level=1) == []


@pytest.mark.parametrize(
    "given",
    [([True], [3], 0, 0.5), ([True], [3], 5, 1.1), ([True], [], 5, 0.5), ([True], [-1], 5, 0.5)],
)
def test_tldr_that_cannot_be(given):
    right, tokens, level, alpha = given
    with pytest.raises(InputError, match=r"expected a level|need as many lengths"):
        tldr(right, tokens, level=level, alpha=alpha)
