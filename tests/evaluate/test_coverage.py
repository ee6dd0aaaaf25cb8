"""How often 95 % intervals hold the truth: exactly, by summing over every possible result.

At the p of everyday 93 to 97 % where a result can be that fine; over all p it swings about that.
"""

import numpy as np
import pytest

from surefoot.evaluate import mean_interval, paired_interval
from surefoot.evaluate.score_intervals import wilson_ends

stats = pytest.importorskip("scipy.stats")

RARE = 1e-6  # results less likely than this are left out
pytestmark = pytest.mark.slow


def rng():
    return np.random.default_rng(0)


def covered(found, truth):
    return found.low - 1e-12 <= truth <= found.high + 1e-12


@pytest.mark.parametrize("p", [0.03, 0.1, 0.5, 0.9, 0.97])
@pytest.mark.parametrize("n", [20, 50, 400])
def test_shares(n, p):
    coverage = 0.0
    for ones in range(n + 1):
        chance = stats.binom.pmf(ones, n, p)
        if chance > RARE:
            found = mean_interval([True] * ones + [False] * (n - ones), rng=rng())
            coverage += chance * covered(found, p)
    coarse = n * min(p, 1 - p) < 1  # 0 or 1 seen: two results hold .88 of the chance, three .979
    assert 0.93 <= coverage <= (0.985 if coarse else 0.971)


@pytest.mark.parametrize(("expected", "least"), [(0.5, 0.89), (1, 0.919)])
@pytest.mark.parametrize("n", [20, 50, 100, 400])
def test_shares_at_every_p(n, expected, least):
    """From so many of the rarer outcome expected on."""
    ones = np.arange(n + 1)
    low, high = np.array([wilson_ends(np.arange(n) < k, 0.95) for k in ones]).T
    for p in np.arange(expected, n / 2, 0.1) / n:
        coverage = stats.binom.pmf(ones, n, p)[(low <= p) & (p <= high)].sum()
        assert least <= coverage <= 0.982


@pytest.mark.parametrize("up", [0.5, 0.75, 1.0])
@pytest.mark.parametrize("discordant", [0.04, 0.2])
@pytest.mark.parametrize("n", [20, 50, 400])
def test_paired_differences(n, discordant, up):
    """`up` of the discordant pairs favour the first."""
    p = np.array([discordant * up, discordant * (1 - up), 1 - discordant])
    results = np.array([(b, c, n - b - c) for b in range(n + 1) for c in range(n + 1 - b)])
    chances = stats.multinomial.pmf(results, n, p)
    coverage = 0.0
    for (b, c, same), chance in zip(results, chances, strict=True):
        if chance > RARE:
            rest = [0] * same
            found = paired_interval([1] * b + [0] * c + rest, [0] * b + [1] * c + rest, rng=rng())
            coverage += chance * covered(found, p[0] - p[1])
    few = n * discordant  # .8, 2, 4, 10, 16, 80 discordant pairs expected
    assert 0.93 <= coverage <= (1.0 if few < 3 else 0.98 if few < 5 else 0.97)


@pytest.mark.parametrize("shape", [(0.5, 0.5), (2, 2), (0.2, 4), (0.05, 1.5)])
@pytest.mark.parametrize("n", [20, 50, 400])
def test_shares_of_16_samples(n, shape):
    """pass@1 over problems of every difficulty, mostly easy, mostly hard."""
    draws = np.random.default_rng(1)
    held = [
        covered(mean_interval(values, rng=rng()), shape[0] / sum(shape))
        for values in draws.binomial(16, draws.beta(*shape, (2000, n))) / 16
    ]
    assert 0.935 <= np.mean(held) <= (1.0 if n < 400 else 0.975)  # standard error .005


@pytest.mark.parametrize("n", [20, 50, 400])
@pytest.mark.parametrize(
    ("sizes", "chances"),
    [
        ((0, 0.5, 1, -0.5), (0.93, 0.03, 0.02, 0.02)),
        ((0, 0.1, 1, -0.1), (0.92, 0.03, 0.02, 0.03)),  # small ones hide the rare large one
        ((0, 0.1, -0.1), (0.92, 0.05, 0.03)),
    ],
)
def test_rare_differences_of_every_size(n, sizes, chances):
    draws = np.random.default_rng(2)
    truth = float(np.dot(sizes, chances))
    held = [
        covered(paired_interval(np.maximum(d, 0), np.maximum(-d, 0), rng=rng()), truth)
        for d in draws.choice(sizes, p=chances, size=(1000, n))
    ]
    assert np.mean(held) >= 0.93


@pytest.mark.parametrize(("n", "p"), [(20, 0.5), (50, 0.9), (50, 0.97), (400, 0.97), (400, 0.99)])
def test_a_bootstrap_that_covers_too_little_says_so(n, p):
    """Two answers to a problem, alike: clusters, hence no closed form."""
    coverage = noted = 0.0
    for ones in range(n + 1):
        chance = stats.binom.pmf(ones, n, p)
        if chance > 1e-4:
            values = np.repeat([1.0] * ones + [0.0] * (n - ones), 2)
            found = mean_interval(values, np.repeat(np.arange(n), 2), rng=rng(), resamples=1000)
            coverage += chance * covered(found, p)
            noted += chance * bool(found.note)
    assert coverage > 0.93 or noted > 0.9
