"""SORM: monotone labels, witnesses, balance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interruptions import counted_rollouts

from surefoot.annotate import balanced, sorm, uses_last_number
from surefoot.annotate.first_error import first_wrong
from surefoot.core.errors import InputError
from surefoot.core.types import Kind, LabelledTrace, Problem, Step, StepLabel, Trace, Usage, Verdict
from surefoot.steps import Rollouts
from surefoot.tasks.toy import ToyWorld

PROBLEM = Problem("p", "?", gold="1")


def trace_of(length, verdict=None):
    return Trace(PROBLEM, tuple(Step(f"s{i}") for i in range(length)), None, verdict)


def label_counts(counts, verdict=None):
    """counts[t]: (successes, readable) after t + 1 steps, of 4 rollouts."""
    length = len(counts) + (verdict is not None)
    rollouts = counted_rollouts(PROBLEM, [(0, 0), *counts])
    return sorm(trace_of(length, verdict), rollouts=rollouts, completions=4)


def test_by_hand():
    """A later success makes the steps before it right; what no later one reaches stays 0."""
    labelled = label_counts([(0, 4), (0, 0), (1, 4), (0, 3), (0, 0)], Verdict.WRONG)
    expected = [(0, 4, 1.0), (0, 0, 1.0), (1, 4, 1.0), (0, 3, 0.0), (0, 0, None), (0, 1, 0.0)]
    assert labelled.labels == tuple(
        StepLabel(Kind.VALUE, successes, tries, "sorm-4", belief)
        for successes, tries, belief in expected
    )
    assert [label.hard for label in labelled.labels] == [True, True, True, False, None, False]
    assert labelled.usage == Usage(policy_tokens=20, calls=20)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8))
def test_labels_never_rise(counts):
    """T4."""
    labelled = label_counts([(min(c), max(c)) for c in counts])
    known = [label.value for label in labelled.labels if label.value is not None]
    assert known == sorted(known, reverse=True)
    assert set(known) <= {0.0, 1.0}


def test_a_right_end_makes_every_step_right():
    labelled = label_counts([(0, 4), (0, 4)], Verdict.CORRECT)
    assert [label.value for label in labelled.labels] == [1.0] * 3


def test_without_recovery_the_first_zero_is_the_first_error():
    world = ToyWorld(length=6, slip=0.1, recover=0.0)
    [problem] = world.problems(1)
    steps = tuple(Step(x) for x in ("good", "good", "bad", "bad", "bad", "bad"))
    rollouts = Rollouts(problem, sample=world.sample, check=world.check)
    labelled = sorm(Trace(problem, steps, None, Verdict.WRONG), rollouts=rollouts, completions=30)
    assert [label.hard for label in labelled.labels] == [True] * 2 + [False] * 4


def test_the_first_zero_is_where_a_refinement_begins():
    """GLoRe puts its [BAD] before this step."""
    labelled = label_counts([(1, 4), (0, 4), (2, 4), (0, 4)], Verdict.WRONG)
    assert first_wrong(labelled.labels) == 3


def test_a_right_end_that_does_not_build_on_the_prefix_is_no_witness():
    def odd(prefix, rollout):
        return len(prefix) % 2 == 1

    rollouts = counted_rollouts(PROBLEM, [(0, 0), (2, 4), (2, 4), (4, 4)])
    labelled = sorm(trace_of(2), rollouts=rollouts, completions=4, builds_on=odd)
    assert [(x.successes, x.tries, x.value) for x in labelled.labels] == [(2, 4, 1.0), (0, 2, 0.0)]

    def never(prefix, rollout):
        return False

    [label] = sorm(trace_of(1), rollouts=counted_rollouts(PROBLEM, [(0, 0), (4, 4)]),
                   completions=4, builds_on=never).labels  # fmt: skip
    assert label.value is None, "no witness and no failure either"


@pytest.mark.parametrize(
    ("last", "added", "uses"),
    [
        ("2 + 3 = 5", ["5 * 2 = 10"], True),
        ("2 + 3 = 5", ["so it is", "5"], True),
        ("2 + 3 = 5", ["3 * 2 = 6"], False),
        ("2 + 3 = 5", ["15 and 5.5 and 50"], False),
        ("half is 2.5", ["2.5 * 2"], True),
        ("let us see", ["3"], True),
    ],
)
def test_using_the_last_number(last, added, uses):
    prefix = (Step("5 apples"), Step(last))
    rollout = Trace(PROBLEM, (*prefix, *map(Step, added)))
    assert uses_last_number(prefix, rollout) is uses


def made(*words):
    def label(letter):
        tries = int(letter != "?")
        return StepLabel(
            Kind.VALUE, int(letter == "1"), tries, "me", float(letter) if tries else None
        )

    return [LabelledTrace(trace_of(len(word)), tuple(map(label, word))) for word in words]


def test_balanced_by_hand():
    found = balanced(made("11", "10", "10", "0?"), rng=np.random.default_rng(0))
    columns = [[item.labels[t].hard for item in found] for t in range(2)]
    for column, each in zip(columns, (1, 1), strict=True):
        assert (column.count(True), column.count(False)) == (each, each)
    assert columns[0][3] is False
    assert columns[1][0] is True


@given(st.lists(st.text("01?", min_size=1, max_size=5), max_size=8), st.integers(0, 9))
def test_balance_only_takes_away_and_ends_even(words, seed):
    given_N = made(*words)
    found_N = balanced(given_N, rng=np.random.default_rng(seed))
    for old, new in zip(given_N, found_N, strict=True):
        assert new.trace == old.trace
        assert all(
            b == a or (b.value is None and a.value is not None)
            for a, b in zip(old.labels, new.labels, strict=True)
        )
    for t in range(5):
        column = [item.labels[t].hard for item in found_N if t < len(item.labels)]
        before = [item.labels[t].hard for item in given_N if t < len(item.labels)]
        rare = min(before.count(True), before.count(False))
        assert (column.count(True), column.count(False)) == (rare, rare)


def test_a_trace_without_steps_is_refused():
    with pytest.raises(InputError, match="'p' has no steps"):
        sorm(trace_of(0), rollouts=None)
