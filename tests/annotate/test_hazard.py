"""A hazard is logistic regression over the steps that were reached; planted weights are found."""

import numpy as np
import pytest

from surefoot.annotate.belief import Belief
from surefoot.annotate.channel import flat_channel, stuck_states
from surefoot.annotate.hazard import RIDGE, fit_hazard, learn, surprise_features
from surefoot.core.errors import InputError
from surefoot.core.types import Problem, Step, Trace


def drawn(count, weights, bias, seed=0, steps=6):
    """Features of `count` traces and the first errors that a planted hazard brings about."""
    rng = np.random.default_rng(seed)
    features_N, taus = [], []
    for _ in range(count):
        x = rng.normal(size=(steps, len(weights)))
        happens = rng.random(steps) < 1 / (1 + np.exp(-(x @ weights + bias)))
        features_N.append(x)
        taus.append(int(happens.argmax()) if happens.any() else steps)
    return features_N, taus


def sure(tau, steps=6):
    return np.eye(steps + 1)[tau]


def test_planted_weights_are_found_from_known_first_errors():
    weights, bias = np.array([1.5, -0.7]), -2.0
    features_N, taus = drawn(4000, weights, bias)
    hazard = fit_hazard(features_N, [sure(tau) for tau in taus])
    assert hazard.weights_F / hazard.scales_F == pytest.approx(weights, abs=0.12)
    assert hazard.bias == pytest.approx(bias, abs=0.12)  # features have mean 0


def test_a_hazard_is_the_share_of_reached_steps_where_nothing_else_is_known():
    """Three traces of two steps: errors at 0, 1 and nowhere; 2 errors in 5 reached steps."""
    features_N = [np.zeros((2, 1))] * 3
    hazard = fit_hazard(features_N, [sure(tau, 2) for tau in (0, 1, 2)])
    assert hazard.prior(np.zeros((2, 1))) == pytest.approx([0.4, 0.24, 0.36], abs=1e-5)


def test_outcomes_and_rollouts_teach_a_hazard_without_a_step_label():
    """Only ends and four rollouts a prefix are seen, and the hazard is nearly that of the truth."""
    weights, bias = np.array([2.0, 0.0]), -1.5
    features_N, taus = drawn(400, weights, bias)
    rng, beliefs = np.random.default_rng(1), []
    for tau in taus:
        belief = Belief(6, flat_channel(eases=(False,)))
        belief.observe(6, float(tau == 6), 1)
        for place in range(6):
            belief.observe(place, rng.binomial(4, 0.6 if place <= tau else 0.05), 4)
        beliefs.append(belief)
    before = np.mean([b.first_error[tau] for b, tau in zip(beliefs, taus, strict=True)])
    channel, hazard = learn(beliefs, features_N)
    after = np.mean([b.first_error[tau] for b, tau in zip(beliefs, taus, strict=True)])
    assert after > before + 0.03
    found = hazard.weights_F / hazard.scales_F
    assert found[0] == pytest.approx(2.0, abs=0.5)
    assert abs(found[1]) < 0.3
    assert channel.weights_G @ channel.sound_G == pytest.approx(0.6, abs=0.12)


def test_surprise_of_a_trace_by_hand():
    trace = Trace(Problem("p", "?"), (Step("a", (1, 2), (-1.0, -3.0)), Step("b", (3,), (0.0,))))
    assert surprise_features(trace) == pytest.approx(
        np.array([[-np.log(5.0), -np.log(4.0)], [0.0, 0.0]])
    )


def test_what_cannot_be_learned_from_is_refused():
    with pytest.raises(InputError, match=r"step 1 .* 'p' has no log-prob"):
        surprise_features(Trace(Problem("p", "?"), (Step("a", (1,), (-1.0,)), Step("b"))))
    with pytest.raises(InputError, match="got 1 for 2"):
        learn([Belief(1), Belief(1)], [np.zeros((1, 1))])
    with pytest.raises(InputError, match="got 0 for 0"):
        learn([], [])


def test_a_hazard_is_where_the_penalised_likelihood_is_flat():
    """sum (h - r p) x = RIDGE w, and = 0 for the bias, of the standardised features."""
    rng = np.random.default_rng(3)
    features_N = [rng.normal(size=(4, 2)) for _ in range(12)]
    first_error_N = [rng.dirichlet(np.ones(5)) for _ in range(12)]
    found = fit_hazard(features_N, first_error_N)
    slope = np.zeros(3)
    for x_S_F, chances in zip(features_N, first_error_N, strict=True):
        z_S_F = (x_S_F - found.means_F) / found.scales_F
        p_S = 1 / (1 + np.exp(-(z_S_F @ found.weights_F + found.bias)))
        reached_S = 1 - np.concatenate(([0.0], np.cumsum(chances)[:-2]))
        slope += np.column_stack((z_S_F, np.ones(4))).T @ (chances[:-1] - reached_S * p_S)
    assert slope[:2] == pytest.approx(RIDGE * found.weights_F, abs=1e-6)
    assert slope[2] == pytest.approx(0, abs=1e-4)
    assert np.abs(found.weights_F).max() > 1e-3


def test_rates_that_much_evidence_rules_out_may_underflow():
    """Ten rounds on long, easy traces leave weights below the least float: 0, and not 0 / 0."""
    beliefs = []
    for _ in range(3):
        belief = Belief(15, flat_channel(), model=stuck_states)
        for place in range(15):
            belief.observe(place, 16, 16)
        beliefs.append(belief)
    channel, _ = learn(beliefs, [np.zeros((15, 1))] * 3)
    assert channel.weights_G.min() == 0
    assert channel.weights_G.sum() == pytest.approx(1)
    assert channel.weights_G[channel.sound_G >= 0.85].sum() > 0.9
    assert channel.weights_G @ channel.sound_G > 0.85
