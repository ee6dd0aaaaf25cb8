"""T10: sources with planted parameters are found again, by every fusion (n >= 2000)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import drawn_classes, drawn_first_errors

from surefoot.annotate.fuse import (
    Channel,
    balance_of_two,
    dawid_skene,
    first_error_posteriors,
    fit_channels,
    label_model,
    merged,
    metric_fusion,
)
from surefoot.core.errors import InputError

TWO = np.array(
    [
        [[0.9, 0.1], [0.2, 0.8]],
        [[0.7, 0.3], [0.1, 0.9]],
        [[0.8, 0.2], [0.3, 0.7]],
        [[0.85, 0.15], [0.15, 0.85]],
    ]
)
THREE = np.array(
    [
        [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.05, 0.15, 0.8]],
        [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]],
        [[0.9, 0.05, 0.05], [0.1, 0.6, 0.3], [0.2, 0.1, 0.7]],
        [[0.6, 0.2, 0.2], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]],
    ]
)
CHANNELS = (Channel(0.1, 0.4, 0.7), Channel(0.3, 0.1, 0.9), Channel(0.05, 0.25, 0.8))


def share_right(votes, truth):
    return np.mean([v == t for v, t in zip(votes, truth, strict=True)])


@pytest.mark.parametrize(
    ("count", "balance", "sources", "silent"),
    [
        (2000, (0.5, 0.5), np.concatenate((TWO, TWO)), 0.0),  # the fewest that T10 asks for
        (20000, (0.3, 0.7), TWO, 0.0),
        (40000, (0.3, 0.7), TWO, 0.3),
        (20000, (0.5, 0.2, 0.3), THREE, 0.0),
        (40000, (0.5, 0.2, 0.3), THREE, 0.3),
    ],
)
def test_dawid_skene_finds_the_confusion_matrices(rng, count, balance, sources, silent):
    truth, votes = drawn_classes(rng, count, balance, sources, silent)
    found = dawid_skene(votes, classes=len(balance))
    assert np.abs(found.confusions_J_C_C - sources).max() < 0.03
    assert np.abs(found.prior_C - balance).max() < 0.03
    right = (found.posterior_N_C.argmax(axis=1) == truth).mean()
    assert right > max(share_right(column, truth) for column in zip(*votes, strict=True))


def test_dawid_skene_is_calibrated(rng):
    truth, votes = drawn_classes(rng, 8000, (0.3, 0.7), TWO)
    belief = dawid_skene(votes).posterior_N_C[:, 1]
    for value in np.unique(belief.round(6)):  # one for each pattern of votes
        here = np.abs(belief - value) < 1e-6
        share = truth[here].mean()
        assert abs(share - value) < 0.03 + 4 * np.sqrt(share * (1 - share) / here.sum())


@pytest.mark.parametrize("silent", [0.0, 0.3])
def test_the_label_model_finds_mu_and_the_balance(rng, silent):
    _, votes = drawn_classes(rng, 12000, (0.3, 0.7), TWO, silent)
    share = balance_of_two(votes)
    assert abs(share - 0.7) < 0.05
    found = label_model(votes, balance_C=(0.3, 0.7))
    assert np.abs(found.mu_J_C_C - (1 - silent) * TWO.transpose(0, 2, 1)).max() < 0.03


def test_the_label_model_has_more_than_two_classes(rng):
    truth, votes = drawn_classes(rng, 12000, (0.5, 0.2, 0.3), THREE)
    found = label_model(votes, balance_C=(0.5, 0.2, 0.3))
    assert np.abs(found.mu_J_C_C - THREE.transpose(0, 2, 1)).max() < 0.05
    exact = label_model_posterior(votes, THREE, (0.5, 0.2, 0.3))
    assert (found.posterior_N_C.argmax(axis=1) == truth).mean() > (exact == truth).mean() - 0.01


def label_model_posterior(votes, sources, balance):
    scores = [
        np.log(balance) + sum(np.log(c[:, v]) for c, v in zip(sources, row, strict=True))
        for row in votes
    ]
    return np.argmax(scores, axis=1)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.7, 0.9])
def test_the_balance_is_exact_for_exact_moments(p):
    """Every pattern of three votes as often as it is likely, to 1 in 10 000."""
    patterns, weights = [], []
    for pattern in np.ndindex(2, 2, 2):
        chance = sum(
            q * np.prod([TWO[j, k, v] for j, v in enumerate(pattern)])
            for k, q in ((0, 1 - p), (1, p))
        )
        patterns.append(list(pattern))
        weights.append(round(10000 * chance))
    votes = [row for row, count in zip(patterns, weights, strict=True) for _ in range(count)]
    assert balance_of_two(votes) == pytest.approx(p, abs=0.01)


@pytest.mark.parametrize("silent", [0.0, 0.3])
def test_channels_are_found(rng, silent):
    truth, votes, steps = drawn_first_errors(rng, 8000, [1, 3, 6, 9], 0.4, CHANNELS, silent)
    found = fit_channels(votes, steps)
    assert found.sound == pytest.approx(0.4, abs=0.03)
    for channel, planted in zip(found.channels_J, CHANNELS, strict=True):
        assert channel.false_alarm == pytest.approx(planted.false_alarm, abs=0.03)
        assert channel.miss == pytest.approx(planted.miss, abs=0.03)
        assert channel.place == pytest.approx(planted.place, abs=0.03)
    known = first_error_posteriors(votes, steps, channels_J=CHANNELS, sound=0.4)
    best = [
        np.mean([p.argmax() == t for p, t in zip(each, truth, strict=True)])
        for each in (found.posteriors_N, known)
    ]
    assert best[0] > best[1] - 0.01


def test_one_good_judge_among_weak_ones_is_recovered(rng):
    """A majority cannot do it. (Among judges that only guess nobody could: their votes are
    independent of one another and of the good one's, so nothing says which of them is good.)"""
    good, weak = Channel(0.02, 0.02, 0.98), Channel(0.6, 0.3, 0.4)
    truth, votes, steps = drawn_first_errors(rng, 4000, [5], 0.3, (weak, weak, good, weak, weak))
    found = fit_channels(votes, steps)
    plural = [row[0] for row in merged(votes, [0] * 5)]
    assert share_right([p.argmax() for p in found.posteriors_N], truth) > 0.9
    assert share_right(plural, truth) < 0.75


@pytest.mark.parametrize("thetas", [(0.2, 0.5, 1.5), (0.05, 0.3, 2.0, 1.0)])
def test_metric_fusion_finds_the_precisions(rng, thetas):
    steps, count = 60, 20000
    truth = rng.integers(20, 40, size=count)  # far from both ends, where the triplets are exact
    k = np.arange(-19, 20)
    shifts = [
        rng.choice(k, size=count, p=np.exp(-t * k**2) / np.exp(-t * k**2).sum()) for t in thetas
    ]
    votes = (truth[:, None] + np.array(shifts).T).tolist()
    found = metric_fusion(votes, [steps] * count)
    assert found.thetas_J == pytest.approx(thetas, rel=0.1)
    fused = np.abs(np.array(found.taus_N) - truth).mean()
    assert fused < min(np.abs(s).mean() for s in shifts)


# --- properties ------------------------------------------------------------

tables = st.lists(
    st.lists(st.sampled_from([None, 0, 1]), min_size=4, max_size=4), min_size=3, max_size=12
)


def fitted(votes):
    """Posteriors of every fusion of two classes."""
    return (
        dawid_skene(votes).posterior_N_C,
        label_model(votes, balance_C=(0.4, 0.6)).posterior_N_C,
        np.array(fit_channels(votes, [1] * len(votes)).posteriors_N),
    )


@given(tables, st.permutations(range(4)))
def test_permuting_the_sources_permutes_their_parameters(votes, order):
    shuffled = [[row[j] for j in order] for row in votes]
    before, after = dawid_skene(votes), dawid_skene(shuffled)
    assert after.confusions_J_C_C == pytest.approx(before.confusions_J_C_C[order], abs=1e-6)
    assert after.posterior_N_C == pytest.approx(before.posterior_N_C, abs=1e-6)
    first, second = (fit_channels(v, [1] * len(votes)).channels_J for v in (votes, shuffled))
    for j, source in enumerate(order):
        assert second[j].miss == pytest.approx(first[source].miss, abs=1e-6)


@given(tables)
def test_a_source_given_five_times_counts_once(votes):
    copied = [[row[0]] * 5 + row[1:] for row in votes]
    groups = ["a"] * 5 + ["b", "c", "d"]
    assert merged(copied, groups) == votes
    for once, again in zip(fitted(votes), fitted(merged(copied, groups)), strict=True):
        assert np.array_equal(once, again)


def test_without_merging_the_copies_would_win(rng):
    """Why `merged` is there: a weak source given five times drowns two good ones."""
    weak, good = np.array([[0.6, 0.4], [0.4, 0.6]]), np.array([[0.95, 0.05], [0.05, 0.95]])
    truth, votes = drawn_classes(rng, 2000, (0.5, 0.5), [weak, good, good])
    copied = [[row[0]] * 5 + row[1:] for row in votes]

    def right(table):
        return (dawid_skene(table).posterior_N_C.argmax(axis=1) == truth).mean()

    assert right(copied) < 0.7 < 0.9 < right(merged(copied, ["a"] * 5 + ["b", "c"]))


@given(tables)
def test_beliefs_are_probabilities_and_silence_is_the_prior(votes):
    silent = [*votes, [None] * 4]
    for posterior in fitted(silent):
        assert np.all(posterior >= 0)
        assert posterior.sum(axis=1) == pytest.approx(1)
    found = dawid_skene(silent)
    assert found.posterior_N_C[-1] == pytest.approx(found.prior_C, abs=1e-3)


def test_a_silent_source_is_taken_to_be_better_than_chance(rng):
    _, votes = drawn_classes(rng, 500, (0.5, 0.5), TWO)
    found = dawid_skene([[*row, None] for row in votes])
    assert np.diag(found.confusions_J_C_C[-1]) == pytest.approx([2 / 3, 2 / 3])


FUSIONS = {
    "dawid_skene": dawid_skene,
    "label_model": lambda votes: label_model(votes, balance_C=(0.5, 0.5)),
    "balance_of_two": balance_of_two,
    "fit_channels": lambda votes: fit_channels(votes, [1] * len(votes)),
    "metric_fusion": lambda votes: metric_fusion(votes, [1] * len(votes)),
}


@pytest.mark.parametrize("fuse", FUSIONS.values(), ids=FUSIONS)
@pytest.mark.parametrize(
    ("votes", "told"),
    [
        ([[0, 1], [1, 1]], "three independent sources or more, got 2"),
        ([], "got 0|expected votes on each trace"),
        ([[0, 1, 3]], "source 2 votes 3 on item 0"),
        ([[0, 1, 1], [0, 1]], "vote .or None. of every source"),
    ],
)
def test_what_cannot_be_fused_is_refused(fuse, votes, told):
    with pytest.raises(InputError, match=told):
        fuse(votes)
