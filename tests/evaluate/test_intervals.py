"""Bootstrap intervals: do they hold the truth as often as they say?"""

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.evaluate import Interval, mean_interval, paired_interval
from surefoot.evaluate import intervals as module
from surefoot.evaluate.score_intervals import tango_ends, wilson_ends


def rng(seed=0):
    return np.random.default_rng(seed)


def test_interval_is_about_two_standard_errors_each_way():
    values = rng(1).normal(3.0, 2.0, 400)
    found = mean_interval(values, rng=rng())
    error = values.std() / np.sqrt(400)
    assert found.estimate == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_it_holds_the_truth_nearly_as_often_as_it_says():
    draws = [mean_interval(rng(s).normal(0, 1, 40), rng=rng(s), resamples=400) for s in range(200)]
    assert 0.88 <= np.mean([i.low <= 0 <= i.high for i in draws]) <= 0.99


def test_copies_of_a_problem_add_no_certainty():
    values = 3 * rng(1).random(50)
    alone = mean_interval(values, rng=rng())
    copied = mean_interval(np.repeat(values, 8), np.repeat(np.arange(50), 8), rng=rng())
    fooled = mean_interval(np.repeat(values, 8), rng=rng())
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high))
    assert fooled.high - fooled.low < 0.5 * (alone.high - alone.low)


def test_clusters_of_unequal_size_weigh_by_their_values():
    # two clusters, {0} and {1, 1, 1}: the four resamples have means 0, 3/4, 3/4, 1
    found = mean_interval([0, 1, 1, 1], ["p", "q", "q", "q"], rng=rng())
    assert (found.estimate, found.low, found.high) == (0.75, 0.0, 1.0)
    assert found.method == "bootstrap"
    assert found.note == "only 2 problems: the interval is likely too short"


def test_pairs_stay_together():
    hard = rng(1).normal(0, 10, 200)
    a, b = hard + 1, hard
    assert paired_interval(a, b, rng=rng()).low == pytest.approx(1.0)
    assert mean_interval(a, rng=rng()).low < 0
    swapped = paired_interval(b, a, rng=rng())
    assert swapped.estimate == pytest.approx(-1.0)


def test_unknown_spread_is_none_not_zero():
    assert mean_interval([], rng=rng()) is None
    assert paired_interval([], [], rng=rng()) is None
    assert mean_interval([1.5], rng=rng()) == Interval(1.5, None, None)
    assert mean_interval([0.0, 1.0], ["p", "p"], rng=rng()) == Interval(0.5, None, None)
    assert paired_interval([1, 0], [0, 0], ["p", "p"], rng=rng()) == Interval(0.5, None, None)


def test_equal_generators_equal_intervals_and_wider_levels_are_wider():
    values = rng(1).random(30)
    for scale in (1, 3):  # Wilson, bootstrap
        assert mean_interval(scale * values, rng=rng()) == mean_interval(scale * values, rng=rng())
        wide, narrow = (
            mean_interval(scale * values, rng=rng(), level=level) for level in (0.99, 0.8)
        )
        assert wide.low < narrow.low < narrow.high < wide.high


def test_chunks_do_not_change_the_result(monkeypatch):
    values = 3 * rng(1).random(30)
    whole = mean_interval(values, rng=rng())
    monkeypatch.setattr(module, "CHUNK", 100)
    assert mean_interval(values, rng=rng()) == whole


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([1.0, float("nan")], {}, r"values\[1\] is nan"),
        ([1.0], {"level": 95}, "between 0 and 1, such as 0.95, got 95"),
        ([2.0], {"level": 95}, "between 0 and 1, such as 0.95, got 95"),
        ([2.0], {"resamples": 0}, "at least 1, got 0"),
        ([1.0], {"clusters_M": ["a", "b"]}, "values has 1, clusters has 2"),
    ],
)
def test_bad_arguments_are_refused(values, options, message):
    with pytest.raises(InputError, match=message):
        mean_interval(values, rng=rng(), **options)


