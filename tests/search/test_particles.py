"""Particles: weights by hand, resampling in expectation, and the target law."""

import math
from collections import Counter
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Kind, StepScores, Verdict
from surefoot.search import particle_filter, particle_gibbs
from surefoot.search.particles import (
    effective_size,
    gained,
    multinomial,
    normalised,
    odds,
    residual,
    systematic,
)
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


@every_way
@pytest.mark.parametrize("below", [0.5, 1.0])
def test_with_exact_values_particles_follow_the_posterior(resample, below, exact):
    """p(x | right) = policy(x) [right] / V(()): the law of where n particles end, many times."""
    world = ToyWorld(length=3, slip=0.4, recover=0.3)
    score, n, total = exact(world), 32, Counter()
    for seed in range(120):
        found = []

        def check(_, trace, found=found):
            found.append(trace)
            return Verdict.CORRECT

        cloud = _cloud(world, score, n, resample, below, seed)
        total.update(cloud)
        del check
    right = {path: share for path, share in _posterior(world).items() if share}
    drawn = sum(total.values())
    for path, share in right.items():
        assert total[path] / drawn == pytest.approx(share, abs=0.035)
    assert sum(total[path] for path in right) == drawn, "no wrong end has weight"


def _cloud(world, score, n, resample, below, seed):
    """The ends of n particles, drawn by their weights once more at the end."""
    from surefoot.core.budget import Meter
    from surefoot.search.particles import _filtered
    from surefoot.search.search_tree import SearchTree

    search = SearchTree(
        problem=world.problems(1)[0], sample=world.sample, check=world.check, score=score,
        rng=np.random.default_rng(seed), meter=Meter(),
    )  # fmt: skip
    cloud = _filtered(search, n, 40, gained, resample, below, ())
    picks = resample(normalised(cloud.logs), n, search.rng)
    return ["".join(s.text[0] for s in search.ended[cloud.nodes[i]].steps) for i in picks]


def _posterior(world):
    from itertools import product

    from surefoot.core.types import Step

    shares = {}
    for path in product(("good", "bad"), repeat=world.length):
        steps = tuple(map(Step, path))
        shares["".join(p[0] for p in path)] = world.probability(steps) * (path[-1] == "good")
    total = sum(shares.values())
    return {path: share / total for path, share in shares.items()}


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
