"""Rollout labels by hand: unreadable is not wrong, and no evidence is not zero."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, Problem, Step, StepLabel, Usage, Verdict
from surefoot.policy import ScriptedPolicy
from surefoot.steps import Rollouts, finished_trace, sample_traces, value_of
from surefoot.tasks.toy import ToyWorld

C, W, U = Verdict.CORRECT, Verdict.WRONG, Verdict.UNREADABLE
PROBLEM = Problem("p", "6 * 7?", gold="42")
SCRIPT = ScriptedPolicy({"p": [["6 * 7 = 42", "The answer is 42"]]})


def check(problem, trace):
    if trace.answer is None:
        return U
    return C if trace.answer == problem.gold else W


@pytest.mark.parametrize(
    ("verdicts", "successes", "tries", "value", "hard"),
    [
        ([C, C, W, W], 2, 4, 0.5, True),
        ([C, U, U, W], 1, 2, 0.5, True),  # unreadable is not wrong
        ([W, W], 0, 2, 0.0, False),
        ([U, U], 0, 0, None, None),  # no evidence is not zero
        ([None, C], 1, 1, 1.0, True),
        ([], 0, 0, None, None),
    ],
)
def test_value_by_hand(verdicts, successes, tries, value, hard):
    label = value_of(verdicts)
    assert label == StepLabel(Kind.VALUE, successes, tries, f"rollout-{len(verdicts)}")
    assert (label.value, label.hard) == (value, hard)


class Asked:
    """A toy world's sampler that keeps what it was asked: prefixes and completions of each call."""

    def __init__(self, world):
        self.world, self.calls = world, []

    def __call__(self, problem, prefixes_P, **settings):
        self.calls.append((len(prefixes_P), settings["count"]))
        return self.world.sample(problem, prefixes_P, **settings)


def rollouts(world, sample=None, seed=0):
    [problem] = world.problems(1)
    return Rollouts(problem, sample=sample or world.sample, check=world.check, seed=seed)


PREFIXES = [(), (Step("good"),), (Step("good"), Step("bad"), Step("good"))]


def test_values_of_all_prefixes_from_one_call():
    asked = Asked(ToyWorld(length=3))
    drawn = rollouts(asked.world, asked)
    labels = drawn.values(PREFIXES, 5)
    assert asked.calls == [(3, 5)]
    assert [label.tries for label in labels] == [5, 5, 5]
    assert labels[2].successes == 5  # a finished prefix is its own completion
    assert drawn.usage == Usage(policy_tokens=5 * 3 + 5 * 2, calls=15)


@given(st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6)), min_size=1), min_size=1))
def test_the_kth_rollout_of_a_prefix_does_not_depend_on_the_order_of_asking(rounds):
    drawn = rollouts(ToyWorld(length=6))
    for asked in rounds:
        for index, count in asked:
            assert len(drawn([PREFIXES[index]], count)[0]) == count
    for prefix in PREFIXES:
        seen = drawn.seen(prefix)
        if seen:
            [alone] = rollouts(ToyWorld(length=6))([prefix], len(seen))
            assert list(seen) == alone


def test_only_what_is_missing_is_drawn():
    asked = Asked(ToyWorld())
    drawn = rollouts(asked.world, asked)
    drawn(PREFIXES[:2], 4)
    drawn(PREFIXES, 6)  # two more of the first two, six of the third
    drawn(PREFIXES, 3)
    drawn([PREFIXES[0]] * 2, 7)  # the same prefix twice is one
    assert asked.calls == [(2, 4), (2, 2), (1, 6), (1, 1)]
    assert drawn.usage.calls == 8 + 4 + 6 + 1


def test_another_seed_draws_other_rollouts():
    assert rollouts(ToyWorld(), seed=1)([()], 8) != rollouts(ToyWorld(), seed=2)([()], 8)


def test_rollouts_that_mean_nothing_are_refused():
    with pytest.raises(InputError, match="no gold"):
        Rollouts(Problem("p", "?"), sample=SCRIPT, check=check)
    with pytest.raises(InputError, match="1 or more, got 0"):
        rollouts(ToyWorld())([()], 0)


def test_sampled_traces_have_answers_and_verdicts():
    traces = sample_traces(
        PROBLEM, sample=SCRIPT, check=check, count=3, rng=np.random.default_rng(0)
    )
    assert [t.answer for t in traces] == ["42"] * 3
    assert all(t.finished and t.verdict is C for t in traces)
    unchecked = sample_traces(
        Problem("p", "?"), sample=SCRIPT, check=check, count=1, rng=np.random.default_rng(0)
    )
    assert unchecked[0].verdict is None


def test_a_completion_joins_its_prefix():
    [[end]] = SCRIPT(PROBLEM, [(Step("6 * 7 = 42"),)], count=1, rng=np.random.default_rng(0))
    trace = finished_trace(PROBLEM, (Step("6 * 7 = 42"),), end, check)
    assert [s.text for s in trace.steps] == ["6 * 7 = 42", "The answer is 42"]
    assert trace.verdict is C
