"""Nouns are values; unknown is one of them; errors may be caught as what they refine."""

import dataclasses
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core import errors
from surefoot.core.errors import MissingExtra, SurefootError, need
from surefoot.core.types import (
    Completion,
    Kind,
    LabelledTrace,
    Problem,
    Step,
    StepLabel,
    StepScores,
    Trace,
    Usage,
    Verdict,
)

PROBLEM = Problem("p", "1 + 1?", "2")
STEPS = (Step("one", (1, 2, 3)), Step("two", (4,)))
NOUNS = [
    PROBLEM,
    STEPS[0],
    Trace(PROBLEM, STEPS),
    Completion(STEPS),
    StepLabel(Kind.VALUE, 1, 2, "x"),
    StepScores(Kind.VALUE, (0.5,), "x"),
    Usage(1, 2, 3, 4.0, 5.0),
    LabelledTrace(Trace(PROBLEM, STEPS), ()),
]


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: type(noun).__name__)
def test_nouns_are_values(noun):
    name = dataclasses.fields(noun)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(noun, name, None)
    assert pickle.loads(pickle.dumps(noun)) == noun


@pytest.mark.parametrize(
    ("successes", "tries", "value", "hard"),
    [(0, 0, None, None), (0, 8, 0.0, False), (1, 8, 0.125, True), (8, 8, 1.0, True)],
)
def test_a_label_without_evidence_is_unknown_not_zero(successes, tries, value, hard):
    label = StepLabel(Kind.VALUE, successes, tries, "rollouts")
    assert label.value == value
    assert label.hard is hard


@pytest.mark.parametrize(
    ("label", "value", "hard"),
    [
        (StepLabel(Kind.CORRECTNESS, 1, 4, "votes"), 0.25, False),
        (StepLabel(Kind.CORRECTNESS, 2, 4, "votes"), 0.5, False),
        (StepLabel(Kind.CORRECTNESS, 3, 4, "votes"), 0.75, True),
        (StepLabel(Kind.VALUE, 1, 8, "bayes", belief=0.3), 0.3, False),
        (StepLabel(Kind.CORRECTNESS, 0, 0, "bayes", belief=0.9), 0.9, True),
    ],
)
def test_beliefs_and_votes_need_more_than_a_half(label, value, hard):
    assert (label.value, label.hard) == (value, hard)


def test_a_trace():
    trace = Trace(PROBLEM, STEPS, answer="2", verdict=Verdict.CORRECT)
    assert trace.text == "one\ntwo"
    assert trace.tokens == Completion(STEPS).tokens == 4
    shorter = trace.with_steps(STEPS[:1])
    assert (shorter.text, shorter.answer, shorter.problem) == ("one", "2", PROBLEM)
    assert Trace(PROBLEM, ()).tokens == 0


def test_unreadable_is_not_wrong():
    assert Verdict.UNREADABLE is not Verdict.WRONG
    assert {v.value for v in Verdict} == {"correct", "wrong", "unreadable"}


COUNTS = st.integers(0, 2**50)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS.map(float), COUNTS.map(float))


@given(USAGES, USAGES, USAGES)
def test_usages_add_up_in_any_order(a, b, c):
    assert (a + b) + c == a + (b + c) == sum([c, a, b], Usage())
    assert a + Usage() == a
    for field in dataclasses.fields(Usage):
        name = field.name
        assert getattr(a + b, name) == getattr(a, name) + getattr(b, name), name


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("InputError", ValueError),
        ("KindError", ValueError),
        ("TooLong", errors.InputError),
        ("TooLong", errors.ModelError),
        ("MissingExtra", ImportError),
        ("StorageError", OSError),
        ("ModelError", SurefootError),
        ("OverBudget", SurefootError),
        ("Stopped", SurefootError),
    ],
)
def test_errors_refine_built_in_ones(name, builtin):
    error = getattr(errors, name)
    assert issubclass(error, SurefootError)
    assert issubclass(error, builtin)
    assert name in errors.__doc__
    assert str(error("what came, and the cure")) == "what came, and the cure"


def test_need():
    assert need("json", "cli").loads("1") == 1
    with pytest.raises(MissingExtra, match=r"no_such_package is needed.*surefoot\[models\]"):
        need("no_such_package", "models")
