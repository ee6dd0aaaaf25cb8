"""Particles: weights by hand, resampling in expectation, and the target law."""

import math
from collections import Counter
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Kind, Problem, Step, StepScores, Verdict
from surefoot.policy import ScriptedPolicy
from surefoot.search import particle_filter, particle_gibbs, particles
from surefoot.search.particles import (
    _filtered,
    effective_size,
    gained,
    multinomial,
    normalised,
    odds,
    residual,
    systematic,
)
from surefoot.search.search_tree import SearchTree
from surefoot.tasks.toy import ToyWorld

WAYS = [multinomial, systematic, residual]
every_way = pytest.mark.parametrize("resample", WAYS)
weights = st.lists(st.floats(0, 1), min_size=1, max_size=9).filter(lambda w: sum(w) > 1e-3)


def run(search, world, score, *, seed=0, **settings):
    return search(
        world.problems(1)[0], sample=world.sample, check=world.check, score=score,
        rng=np.random.default_rng(seed), **settings,
    )  # fmt: skip


def test_weights_by_hand():
    """its_hub: a softmax of log-odds is a ratio of odds, .9 : .1, not of scores."""
    assert normalised([odds(0.9, 0.5), odds(0.5, 0.5)]) == pytest.approx([0.9, 0.1])
    assert normalised([gained(0.9, 0.3), gained(0.5, 0.5)]) == pytest.approx([0.75, 0.25])
    assert normalised([gained(0.5, 1.0), gained(0.25, 1.0)]) == pytest.approx([2 / 3, 1 / 3])
    assert normalised([-math.inf, -math.inf]) == pytest.approx([0.5, 0.5])
    assert math.isfinite(odds(1.0, 0.0)), "its_hub: the logit of 1 is infinite"
    assert math.isfinite(gained(0.0, 0.0))


@pytest.mark.parametrize(
    ("weights", "size"), [([1, 1, 1, 1], 4), ([1, 0, 0], 1), ([0.5, 0.5, 0], 2), ([3, 1], 1.6)]
)
def test_effective_sizes_by_hand(weights, size):
    assert effective_size(np.array(weights, dtype=float)) == pytest.approx(size)


@every_way
@given(weights, st.integers(1, 12), st.integers(0, 99))
def test_draws_are_as_many_as_asked_and_never_weightless(resample, weights, count, seed):
    w = np.array(weights) / sum(weights)
    picks = resample(w, count, np.random.default_rng(seed))
    assert len(picks) == count
    assert all(w[i] > 0 for i in picks)


@every_way
def test_draws_are_right_in_expectation(resample):
    w, count, rng = np.array([0.5, 0.3, 0.15, 0.05]), 7, np.random.default_rng(0)
    total = Counter()
    for _ in range(4000):
        total.update(resample(w, count, rng))
    means = np.array([total[i] for i in range(4)]) / 4000
    assert means == pytest.approx(w * count, abs=4 * math.sqrt(count / 4 / 4000))


@given(weights, st.integers(1, 12), st.integers(0, 99))
def test_systematic_is_off_by_less_than_one_and_residual_never_below(weights, count, seed):
    w = np.array(weights) / sum(weights)
    rng = np.random.default_rng(seed)
    for way in (systematic, residual):
        drawn = Counter(way(w, count, rng))
        for i, share in enumerate(w * count):
            assert drawn[i] >= math.floor(share - 1e-6)
            if way is systematic:
                assert drawn[i] <= math.ceil(share + 1e-6)


@every_way
def test_the_resampling_that_was_asked_for_is_used(resample, exact):
    """its_hub's ParticleFiltering(resampling_method='systematic') draws multinomially."""
    world, asked = ToyWorld(length=5, slip=0.5, recover=0.1), []

    def spy(*given):
        asked.append(resample.__name__)
        return resample(*given)

    run(particle_filter, world, exact(world), n=8, resample=spy)
    assert set(asked) == {resample.__name__}