def test_pairs_must_be_pairs():
    with pytest.raises(InputError, match="a has 1, b has 2"):
        paired_interval([1.0], [1.0, 2.0], rng=rng())


# --- shares and paired differences -----------------------------------------


def outcomes(ones, n):
    return [1.0] * ones + [0.0] * (n - ones)


def pairs(b, c, n):
    """n pairs: in b only the first is right, in c only the second."""
    return [1] * b + [0] * (n - b), [0] * b + [1] * c + [0] * (n - b - c)


@pytest.mark.parametrize(("ones", "n"), [(0, 1), (0, 20), (1, 20), (20, 20), (97, 100), (3, 400)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_a_share_has_wilsons_interval(ones, n, level):
    stats = pytest.importorskip("scipy.stats")
    known = stats.binomtest(ones, n).proportion_ci(level, method="wilson")
    found = mean_interval(outcomes(ones, n), rng=rng(), level=level)
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-12)
    assert found.method == "wilson"
    exact = stats.binomtest(ones, n).proportion_ci(level, method="exact")
    assert exact.low <= found.low + 0.02
    assert found.high - 0.02 <= exact.high


@pytest.mark.parametrize(
    ("b", "c", "n", "low", "high"),
    [
        (1, 7, 21, -0.517, -0.026),  # airway reactivity (Fagerland, Lydersen, Laake 2017, ch. 8)
        (0, 0, 20, -0.161, 0.161),  # z^2 / (n + z^2)
        (0, 0, 50, -0.071, 0.071),
        (2, 0, 2, -0.315, 1.0),
    ],
)
def test_a_paired_difference_has_tangos_interval(b, c, n, low, high):
    found = paired_interval(*pairs(b, c, n), rng=rng())
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-4)
    assert found.method == "tango"
    swapped = paired_interval(*pairs(c, b, n), rng=rng())
    assert (swapped.low, swapped.high) == pytest.approx((-high, -low), abs=6e-4)


@pytest.mark.parametrize(("b", "c", "n"), [(3, 1, 30), (0, 2, 50), (20, 15, 60), (5, 0, 12)])
def test_its_ends_are_where_the_score_test_turns(b, c, n):
    """The likeliest p01 found by search, and the pairs' variance there."""
    optimize = pytest.importorskip("scipy.optimize")

    def statistic(d):
        def surprise(q):
            chances = np.array([q + d, q, 1 - 2 * q - d])
            return -float(np.array([b, c, n - b - c]) @ np.log(np.maximum(chances, 1e-300)))

        q = optimize.minimize_scalar(
            surprise, bounds=(max(0.0, -d), (1 - d) / 2), method="bounded", options={"xatol": 1e-12}
        ).x
        return (b - c - n * d) / np.sqrt(n * (2 * q + d - d * d))

    found = paired_interval(*pairs(b, c, n), rng=rng())
    assert statistic(found.low) == pytest.approx(1.95996, abs=1e-3)
    assert statistic(found.high) == pytest.approx(-1.95996, abs=1e-3)


def test_the_review_cases_have_a_width_again():
    """A bootstrap of these had none, or half of what it takes."""
    certain = mean_interval([True] * 50, rng=rng())
    assert (certain.low, certain.high) == (pytest.approx(0.9287, abs=1e-4), 1.0)
    few = paired_interval([1, 1] + [0] * 48, [0] * 50, rng=rng())
    assert few.low == pytest.approx(-0.0340, abs=1e-3)
    assert few.high == pytest.approx(0.1346, abs=1e-3)


def test_values_between_0_and_1_are_surer_than_outcomes_and_never_than_their_own_spread():
    fractions = rng(1).binomial(16, rng(2).random(400)) / 16
    found = mean_interval(fractions, rng=rng())
    error = fractions.std() / np.sqrt(400)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.02)
    alike = mean_interval([0.5] * 20, rng=rng())  # no spread was seen in 20: it may be .1 or so
    # f = (20 / 4 + 1) / (0 + 1) = 6, z^2 / f = .6402; sqrt(.6402 / 80 + .016^2) / 1.032 = .0880
    assert (alike.low, alike.high) == pytest.approx((0.4119, 0.5881), abs=1e-4)
    halves = paired_interval([0.5] * 2 + [0.0] * 48, [0.0] * 50, rng=rng())
    ones = paired_interval([1.0] * 2 + [0.0] * 48, [0.0] * 50, rng=rng())
    assert halves.high < ones.high
    assert halves.low < 0


