"""Selection rules against values worked out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.types import Step
from surefoot.trees import descend, first_error_between, puct, token_prior, ucb, uct


def test_ucb_by_hand():
    assert ucb(0.6, 10, 4) == pytest.approx(0.6 + 0.7 * math.sqrt(2 * math.log(10) / 4))
    assert ucb(0.6, 10, 4) == pytest.approx(1.3511, abs=5e-5)
    assert ucb(0.6, 10, 0) == 1.6
    assert ucb(0.5, 1, 1) == 0.5, "one visit in all: nothing to explore"


def test_uct_by_hand():
    assert uct(0.75, 10, 4) == pytest.approx(2.2674, abs=5e-5)
    assert uct(0.0, 10, 0) == math.inf


@given(st.floats(0, 1), st.integers(1, 50), st.integers(1, 50), st.floats(0, 3))
def test_ucb_is_uct_with_a_wider_weight(value, parent, child, weight):
    wide = uct(value, parent, child, weight=weight * math.sqrt(2))
    assert ucb(value, parent, child, weight=weight) == pytest.approx(wide)


def test_puct_by_hand():
    assert puct(0.5, 0.4, 9, 2, weight=1.25) == pytest.approx(1.0)
    assert puct(0.0, 0.4, 9, 0) == pytest.approx(1.8)


@pytest.mark.parametrize(
    ("logprobs", "prior"), [((), 1.0), ((math.log(0.5), math.log(0.125)), 0.25), ((0.0,), 1.0)]
)
def test_a_steps_prior_is_the_geometric_mean_of_its_tokens(logprobs, prior):
    assert token_prior(Step("x", (0,) * len(logprobs), logprobs)) == pytest.approx(prior)


def test_descending_takes_the_best_open_child_and_the_first_of_equals():
    children = [[1, 2, 3], [4], [5, 6], [], [], [], []]
    score = [0, 3, 2, 2, 1, 1, 1].__getitem__
    everywhere = [True] * 7
    assert descend(children, score, everywhere) == 4
    assert descend(children, score, [True, False, *[True] * 5]) == 5
    assert descend([[]], score, [True]) == 0


@given(st.integers(1, 200), st.data())
def test_bisection_finds_the_first_error_in_log2_probes(length, data):
    """T2, the deterministic channel."""
    error, asked = data.draw(st.integers(1, length)), []

    def sound(t):
        asked.append(t)
        return t < error

    assert first_error_between(length, sound) == (error - 1, error)
    assert len(asked) <= math.ceil(math.log2(length))
    assert all(0 < t < length for t in asked)


def test_bisection_stops_at_a_piece_that_is_small_enough_or_cannot_be_told():
    assert first_error_between(16, lambda t: t < 6, fine=lambda low, high: high - low <= 4) == (
        4,
        8,
    )
    assert first_error_between(16, lambda t: None if t == 4 else t < 6) == (0, 8)
