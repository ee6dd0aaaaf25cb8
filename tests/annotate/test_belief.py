"""The posterior of the first error by enumeration, by hand, and on a channel that is known."""

import math
import tracemalloc
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from listed_belief import ListedBelief, listed, stuck_and_doomed

from surefoot.annotate.belief import Belief, learned, prior_from_steps
from surefoot.annotate.channel import SURE, flat_channel, stuck_states, three_states, two_states
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


def test_rates_of_a_channel_by_hand():
    """a_t = a^((S - t) / S) where it eases; the end is right if it is sound, and none is sure."""
    channel = flat_channel((0.0625, 0.5), (0.0625,), (False, True))
    assert channel.sound_G.tolist() == [0.5, 0.5]  # a wrong rate is below its sound one
    flat, eased = channel.rates(2)
    assert flat[0] == pytest.approx([0.5, 0.5, 1 - SURE])
    assert eased[0] == pytest.approx([0.5, 0.5**0.5, 1 - SURE])
    for rates in (flat, eased):
        assert rates[1] == pytest.approx([0.0625] * 3)
        assert rates[2] == pytest.approx([SURE] * 3)


def test_a_wrong_answer_has_a_wrong_step():
    belief = Belief(4)
    belief.observe(4, 0, 1)
    assert belief.first_error[-1] < 0.01
    belief = Belief(4)
    belief.observe(4, 1, 1)
    assert belief.first_error[-1] > 0.5


def check_against_listed(model, steps, channel, seen, prior=None):
    belief = Belief(steps, channel, prior, model)
    for place, won, tries in seen:
        belief.observe(place, won, tries)
    referee = ListedBelief(steps, channel, model, seen, prior)
    for name in ("first_error", "values", "channel_weights"):
        assert getattr(belief, name) == pytest.approx(getattr(referee, name), abs=1e-9)
    assert belief.information() == pytest.approx(referee.information(), abs=1e-9)
    assert belief.information().min() >= 0


MODELS = [two_states, three_states, stuck_states, stuck_and_doomed]
GRID = ((0.3, 0.8), (0.02, 0.2))


@pytest.mark.parametrize("model", MODELS)
@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 3)), max_size=5),
    st.sampled_from([0.7, 4.0, math.inf]),
)
def test_a_posterior_is_bayes_rule_over_every_hypothesis(model, steps, seen, strength):
    """Every grid point, every hypothesis, every observation, one product each."""
    seen = [(min(place, steps), won, won + lost) for place, won, lost in seen]
    check_against_listed(
        model, steps, flat_channel(*GRID, strength=strength), seen, np.arange(1.0, steps + 2)
    )


MUCH = [(2, 400, 400), (5, 0, 400), (8, 90, 200), (9, 3, 4), (11, 0, 1)]  # odds no float holds
LITTLE = [(3, 1, 2), (7, 0, 2), (11, 0, 1)]


@pytest.mark.parametrize("seen", [MUCH, LITTLE])
@pytest.mark.parametrize("model", MODELS)
def test_what_is_summed_in_blocks_is_what_is_listed(model, seen, monkeypatch):
    """More first errors than one block holds."""
    monkeypatch.setattr("surefoot.annotate.belief.BLOCK", 4)
    check_against_listed(model, 11, flat_channel(*GRID, strength=math.inf), seen)


def test_other_evidence_adds_up():
    belief = Belief(2, KNOWN)
    belief.weigh(np.array([0.5, 1.0, 1.0]))
    belief.weigh(np.array([1.0, 0.2, 0.0]))
    assert belief.first_error == pytest.approx(np.array([0.5, 0.2, 0.0]) / 0.7)


NONE = np.zeros(3)


@pytest.mark.parametrize(
    "likelihood", [NONE, np.array([1, -1, 1.0]), np.array([1, np.nan, 1]), np.ones(4)]
)
def test_other_evidence_that_is_none_is_refused(likelihood):
    with pytest.raises(InputError, match="3 likelihoods, finite, none negative, some positive"):
        Belief(2, KNOWN).weigh(likelihood)


