"""Votes and rollout counts in one posterior: against enumeration, and better than either."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import drawn_vote, labelled

from surefoot.annotate import flat_channel
from surefoot.annotate.fuse import (
    Channel,
    by_posterior_of_all,
    first_error_posteriors,
    fit_channels,
    rollout_evidence,
)
from surefoot.annotate.fuse.rollouts import is_counted
from surefoot.core.errors import InputError
from surefoot.core.types import Kind, LabelledTrace, StepLabel

JUDGE = Channel(0.1, 0.4, 0.7)
STRENGTH = flat_channel().strength


def counted(tau, steps, counts, name="p"):
    """A trace labelled by rollouts: (successes, tries) after each step."""
    trace = labelled(tau, steps, name).trace
    labels = (StepLabel(Kind.VALUE, c, k, f"rollout-{k}") for c, k in counts)
    return LabelledTrace(trace, tuple(labels))


@given(
    st.lists(st.tuples(st.integers(0, 4), st.just(4)), min_size=1, max_size=4),
    st.data(),
)
def test_the_posterior_is_that_of_enumeration(counts, data):
    """P(tau) C(lambda | tau) sum_g w_g prod_t BetaBinom(c_t; k_t, p_t(tau, g)), term by term."""
    steps = len(counts)
    vote = data.draw(st.integers(0, steps))
    evidence = rollout_evidence(counted(0, steps, counts))
    [found] = first_error_posteriors(
        [[vote]], [steps], channels_J=[JUDGE], sound=0.3, evidence_N=[evidence]
    )
    grid = flat_channel()
    rates_G_3_T = grid.rates(steps)
    expected = []
    for tau in range(steps + 1):
        likely = 0.0
        for g, weight in enumerate(grid.weights_G):
            term = weight
            for t, (c, k) in enumerate(counts, start=1):
                p = rates_G_3_T[g, int(t > tau), t]
                term *= beta_binomial(c, k, p, grid.strength)
            likely += term
        prior = 0.3 if tau == steps else 0.7 / steps
        expected.append(prior * vote_likelihood(vote, tau, steps) * likely)
    assert found == pytest.approx(np.array(expected) / sum(expected))


def beta_binomial(c, k, p, strength):
    """P(c of k) of a prefix whose own rate is Beta(strength p, strength (1 - p)), up to C(k, c)."""
    a, b, chance = strength * p, strength * (1 - p), 1.0
    for n in range(k):
        chance *= ((a + n) if n < c else (b + n - c)) / (strength + n)
    return chance


def vote_likelihood(vote, tau, steps):
    """The three numbers of a channel, as they are defined."""
    if tau == steps:
        return 1 - JUDGE.false_alarm if vote == steps else JUDGE.false_alarm / steps
    if vote == steps:
        return JUDGE.miss
    place = 1.0 if steps == 1 else JUDGE.place
    return (1 - JUDGE.miss) * (place if vote == tau else (1 - place) / (steps - 1))


def planted(rng, count, a=0.6, b=0.1, k=4, steps=5):
    """(truth, rollouts, judge) of traces whose rollouts succeed with a before tau, b after it."""
    truth = np.where(rng.random(count) < 0.4, steps, rng.integers(0, steps, count))
    rolled, judged = [], []
    for i, tau in enumerate(truth):
        near = [a if t <= tau else b for t in range(1, steps)]  # each prefix has its own rate
        own = [rng.beta(STRENGTH * p, STRENGTH * (1 - p)) for p in near]
        rates = [*own, 1.0 if tau == steps else 0.0]
        counts = [(int(rng.binomial(k, p)), k) for p in rates]
        rolled.append(counted(int(tau), steps, counts, f"p{i}"))
        judged.append(labelled(drawn_vote(rng, JUDGE, tau, steps), steps, f"p{i}"))
    return truth, rolled, judged


def test_together_they_find_more_than_either_alone(rng):
    truth, rolled, judged = planted(rng, 1500)
    rows = [list(row) for row in zip(rolled, judged, strict=True)]
    fused = by_posterior_of_all(rows)
    evidence = [rollout_evidence(item) for item in rolled]

    def found(taus):
        return np.mean([tau == true for tau, true in zip(taus, truth, strict=True)])

    together = found([first_wrong_by_belief(item) for item in fused])
    assert together > found([e.argmax() for e in evidence]) + 0.03
    assert together > found([sum(x.value for x in item.labels) for item in judged]) + 0.1
    votes = [[int(sum(x.value for x in item.labels))] for item in judged]
    [channel] = fit_channels(votes, [5] * len(votes), evidence_N=evidence).channels_J
    assert channel.miss == pytest.approx(JUDGE.miss, abs=0.06)
    assert channel.place == pytest.approx(JUDGE.place, abs=0.06)


def first_wrong_by_belief(item):
    """The likeliest tau: P(tau > t) falls most at it."""
    above = [1.0, *(label.value for label in item.labels), 0.0]
    return int(np.argmax(-np.diff(above)))


def test_the_same_rollouts_given_twice_count_once(rng):
    _, rolled, judged = planted(rng, 50)
    once = by_posterior_of_all([list(row) for row in zip(rolled, judged, strict=True)], ["r", "j"])
    rows = [list(row) for row in zip(rolled, rolled, judged, judged, strict=True)]
    twice = by_posterior_of_all(rows, ["r", "r", "j", "j"])
    for a, b in zip(once, twice, strict=True):
        assert [x.value for x in a.labels] == [x.value for x in b.labels]


def test_only_counts_are_evidence():
    outcome = StepLabel(Kind.VALUE, 1, 1, "outcome")  # says the same of every prefix
    belief = StepLabel(Kind.VALUE, 1, 4, "sorm-4", 1.0)
    assert not is_counted(outcome)
    assert not is_counted(belief)
    trace = labelled(1, 2).trace
    assert rollout_evidence(LabelledTrace(trace, (outcome, belief))) == pytest.approx(-np.log(3))
    with pytest.raises(InputError, match="got 0 and 2"):
        by_posterior_of_all([[labelled(1, 2), labelled(1, 2)]])