@pytest.mark.parametrize("gain", [gained, odds])
def test_one_particle_and_equal_scores_are_plain_samples(gain, constant, exact):
    world = ToyWorld(length=4, slip=0.4, recover=0.2)

    def never(*_):
        raise AssertionError("nothing to resample")

    settings = {"gain": gain, "resample": never}
    assert len(run(particle_filter, world, exact(world), n=1, **settings).candidates) == 1
    equal = run(particle_filter, world, constant, n=5, **settings)
    assert equal.usage.policy_tokens == 20


# --- what particles follow ---------------------------------------------------


def filtered(world, score, *, n, gain, resample=systematic, below=1.0, seed=0):
    """The particles after one filter, and the texts of their ends."""
    search = SearchTree(
        problem=world.problems(1)[0], sample=world.sample, check=world.check, score=score,
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    cloud = _filtered(search, n, 40, gain, resample, below, ())
    return cloud, [tuple(s.text for s in search.steps(node)) for node in cloud.nodes]


class EndOrGo(ScriptedPolicy):
    """A solution of one step, worth .95, and one of six, worth .6 after each."""

    sample = ScriptedPolicy.__call__
    check = staticmethod(lambda *_: Verdict.CORRECT)

    def __init__(self):
        super().__init__({"p": [["The answer is 1"], [*"abcde", "The answer is 2"]]})

    def problems(self, _):
        return [Problem("p", "?", gold="1")]

    def score(self, traces_N):
        rows = [tuple(0.95 if s.text[-1] == "1" else 0.6 for s in t.steps) for t in traces_N]
        return [StepScores(Kind.VALUE, row, "table") for row in rows]


@pytest.mark.parametrize(
    ("gain", "short", "long"),
    [(odds, 6 * math.log(19), 6 * math.log(1.5)), (gained, math.log(0.95), math.log(0.6))],
)
def test_an_end_is_weighed_as_often_as_what_still_moves(gain, short, long):
    """By hand. The finished solution re-enters every draw of its_hub with its last score: odds
    19^6 against 1.5^6, a share of .9999998. One that is not weighed any more has .596."""
    world = EndOrGo()
    cloud, ends = filtered(world, world.score, n=8, gain=gain, below=0.0)
    assert {len(end) for end in ends} == {1, 6}
    assert cloud.logs == pytest.approx([short if len(end) == 1 else long for end in ends])
    share = normalised([short, long])[0]
    assert share == pytest.approx(0.9999998 if gain is odds else 0.95 / 1.55, abs=1e-7)
    drawn, ends = filtered(world, world.score, n=2000, gain=gain)
    assert set(drawn.logs) == {0.0}, "after a draw all particles are equal again"
    short_ones = sum(len(end) == 1 for end in ends) / 2000
    assert short_ones == pytest.approx(share, abs=0.05)


def solutions(world, steps=()):
    """Each whole solution of a toy world and its probability."""
    for text in ("good", "bad", "stop"):
        longer = (*steps, Step(text))
        if not world.probability(longer):
            continue
        if text == "stop" or len(longer) == world.length:
            yield longer, world.probability(longer)
        else:
            yield from solutions(world, longer)


def opinion(text, t):
    """Of no use, and far from 0 and 1: the law is to be right for any score."""
    return {"good": 0.6, "bad": 0.45, "stop": 0.55}[text] + 0.02 * t


def law(world, gain):
    """What the particles of a filter stand for, by enumeration: {texts: share}."""
    shares = {}
    for steps, chance in solutions(world):
        texts = tuple(step.text for step in steps)
        if gain is gained:
            factor = world.value(steps)
        else:
            scores = [opinion(text, t) for t, text in enumerate(texts)]
            scores += [scores[-1]] * (world.length - len(texts))
            factor = math.prod(g / (1 - g) for g in scores)
        shares[texts] = chance * factor
    total = math.fsum(shares.values())
    return {texts: share / total for texts, share in shares.items()}


def opinionated(traces_N):
    rows = [tuple(opinion(s.text, t) for t, s in enumerate(x.steps)) for x in traces_N]
    return [StepScores(Kind.VALUE, row, "opinion") for row in rows]


UNEVEN = ToyWorld(length=4, slip=0.4, recover=0.3, stop=0.35)


@pytest.mark.parametrize(
    ("resample", "below", "gain"),
    [
        (systematic, 1.0, odds),
        (multinomial, 1.0, gained),
        (residual, 0.5, odds),
        (systematic, 0.5, gained),
        (residual, 0.0, odds),
    ],
)
def test_many_particles_follow_their_law_whatever_the_lengths(resample, below, gain, exact):
    """gained and exact values: p(x | right). odds: policy(x) prod_t odds(G_t), t up to the last
    round. Solutions have two to four steps."""
    right, n = law(UNEVEN, gain), 2000
    assert sum(right.values()) == pytest.approx(1)
    assert {len(texts) for texts, share in right.items() if share} == {2, 3, 4}
    score = exact(UNEVEN) if gain is gained else opinionated
    cloud, ends = filtered(UNEVEN, score, n=n, gain=gain, resample=resample, below=below)
    weights, found = normalised(cloud.logs), Counter()
    for end, weight in zip(ends, weights, strict=True):
        found[end] += weight
    for texts, share in right.items():
        assert found[texts] == pytest.approx(share, abs=0.05), texts
        assert share or found[texts] < 1e-6, "no wrong end has weight"


@pytest.mark.parametrize("below", [0.0, 1.0])
def test_the_held_solution_follows_the_law_with_few_particles(below, exact, monkeypatch):
    """Conditional SMC leaves p(x | right) as it is with any number of particles; a held solution
    that is the best, or always the one before, does not get there."""
    held, whole = Counter(), particles._filtered

    def spy(search, n, rounds, gain, resample, below, line):
        if line:
            held[tuple(s.text for s in search.steps(line[-1]))] += 1
        return whole(search, n, rounds, gain, resample, below, line)

    monkeypatch.setattr(particles, "_filtered", spy)
    run(particle_gibbs, UNEVEN, exact(UNEVEN), n=4, passes=500, gain=gained, below=below)
    right, drawn = law(UNEVEN, gained), sum(held.values())
    assert drawn > 450
    for texts, share in right.items():
        assert held[texts] / drawn == pytest.approx(share, abs=0.1), texts


def test_gibbs_keeps_a_solution_and_adds_particles(exact):
    world = ToyWorld(length=4, slip=0.5, recover=0.1)
    one = run(particle_gibbs, world, exact(world), n=4, passes=1)
    three = run(particle_gibbs, world, exact(world), n=4, passes=3)
    assert one.usage.policy_tokens == 16
    assert three.usage.policy_tokens == 16 + 2 * 12, "the held particle is not drawn again"
    assert set(one.candidates) <= set(three.candidates)
    assert max(three.scores) >= max(one.scores)


def test_gibbs_stops_at_a_score_that_is_enough(exact):
    world = ToyWorld(length=4, slip=0.8, recover=0.1)
    whole = run(particle_gibbs, world, exact(world), n=2, passes=20)
    first = run(particle_gibbs, world, exact(world), n=2, passes=1)
    assert max(first.scores) < 1 == max(whole.scores), "else this shows nothing"
    stopped = run(particle_gibbs, world, exact(world), n=2, passes=20, enough=1.0)
    assert max(stopped.scores) == 1
    assert first.usage.policy_tokens < stopped.usage.policy_tokens < whole.usage.policy_tokens
    assert set(stopped.candidates) <= set(whole.candidates)
    easy = run(particle_gibbs, world, exact(world), n=2, passes=20, enough=max(first.scores))
    assert easy.candidates == first.candidates


@pytest.mark.parametrize("kind", [Kind.LOGIT, Kind.LOGRATIO, Kind.PROGRESS])
def test_weights_must_be_probabilities(kind, world):
    def score(traces_N):
        return [StepScores(kind, (0.1,) * len(t.steps), "odd") for t in traces_N]

    for search in (particle_filter, particle_gibbs):
        with pytest.raises(KindError, match=rf"'odd' gives {kind.value} scores"):
            run(search, world, score)


def test_sizes_are_positive(world, constant):
    for search, wrong in [
        (particle_filter, {"n": 0}),
        (particle_filter, {"rounds": 0}),
        (partial(particle_gibbs, n=2), {"passes": 0}),
    ]:
        with pytest.raises(InputError, match="1 or more"):
            run(search, world, constant, **wrong)
