"""DeepCritic: the reward, who is kept, where rollouts say the error is, and balance."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.types import (
    Completion,
    Kind,
    LabelledTrace,
    Problem,
    Step,
    StepLabel,
    Trace,
    Verdict,
)
from surefoot.evaluate import NO_ERROR
from surefoot.recipes.refinement.deep_critic import (
    Located,
    agreed,
    balanced,
    deliberate,
    located,
    reward,
)

PROBLEM = Problem("p", "2 + 2?", "4")


def trace(*texts, right=True):
    verdict = Verdict.CORRECT if right else Verdict.WRONG
    return Trace(PROBLEM, tuple(map(Step, texts)), None, verdict)


@given(st.integers(-1, 9), st.integers(-1, 9))
def test_the_reward_knows_no_favourite(predicted, label):
    assert reward(predicted, label) == float(predicted == label)
    assert reward(None, label) == 0


def test_always_saying_none_earns_a_half_on_a_balanced_set():
    items = [Located(trace("a"), e) for e in (NO_ERROR, NO_ERROR, NO_ERROR, 0, 3)]
    kept = balanced(items, rng=np.random.default_rng(0))
    assert np.mean([reward(NO_ERROR, item.first_error) for item in kept]) == 0.5


@given(st.lists(st.integers(-1, 3), min_size=2, max_size=20), st.integers(0, 99))
def test_half_of_a_balanced_set_is_wrong(errors, seed):
    items = [Located(trace("a"), e) for e in errors]
    rng = np.random.default_rng(seed)
    fewer = min(errors.count(NO_ERROR), len(errors) - errors.count(NO_ERROR))
    if not fewer:
        with pytest.raises(InputError, match="with and without an error"):
            balanced(items, rng=rng)
        return
    kept = balanced(items, rng=rng)
    found = [item.first_error for item in kept]
    assert len(kept) == 2 * fewer
    assert found.count(NO_ERROR) == fewer
    assert kept == [item for item in items if any(item is k for k in kept)]


def judge(problem, prefixes_P, *, count, rng, until="end"):
    """Wrong about everything at first; the second look finds steps with a 5 in them wrong."""
    subject, code = re.findall(r"(Step \d+) \[([A-Z]{8})\]", problem.text)[-1]
    second = "Somebody said of it" in problem.text
    last = re.findall(r"^> (.*)$", problem.text.split(f"{subject}:")[1], re.MULTILINE)[0]
    word = "WRONG" if ("5" in last) == second else "RIGHT"
    return [[Completion((Step(f"{'second' if second else 'first'} look"),
                         Step(f"{subject} [{code}]: {word}")))] * count]  # fmt: skip


def test_the_second_look_counts_and_two_calls_a_step_are_paid():
    found = deliberate(trace("2 + 2 = 4", "So 5."), judge=judge)
    assert found.verdicts_S == (True, False)
    assert found.usage.calls == 4
    assert found.text.count("first look") == found.text.count("second look") == 2


def test_kept_is_what_agrees_at_every_step():
    items = [deliberate(trace("2 + 2 = 4", "So 5."), judge=judge)] * 3
    [lesson] = agreed(items, [[True, False], [True, True], [False, False]])
    assert all(lesson.learnt_S)
    assert "second look" in [s.text for s in lesson.steps]
    assert lesson.problem.text.endswith("Criticise each step.")


def labelled(values, *, right):
    labels = [StepLabel(Kind.VALUE, v or 0, 8 if v is not None else 0, "mc") for v in values]
    return LabelledTrace(trace(*"abc"[: len(values)], right=right), tuple(labels))


def test_rollouts_locate_the_first_error():
    items = [
        labelled([3, 2, 0], right=True),  # the last step is as right as the answer
        labelled([3, 0, 0], right=False),
        labelled([3, 2, 5], right=False),
        labelled([3, 0, 4], right=True),  # right after a hopeless step: left out
        labelled([3, None, 0], right=False),  # never rolled out
    ]
    assert [item.first_error for item in located(items)] == [NO_ERROR, 1, 2]
