"""Every limit holds, the verifier's too, and says its name when it is reached."""

import math
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError, OverBudget
from surefoot.core.types import Usage

LIMITS = [field.name for field in fields(Budget)]
COUNTED = [name for name in LIMITS if name != "seconds"]  # seconds are read from the clock
USAGES = st.builds(
    Usage,
    policy_tokens=st.integers(0, 9),
    verifier_tokens=st.integers(0, 9),
    calls=st.integers(0, 9),
    money=st.integers(0, 9).map(float),
)


def test_a_budget_limits_what_a_usage_counts():
    assert [field.name for field in fields(Usage)] == LIMITS


@pytest.mark.parametrize("name", COUNTED)
def test_each_limit(name):
    meter = Meter(Budget(**{name: 10}))
    meter.check()
    assert meter.exhausted() is None
    meter.spend(Usage(**{name: 9}))
    assert meter.allows(Usage(**{name: 1})), "up to the limit, not below it"
    assert not meter.allows(Usage(**{name: 2}))
    meter.check()
    meter.spend(Usage(**{name: 1}))
    assert meter.exhausted() == name
    with pytest.raises(OverBudget, match=rf"budget of 10 {name} reached \(10 used\)"):
        meter.check()


def test_seconds_are_wall_time_and_not_what_was_reported():
    meter = Meter(Budget(seconds=60))
    meter.spend(Usage(seconds=1e9))
    assert meter.exhausted() is None
    meter.started -= 61
    assert meter.exhausted() == "seconds"
    with pytest.raises(OverBudget, match="budget of 60 seconds reached"):
        meter.check()


def test_no_limits():
    meter = Meter()
    meter.spend(Usage(10**12, 10**12, 10**12, 1e12, 1e12))
    assert meter.exhausted() is None
    assert meter.allows(meter.spent)


@pytest.mark.parametrize("name", LIMITS)
def test_a_budget_of_nothing_is_spent_at_once(name):
    assert Meter(Budget(**{name: 0})).exhausted() == name


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("bad", [-1, -0.5, math.nan])
def test_a_limit_is_a_number_from_0(name, bad):
    with pytest.raises(InputError, match=f"budget {name} must be 0 or more"):
        Budget(**{name: bad})


@given(st.lists(USAGES), st.sampled_from(COUNTED), st.integers(0, 30))
def test_work_that_asks_first_never_exceeds(usages, name, most):
    meter = Meter(Budget(**{name: most}))
    for usage in usages:
        if meter.allows(usage):
            meter.spend(usage)
    assert getattr(meter.spent, name) <= most


@given(st.lists(USAGES, min_size=1), st.sampled_from(COUNTED), st.integers(1, 30))
def test_work_that_checks_exceeds_by_less_than_one_call(usages, name, most):
    meter = Meter(Budget(**{name: most}))
    for usage in usages:
        if meter.exhausted():
            break
        meter.spend(usage)
        last = getattr(usage, name)
    assert getattr(meter.spent, name) < most + max(last, 1)


def test_what_is_left_is_a_budget_and_never_below_0():
    meter = Meter(Budget(policy_tokens=10, calls=1, seconds=5))
    meter.spend(Usage(policy_tokens=4, verifier_tokens=7, calls=3))
    rest = meter.rest()
    assert (rest.policy_tokens, rest.verifier_tokens, rest.calls) == (6, None, 0)
    assert 0 < rest.seconds <= 5
