"""Rollout labels by hand: unreadable is not wrong, and no evidence is not zero."""

from functools import partial

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, Problem, Step, StepLabel, Usage, Verdict
from surefoot.policy import ScriptedPolicy
from surefoot.steps import finished_trace, rollout_labels, sample_traces, value_of
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


def test_labels_of_all_prefixes_from_one_call():
    world, asked, paid = ToyWorld(length=3), [], []

    def sample(problem, prefixes_P, **settings):
        asked.append((len(prefixes_P), settings["count"]))
        return world.sample(problem, prefixes_P, **settings)

    prefixes = [(), (Step("good"),), (Step("good"), Step("bad"), Step("good"))]
    labels = rollout_labels(
        world.problems(1)[0],
        prefixes,
        sample=sample,
        check=world.check,
        rng=np.random.default_rng(0),
        completions=5,
        spend=paid.append,
    )
    assert asked == [(3, 5)]
    assert [label.tries for label in labels] == [5, 5, 5]
    assert labels[2].successes == 5  # a finished prefix is its own completion
    assert paid == [Usage(policy_tokens=5 * 3 + 5 * 2, calls=15)]


@pytest.mark.parametrize(
    ("count", "gold", "words"), [(0, "42", "1 or more, got 0"), (3, None, "no gold")]
)
def test_rollouts_that_mean_nothing_are_refused(count, gold, words):
    estimate = partial(rollout_labels, sample=SCRIPT, check=check, completions=count)
    with pytest.raises(InputError, match=words):
        estimate(Problem("p", "?", gold=gold), [()], rng=np.random.default_rng(0))


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