def test_one_problem_each_is_no_cluster_and_two_of_one_are():
    values = [1.0, 0.0, 1.0]
    assert mean_interval(values, list("abc"), rng=rng()) == mean_interval(values, rng=rng())
    assert mean_interval(values, list("aab"), rng=rng()).method == "bootstrap"
    zeros = [0.0] * 3
    assert paired_interval(values, zeros, list("abc"), rng=rng()).method == "tango"
    assert paired_interval(values, zeros, list("aab"), rng=rng()).method == "bootstrap"
    assert paired_interval([1.5, 0, 1], zeros, rng=rng()).method == "bootstrap"


def test_a_bootstrap_says_where_not_to_trust_it():
    def note(values, clusters=None):
        return mean_interval(values, clusters, rng=rng()).note

    assert note(5 * rng(1).random(30)) == ""
    assert note(5 * rng(1).random(29)) == "only 29 problems: the interval is likely too short"
    assert note([2.0] * 40) == module.NO_SPREAD
    assert note([2.0] + [0.0] * 99) == module.RARE
    assert note([2.0] * 50 + [0.0] * 50) == ""


# --- any function of sums --------------------------------------------------


def test_the_first_row_of_resampled_sums_is_the_data_and_each_draw_has_as_many_clusters():
    counts = rng(1).random((7, 3))
    sums = module.resampled_sums(
        np.column_stack((counts, np.ones(7))), list("aabbccc"), rng=rng(), resamples=5
    )
    assert sums.shape == (6, 4)
    assert sums[0] == pytest.approx([*counts.sum(axis=0), 7])
    sizes = {2 * a + 2 * b + 3 * (3 - a - b) for a in range(4) for b in range(4 - a)}
    assert set(sums[1:, 3]) <= sizes


def test_a_ratio_of_sums_is_the_mean_and_undefined_resamples_are_left_out():
    values = 3 * rng(1).random(40)
    sums = module.resampled_sums(np.column_stack((values, np.ones(40))), rng=rng())
    assert module.interval_of(sums[:, 0] / sums[:, 1]) == mean_interval(values, rng=rng())
    figure = np.array([0.5, 0.4, np.nan, 0.6])
    found = module.interval_of(figure, level=0.5)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.5, 0.45, 0.55))
    assert module.interval_of(np.array([np.nan, 0.4])) is None
    assert module.interval_of(np.array([0.5, np.nan])) == Interval(0.5, None, None)


def test_a_quotient_by_nothing_is_unknown():
    found = module.quotient(np.array([1.0, 0.0, 2.0]), np.array([2.0, 0.0, 4.0]))
    assert found[[0, 2]].tolist() == [0.5, 0.5]
    assert np.isnan(found[1])


@pytest.mark.parametrize("gains", [[0.5] * 4, [0.25, 0.75] * 5, [1.0, 0.5, 0.0, 0.0]])
def test_gains_without_losses_end_where_their_share_does(gains):
    """q = 0 at the upper end, and Tango's test is Wilson's; for shares of samples too."""
    values = np.array(gains)
    above = tango_ends(values, 0.95)[1]
    assert above == pytest.approx(wilson_ends(values, 0.95)[1], abs=1e-9)
    assert tango_ends(-values, 0.95)[0] == pytest.approx(-above, abs=1e-9)


@pytest.mark.parametrize(("equal", "note"), [(140, ""), (160, module.RARE)])
def test_a_share_of_equal_resamples_above_15_percent_is_noted(equal, note):
    resampled = np.append(np.zeros(equal), np.arange(1, 1001 - equal))
    found = module.interval_of(np.append(0.5, resampled), clusters=100)
    assert found.note == note
