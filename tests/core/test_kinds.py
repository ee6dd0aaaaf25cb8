"""Aggregation follows what a score means: by hand, and as properties."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError, KindError
from surefoot.core.kinds import AGGREGATIONS, LEGAL, aggregate, log_product, product, reduce_values
from surefoot.core.types import Kind, StepScores

UNIT = st.floats(0, 1, allow_subnormal=False)
REAL = st.floats(-1e6, 1e6)
PAIRS = [(kind, how) for kind in Kind for how in AGGREGATIONS]


@pytest.mark.parametrize(
    ("kind", "values", "how", "expected"),
    [
        (Kind.CORRECTNESS, (0.5, 0.8, 0.25), None, 0.1),
        (Kind.CORRECTNESS, (0.5, 0.8, 0.25), "product", 0.1),
        (Kind.CORRECTNESS, (0.5, 0.8, 0.25), "min", 0.25),
        (Kind.CORRECTNESS, (0.5, 0.75, 0.25), "mean", 0.5),
        (Kind.VALUE, (0.5, 0.8, 0.25), None, 0.25),
        (Kind.PROGRESS, (0.5, -0.75, 0.125), None, -0.125),
        (Kind.LOGIT, (2.0, -3.0, 1.0), None, -3.0),
        (Kind.LOGRATIO, (2.0, -3.0, 0.5), None, -0.5),
        (Kind.CORRECTNESS, (0.0, 1.0), None, 0.0),
        (Kind.VALUE, (0.3,), None, 0.3),
        (Kind.CORRECTNESS, (0.5, 0.125), "geometric_mean", 0.25),
        (Kind.CORRECTNESS, (0.9,) * 9000, "geometric_mean", 0.9),
        (Kind.CORRECTNESS, (0.5, 0.0), "geometric_mean", 0.0),
    ],
)
def test_by_hand(kind, values, how, expected):
    assert aggregate(StepScores(kind, values, "v"), how) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(("kind", "how"), PAIRS)
def test_each_pair_is_legal_or_refused(kind, how):
    scores = StepScores(kind, (0.5, 0.25), "reader")
    if how in LEGAL[kind]:
        assert math.isfinite(aggregate(scores, how))
        return
    with pytest.raises(KindError, match=f"{kind.value} scores of 'reader'.*not by '{how}'"):
        aggregate(scores, how)


def test_the_table_of_legal_pairs():
    assert {kind.value: LEGAL[kind] for kind in Kind} == {
        "correctness": ("product", "min", "mean", "geometric_mean"),
        "value": ("last",),
        "progress": ("sum",),
        "logit": ("min",),
        "logratio": ("sum",),
        "preference": ("last",),
    }


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", Kind)
def test_what_is_not_a_number_is_named(kind, bad):
    with pytest.raises(InputError, match=r"score of step 1 is .*; expected a finite number"):
        aggregate(StepScores(kind, (0.5, bad, 0.5), "v"))


@pytest.mark.parametrize("kind", Kind)
def test_no_steps_is_an_error(kind):
    with pytest.raises(InputError, match="a trace without steps has no score"):
        aggregate(StepScores(kind, (), "v"))


def test_unknown_names_are_refused():
    with pytest.raises(KindError, match="not by 'median'"):
        aggregate(StepScores(Kind.VALUE, (0.5,), "v"), "median")
    with pytest.raises(InputError, match=r"one of .*'last'.*got 'median'"):
        reduce_values([0.5], "median")


def test_bare_values_may_be_an_array():
    assert reduce_values(np.array([0.5, 0.25]), "min") == 0.25
    with pytest.raises(InputError, match="without steps"):
        reduce_values(np.array([]), "min")


@given(st.lists(UNIT, min_size=1))
def test_doubt_orders_the_ways_of_correctness(values):
    product, least, geometric, mean = (
        aggregate(StepScores(Kind.CORRECTNESS, tuple(values), "v"), how)
        for how in ("product", "min", "geometric_mean", "mean")
    )
    assert 0 <= product <= least <= mean * (1 + 1e-12) <= 1 + 1e-9
    assert least * (1 - 1e-12) <= geometric <= mean * (1 + 1e-12)


# --- products below the range of floats --------------------------------------


def of_steps(score, steps):
    return aggregate(StepScores(Kind.CORRECTNESS, (score,) * steps, "v"))


def test_a_longer_row_of_doubts_is_a_lower_product_however_long():
    """Plain products: .9^8000 == .9^9000 == 0 == .5^1100, and the first of them wins."""
    falling = [of_steps(0.9, n) for n in (1, 100, 6723, 6724, 8000, 9000, 10**5)]
    assert falling == sorted(falling, reverse=True)
    assert len(set(falling)) == len(falling)
    assert 0 < falling[-1] < falling[3] < sys.float_info.min <= falling[2]
    assert of_steps(0.5, 1100) < of_steps(0.9, 7000), "1100 ln .5 = -762, 7000 ln .9 = -738"
    assert of_steps(0.5, 1100) > of_steps(0.9, 8000)


@given(st.lists(st.floats(1e-3, 1), min_size=1, max_size=9), st.integers(1, 2000), st.data())
def test_products_compare_as_their_sums_of_logs(values, times, data):
    other = data.draw(st.lists(st.floats(1e-3, 1), min_size=1, max_size=9))
    first, second = log_product(values * times), log_product(other * times)
    if abs(first - second) > 1e-9 * abs(first):
        assert (product(values * times) < product(other * times)) == (first < second)


@given(st.lists(UNIT, min_size=1, max_size=400), st.randoms(use_true_random=False))
def test_equal_scores_in_another_order_are_a_tie(values, random):
    shuffled = random.sample(values, len(values))
    assert product(shuffled) == product(values)
    assert (product(values) == 0) == (0.0 in values)


def test_products_of_bare_numbers():
    assert product([1e-200, 1e-200, 1e300]) == pytest.approx(1e-100)
    assert product([-0.5, 0.5]) == -0.25
    assert product([5e-324]) == pytest.approx(2.2e-308 * 708.4 / 744.44, rel=1e-2)
    assert product([0.0, 1e-300, 1e-300]) == 0
    assert log_product([0.5, 0.0]) == -math.inf
    assert log_product([0.5, 0.5]) == pytest.approx(2 * math.log(0.5))
    with pytest.raises(
        InputError, match=r"a score of -0\.5; a log of it needs scores of 0 or more"
    ):
        reduce_values([0.5, -0.5], "geometric_mean")


@given(st.lists(REAL, min_size=1))
def test_progress_telescopes_to_the_last_value(values):
    changes = [after - before for before, after in zip([0.0, *values], values, strict=False)]
    total = aggregate(StepScores(Kind.PROGRESS, tuple(changes), "v"))
    last = aggregate(StepScores(Kind.VALUE, tuple(values), "v"))
    assert total == pytest.approx(last, abs=1e-6)


@given(st.lists(REAL, min_size=1), st.randoms(use_true_random=False))
def test_only_last_depends_on_the_order(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    for how in ("min", "mean", "sum", "product"):
        assert reduce_values(shuffled, how) == reduce_values(values, how)


@pytest.mark.parametrize(
    ("how", "values"),
    [
        ("mean", [1.7e308, 1.7e308]),
        ("sum", [-1.7e308, -1.7e308]),
        ("product", [1e300, 1e300]),
        ("product", [1e-200, 1e-200, 1e300, 1e300, 1e300]),  # the first two underflow
    ],
)
def test_an_aggregate_beyond_floats_is_refused(how, values):
    with pytest.raises(InputError, match=f"the {how} of {len(values)} scores is too large"):
        reduce_values(values, how)