def test_evidence_against_all_that_the_prior_allows_is_an_error():
    belief = Belief(2, KNOWN, np.array([1.0, 0.0, 0.0]))
    belief.weigh(np.array([0.0, 1.0, 1.0]))
    with pytest.raises(InputError, match="contradict each other"):
        _ = belief.first_error


@pytest.mark.parametrize("counts", [(1, 0.5, 1), (1, 3, 2), (1, -1, 2), (-1, 1, 2), (3, 1, 2)])
def test_counts_that_cannot_be_are_refused(counts):
    belief = Belief(2, KNOWN)
    with pytest.raises(InputError, match="expected whole successes and tries"):
        belief.observe(*counts)
    assert belief.tries_T.sum() == 0


@pytest.mark.parametrize("strength", [0.0, -1.0, math.nan])
def test_a_channel_without_strength_is_refused(strength):
    with pytest.raises(InputError, match="strength must be above 0"):
        flat_channel(strength=strength)


def test_a_thousand_steps_take_little_memory():
    """A list of all hypotheses took 2.7 GB for 150 steps."""
    tracemalloc.start()
    belief = Belief(1000, model=partial(stuck_states, stuck=1e-4))
    belief.observe(1000, 0, 1)
    belief.observe(400, 2, 2)
    belief.observe(600, 0, 4)
    bits, first = belief.information(), belief.first_error
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6
    assert first.sum() == pytest.approx(1)
    assert first[:400].sum() < 0.1 < first[400:600].sum()
    assert bits[:400].max() < bits[400:600].max()


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


@given(st.integers(1, 6), st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1)), max_size=3))
def test_information_is_the_entropy_that_an_answer_is_expected_to_take_away(steps, seen):
    channel = flat_channel((0.4, 0.9), (0.05, 0.3))
    seen = [(min(place, steps), won, 1) for place, won in seen]
    belief = Belief(steps, channel, model=stuck_states)
    for place, won, tries in seen:
        belief.observe(place, won, tries)
    chances_T = ListedBelief(steps, channel, stuck_states, seen).chances_T
    for place, bits in enumerate(belief.information()):
        left = 0.0
        for outcome, weight in ((1, chances_T[place]), (0, 1 - chances_T[place])):
            after = copy_of(belief)
            after.observe(place, outcome, 1)
            left += weight * after.entropy
        assert bits == pytest.approx(belief.entropy - left, abs=1e-9)


def copy_of(belief):
    again = Belief(belief.steps, belief.channel, belief.prior, belief.model)
    for place, (won, tries) in enumerate(zip(belief.successes_T, belief.tries_T, strict=True)):
        again.observe(place, won, tries)
    return again


@pytest.mark.parametrize(
    ("states", "chances"),
    [
        (two_states(2), {(0, (0, 1, 1)): 1, (1, (0, 0, 1)): 1, (2, (0, 0, 0)): 1}),
        (three_states(2, doom=0.2), {
            (0, (0, 1, 1)): 0.64, (0, (0, 1, 2)): 0.16, (0, (0, 2, 2)): 0.2,
            (1, (0, 0, 1)): 0.8, (1, (0, 0, 2)): 0.2, (2, (0, 0, 0)): 1,
        }),
        (stuck_states(2, lost=0.1, stuck=0.5), {
            (0, (0, 1, 1)): 0.9, (0, (1, 1, 1)): 0.1,
            (1, (0, 0, 1)): 0.45, (1, (0, 1, 1)): 0.45, (1, (1, 1, 1)): 0.1,
            (2, (0, 0, 0)): 0.45, (2, (0, 1, 0)): 0.45, (2, (1, 1, 0)): 0.1,
        }),
    ],
)  # fmt: skip
def test_what_a_trace_of_two_steps_can_be(states, chances):
    """0 sound, 1 repairable or stuck, 2 doomed; a right trace ends right."""
    found = {(tau, tuple(path)): chance for tau, path, chance in listed(states, 2) if chance}
    assert found == pytest.approx(chances)


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
        (lambda: three_states(3, doom=1.0), r"in \[0, 1\), got 1.0"),
        (lambda: stuck_states(3, lost=-0.1), r"in \[0, 1\), got -0.1"),
    ],
)
def test_what_makes_no_sense_is_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
