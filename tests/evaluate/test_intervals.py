"""Bootstrap intervals: do they hold the truth as often as they say?"""

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.evaluate import Interval, mean_interval, paired_interval
from surefoot.evaluate import intervals as module


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
    values = rng(1).random(50)
    alone = mean_interval(values, rng=rng())
    copied = mean_interval(np.repeat(values, 8), np.repeat(np.arange(50), 8), rng=rng())
    fooled = mean_interval(np.repeat(values, 8), rng=rng())
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high))
    assert fooled.high - fooled.low < 0.5 * (alone.high - alone.low)


def test_clusters_of_unequal_size_weigh_by_their_values():
    # two clusters, {0} and {1, 1, 1}: the four resamples have means 0, 3/4, 3/4, 1
    found = mean_interval([0, 1, 1, 1], ["p", "q", "q", "q"], rng=rng())
    assert found == Interval(0.75, 0.0, 1.0)


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
    assert mean_interval([0.5], rng=rng()) == Interval(0.5, None, None)
    assert mean_interval([0.0, 1.0], ["p", "p"], rng=rng()) == Interval(0.5, None, None)


def test_equal_generators_equal_intervals_and_wider_levels_are_wider():
    values = rng(1).random(30)
    assert mean_interval(values, rng=rng()) == mean_interval(values, rng=rng())
    wide, narrow = (mean_interval(values, rng=rng(), level=level) for level in (0.99, 0.8))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_chunks_do_not_change_the_result(monkeypatch):
    values = rng(1).random(30)
    whole = mean_interval(values, rng=rng())
    monkeypatch.setattr(module, "CHUNK", 100)
    assert mean_interval(values, rng=rng()) == whole


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([1.0, float("nan")], {}, r"values\[1\] is nan"),
        ([1.0], {"level": 95}, "between 0 and 1, such as 0.95, got 95"),
        ([1.0], {"resamples": 0}, "at least 1, got 0"),
        ([1.0], {"clusters_M": ["a", "b"]}, "values has 1, clusters has 2"),
    ],
)
def test_bad_arguments_are_refused(values, options, message):
    with pytest.raises(InputError, match=message):
        mean_interval(values, rng=rng(), **options)


def test_pairs_must_be_pairs():
    with pytest.raises(InputError, match="a has 1, b has 2"):
        paired_interval([1.0], [1.0, 2.0], rng=rng())


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
    values = rng(1).random(20)
    sums = module.resampled_sums(np.column_stack((values, np.ones(20))), rng=rng())
    assert module.interval_of(sums[:, 0] / sums[:, 1]) == mean_interval(values, rng=rng())
    figure = np.array([0.5, 0.4, np.nan, 0.6])
    assert module.interval_of(figure, level=0.5) == Interval(0.5, 0.45, 0.55)
    assert module.interval_of(np.array([np.nan, 0.4])) is None
    assert module.interval_of(np.array([0.5, np.nan])) == Interval(0.5, None, None)


def test_a_quotient_by_nothing_is_unknown():
    found = module.quotient(np.array([1.0, 0.0, 2.0]), np.array([2.0, 0.0, 4.0]))
    assert found[[0, 2]].tolist() == [0.5, 0.5]
    assert np.isnan(found[1])
