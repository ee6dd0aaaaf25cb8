"""AB-MCTS: posteriors by hand, wider where nothing helps, deeper where refining does."""

import numpy as np
import pytest

from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Completion, Kind, Problem, Step, StepScores, Verdict
from surefoot.search import Found, ab_mcts
from surefoot.search.ab_mcts import Beta, Gaussian

P = Problem("p", "What is it?", gold="1")


def test_posteriors_by_hand():
    assert Gaussian().after(1.0) == Gaussian(m=0.5, kappa=2, nu=2, tau2=pytest.approx(0.3))
    beta = Beta().after(0.8)
    assert (beta.a, beta.b) == pytest.approx((1.3, 0.7))
    assert beta.a / (beta.a + beta.b) == pytest.approx(0.65)


def test_the_gaussian_posterior_is_that_of_all_worths_at_once(rng):
    worths = rng.random(7)
    arm = Gaussian()
    for worth in worths:
        arm = arm.after(float(worth))
    n, mean = len(worths), worths.mean()
    assert arm.m == pytest.approx(n * mean / (1 + n))
    total = 0.1 + ((worths - mean) ** 2).sum() + n * mean**2 / (1 + n)
    assert arm.nu * arm.tau2 == pytest.approx(total)


def test_draws_have_the_posterior_s_mean(rng):
    arm = Gaussian(m=0.4, kappa=50, nu=50, tau2=0.1)
    assert np.mean([arm.draw(rng) for _ in range(4000)]) == pytest.approx(0.4, abs=0.005)
    assert np.mean([Beta(1.3, 0.7).draw(rng) for _ in range(4000)]) == pytest.approx(0.65, abs=0.02)


def searched(worth, seed=0, **settings):
    """Each attempt has one step: how often it was refined. worth: of such a step."""

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        rank = problem.text.count("An attempt:") + problem.text.count("level")
        return [[Completion((Step(f"level {rank}", (1,)),))] * count for _ in prefixes_P]

    def score(traces_N):
        return [
            StepScores(Kind.VALUE, (worth(int(t.steps[0].text.split()[1])),), "s", 1)
            for t in traces_N
        ]

    return ab_mcts(
        P, sample=sample, check=lambda *_: Verdict.WRONG, score=score,
        rng=np.random.default_rng(seed), **settings,
    )  # fmt: skip


def depth(found):
    return np.mean([len(found.tree.path(node)) - 1 for node in range(1, len(found.tree))])


@pytest.mark.parametrize("arm", [Gaussian(), Beta()])
@pytest.mark.parametrize("batch", [1, 4])
def test_worthless_refinements_make_it_wide_and_good_ones_deep(arm, batch):
    wide = [searched(lambda _: 0.0, seed, attempts=24, arm=arm, batch=batch) for seed in range(8)]
    deep = [
        searched(lambda rank: min(1.0, 0.1 + 0.45 * rank), seed, attempts=24, arm=arm, batch=batch)
        for seed in range(8)
    ]
    assert np.mean(list(map(depth, deep))) > np.mean(list(map(depth, wide)))
    assert all(found.usage.calls == 48 for found in (*wide, *deep))


def test_the_tree_holds_every_attempt_and_its_worth():
    found = searched(lambda rank: min(1.0, 0.2 * rank), attempts=10)
    assert isinstance(found, Found)
    assert len(found.tree) == 11
    assert found.tree.visits[0] == 10
    assert max(found.scores) == max(w for w in found.tree.scores if w is not None)
    assert found == searched(lambda rank: min(1.0, 0.2 * rank), attempts=10)


def test_worths_outside_0_to_1_are_refused_and_sizes_below_1():
    """treequest raises RuntimeError at a score of 1.2; its message does not say what to do."""
    with pytest.raises(KindError, match=r"\[0, 1\], got 1.2; calibrate"):
        searched(lambda _: 1.2)
    with pytest.raises(InputError, match="attempts and batch"):
        searched(lambda _: 0.5, attempts=0)
