"""The posterior of the first error by enumeration, by hand, and on a channel that is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.annotate.belief import (
    REPAIRABLE,
    SURE,
    Belief,
    flat_channel,
    learned,
    prior_from_steps,
    stuck_states,
    three_states,
    two_states,
)
from surefoot.core.errors import InputError

KNOWN = flat_channel((0.5,), (0.05,), (False,), strength=math.inf)


def test_a_posterior_by_hand():
    """Two steps, a = .5, b = .05: one success after the first step, then one failure."""
    belief = Belief(2, KNOWN)
    belief.observe(1, 1, 2)
    likelihood = np.array([0.05 * 0.95, 0.5 * 0.5, 0.5 * 0.5])  # tau = 0, 1, none
    assert belief.first_error == pytest.approx(likelihood / likelihood.sum())
    assert belief.right == pytest.approx(1 - np.cumsum(belief.first_error)[:2])
    p = belief.first_error
    assert belief.values == pytest.approx([p[0] * 0.05 + (1 - p[0]) * 0.5,
                                           (p[0] + p[1]) * 0.05 + p[2] * (1 - SURE)])  # fmt: skip


def test_a_wrong_answer_has_a_wrong_step():
    belief = Belief(4)
    belief.observe(4, 0, 1)
    assert belief.first_error[-1] < 0.01
    belief = Belief(4)
    belief.observe(4, 1, 1)
    assert belief.first_error[-1] > 0.5


@pytest.mark.parametrize("model", [two_states, three_states, stuck_states])
@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 3)), max_size=5),
)
def test_a_posterior_is_bayes_rule_over_every_hypothesis(model, steps, seen):
    """Brute force: every grid point, every hypothesis, every observation, one product each."""
    channel = flat_channel((0.3, 0.8), (0.02, 0.2), strength=math.inf)
    prior = np.arange(1.0, steps + 2)
    belief = Belief(steps, channel, prior, model)
    hypotheses, rates = model(steps), channel.rates(steps)
    seen = [(min(place, steps), won, won + lost) for place, won, lost in seen]
    for place, won, tries in seen:
        belief.observe(place, won, tries)
    total = np.zeros(steps + 1)
    for g, weight in enumerate(channel.weights_G):
        for tau, states, log_prior in zip(
            hypotheses.first_error_H, hypotheses.states_H_T, hypotheses.log_prior_H, strict=True
        ):
            chance = weight * prior[tau] * math.exp(log_prior)
            for place, won, tries in seen:
                p = rates[g, states[place], place]
                chance *= p**won * (1 - p) ** (tries - won)
            total[tau] += chance
    assert belief.first_error == pytest.approx(total / total.sum(), abs=1e-12)


@pytest.mark.parametrize("strength", [0.5, 3.0])
def test_prefixes_that_differ_are_beta_binomial(strength):
    """P(c of k | state) = C(k, c) B(s p + c, s (1 - p) + k - c) / B(s p, s (1 - p))."""
    channel = flat_channel((0.5,), (0.05,), (False,), strength=strength)
    belief, seen = Belief(2, channel), [(0, 1, 3), (1, 2, 5)]
    for place, won, tries in seen:
        belief.observe(place, won, tries)

    def log_beta(a, b):
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

    def likelihood(tau):
        log = 0.0
        for place, won, tries in seen:
            p = 0.5 if place <= tau else 0.05
            a, b = strength * p, strength * (1 - p)
            log += log_beta(a + won, b + tries - won) - log_beta(a, b)
        return math.exp(log)

    expected = np.array([likelihood(tau) for tau in range(3)])
    assert belief.first_error == pytest.approx(expected / expected.sum())


@given(st.integers(1, 6), st.data())
def test_information_is_the_entropy_that_an_answer_is_expected_to_take_away(steps, data):
    belief = Belief(steps, flat_channel((0.4, 0.9), (0.05, 0.3)), model=stuck_states)
    for _ in range(data.draw(st.integers(0, 3))):
        belief.observe(data.draw(st.integers(0, steps)), data.draw(st.integers(0, 1)), 1)
    for place, bits in enumerate(belief.information()):
        chance = float(chance_of_success(belief, place))
        left = 0.0
        for outcome, weight in ((1, chance), (0, 1 - chance)):
            after = copy_of(belief)
            after.observe(place, outcome, 1)
            left += weight * after.entropy
        assert bits == pytest.approx(belief.entropy - left, abs=1e-9)


def chance_of_success(belief, place):
    values = np.einsum("gh,ght->t", belief._joint(), belief._rates_now())
    return values[place]


def copy_of(belief):
    again = Belief(belief.steps, belief.channel, belief.prior, belief.model)
    for place, (won, tries) in enumerate(zip(belief.successes_T, belief.tries_T, strict=True)):
        again.observe(place, won, tries)
    return again


@pytest.mark.parametrize("model", [two_states, three_states, stuck_states])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_hypotheses_given_tau_are_distributions_and_a_right_trace_ends_right(model, steps):
    made = model(steps)
    for tau in range(steps + 1):
        mine = made.first_error_H == tau
        assert np.exp(made.log_prior_H[mine]).sum() == pytest.approx(1)
        ends = made.states_H_T[mine, -1]
        assert (ends == 0).all() if tau == steps else (ends >= REPAIRABLE).all()
        assert (made.states_H_T[mine, : tau + 1] == 0).all(1).any()  # sound up to tau is possible


def test_a_prior_from_step_opinions():
    assert prior_from_steps([None, None, None]) == pytest.approx([0.25] * 4)
    assert prior_from_steps([0.9, 0.5]) == pytest.approx([0.1, 0.45, 0.45])
    assert prior_from_steps([1.0, 0.0]) == pytest.approx(  # never quite sure
        [SURE, (1 - SURE) ** 2, (1 - SURE) * SURE]
    )


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=9))
def test_a_prior_is_a_distribution(opinions):
    prior = prior_from_steps(opinions)
    assert (prior >= 0).all()
    assert prior.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("a", "b", "least"), [(0.5, 0.0, 0.9), (0.5, 0.05, 0.88), (0.8, 0.15, 0.84)]
)
def test_known_rates_find_the_error_about_as_often_as_promised(a, b, least):
    """T13's Bayes rows: sure at 0.9, right 9 times in 10, in a fraction of 120 rollouts."""
    right, spent = [], []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        tau, belief = (
            int(rng.integers(16)),
            Belief(16, flat_channel((a,), (max(b, SURE),), (False,), strength=math.inf)),
        )
        belief.observe(16, 0, 1)
        rollouts = 0
        while belief.first_error.max() < 0.9:
            place = int(np.argmax(belief.information()[:-1]))
            belief.observe(place, float(rng.random() < (a if place <= tau else b)), 1)
            rollouts += 1
        right.append(belief.first_error.argmax() == tau)
        spent.append(rollouts)
    assert np.mean(right) >= least
    assert np.mean(spent) < 26


def test_rates_are_learned_from_what_was_seen():
    channel = flat_channel((0.2, 0.5, 0.9), (0.02, 0.15), (False,), strength=math.inf)
    rng, beliefs = np.random.default_rng(0), []
    for _ in range(200):
        tau, belief = int(rng.integers(4)), Belief(4, channel)
        belief.observe(4, 0, 1)
        for place in range(4):
            belief.observe(place, rng.binomial(6, 0.5 if place <= tau else 0.02), 6)
        beliefs.append(belief)
    found = learned(channel, beliefs)
    best = int(found.weights_G.argmax())
    assert (found.sound_G[best], found.wrong_G[best]) == (0.5, 0.02)
    assert found.weights_G[best] > 0.8
    assert learned(channel, []) is channel


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Belief(0), "a step or more"),
        (lambda: Belief(2, prior=np.ones(2)).first_error, "has 3 weights"),
        (lambda: Belief(1, prior=np.array([-1.0, 2.0])).first_error, "none negative"),
        (lambda: flat_channel((0.1,), (0.2,)), "got none"),
        (lambda: three_states(3, doom=1.0), "between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
