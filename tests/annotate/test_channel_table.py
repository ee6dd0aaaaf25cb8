"""Known answers of a channel with rates a and b: capacity, Fano's bound, and how each rule fares.

The table was computed once by an independent simulation: 16 steps, first error uniform, the
answer known to be wrong; exact first error found, by rule.
"""

import math

import numpy as np
import pytest

from surefoot.annotate import Belief, capacity, fewest_rollouts, flat_channel
from surefoot.core.errors import InputError
from surefoot.trees import first_error_between

STEPS, TRIALS = 16, 2000


@pytest.mark.parametrize(
    ("a", "b"), [(0.5, 0.0), (0.5, 0.05), (0.8, 0.15), (0.2, 0.05), (1.0, 0.0)]
)
def test_capacity_is_the_most_that_any_mix_of_questions_tells(a, b):
    """T12: the closed form is the maximum of I(X; Y) over how often a prefix is sound."""

    def coin(p):
        return -sum(x * math.log2(x) for x in (p, 1 - p) if x > 0)

    mixes = np.linspace(0, 1, 200_001)
    told = [coin(x * a + (1 - x) * b) - x * coin(a) - (1 - x) * coin(b) for x in mixes[::50]]
    assert capacity(a, b) == pytest.approx(max(told), abs=1e-6)


def test_known_capacities_and_bounds():
    assert capacity(0.5, 0.0) == pytest.approx(math.log2(1.25))
    assert capacity(1.0, 0.0) == pytest.approx(1.0)
    assert fewest_rollouts(2, 1.0, 0.0, 0.0) == pytest.approx(1.0)  # one coin, one question
    bounds = [fewest_rollouts(16, a, b, 0.1) for a, b in ((0.5, 0), (0.5, 0.05), (0.8, 0.15))]
    assert [round(x) for x in bounds] == [10, 15, 9]
    assert fewest_rollouts(2, 0.5, 0.0, 0.5) == 0.0  # guessing is free


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.0), (0.8, 0.15)])
def test_no_scheme_beats_the_bound(a, b):
    """T12: ours, which knows a and b, spends more than Fano allows for its mistakes."""
    rng, spent, right = np.random.default_rng(0), [], []
    for _ in range(150):
        tau = int(rng.integers(STEPS))
        belief = Belief(STEPS, flat_channel((a,), (max(b, 1e-3),), (False,), strength=math.inf))
        belief.observe(STEPS, 0, 1)
        while belief.first_error.max() < 0.9:
            place = int(np.argmax(belief.information()[:-1]))
            belief.observe(place, float(rng.random() < (a if place <= tau else b)), 1)
        spent.append(belief.tries_T[:-1].sum())
        right.append(belief.first_error.argmax() == tau)
    least = fewest_rollouts(STEPS, a, b, 1 - float(np.mean(right)))
    assert least < np.mean(spent) < 1.5 * least


@pytest.mark.parametrize(
    ("a", "b", "k", "every_step", "binary"),
    [(0.5, 0.0, 8, 0.97, 0.99), (0.5, 0.05, 8, 0.68, 0.46), (0.5, 0.15, 8, 0.30, 0.15)],
)
def test_rules_that_call_any_success_right(a, b, k, every_step, binary):
    """T13: labelling every step, and OmegaPRM's binary search, within .04 of the table."""
    rng = np.random.default_rng(1)
    found = {"every step": 0, "binary": 0}
    for _ in range(TRIALS):
        tau = int(rng.integers(STEPS))
        p_T = np.where(np.arange(STEPS + 1) <= tau, a, b)  # of the prefix of t steps
        sound_T = rng.binomial(k, p_T) > 0
        sound_T[STEPS] = False  # the answer is wrong
        found["every step"] += int(np.argmin(sound_T[1:])) == tau
        low, _ = first_error_between(STEPS, lambda t, p_T=p_T: bool(rng.binomial(k, p_T[t])))
        found["binary"] += low == tau
    assert found["every step"] / TRIALS == pytest.approx(every_step, abs=0.04)
    assert found["binary"] / TRIALS == pytest.approx(binary, abs=0.04)


def test_nonsense_is_refused():
    with pytest.raises(InputError, match="b < a"):
        capacity(0.2, 0.5)
    with pytest.raises(InputError, match="2 steps or more"):
        fewest_rollouts(1, 0.5, 0.0, 0.1)
