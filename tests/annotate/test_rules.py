"""Rules, and consensus of results: counts by hand, and silence where nothing is known."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judges import trace_of

from surefoot.annotate.agreement import consensus, stated_result
from surefoot.annotate.oracle import oracle
from surefoot.annotate.rules import by_rule, readable
from surefoot.core.types import Kind, Step, StepLabel, Trace
from surefoot.tasks import game24, trails

PUZZLE = game24.problem_of_numbers("g", [4, 5, 6, 10])


def test_a_silent_rule_gives_no_evidence():
    labelled = by_rule(trace_of("a", "b", "c"), rule=lambda *_: [True, None, False])
    assert labelled.labels == tuple(
        StepLabel(Kind.CORRECTNESS, *counts, "rule") for counts in ((1, 1), (0, 0), (0, 1))
    )
    assert [label.value for label in labelled.labels] == [1, None, 0]


def test_prose_is_not_wrong_to_a_readable_checker():
    trace = Trace(PUZZLE, tuple(map(Step, ("Let me try.", "10 - 4 = 6", "10 - 4 = 6"))))
    rule = readable(game24.check_steps, {game24.Flaw.FORM})
    values = [label.value for label in by_rule(trace, rule=rule).labels]
    strict = [label.value for label in oracle(trace, check_steps=game24.check_steps).labels]
    assert values == [None, 1, 0]  # the second time there is no 10 left
    assert strict == [0, 1, 0]


def test_on_readable_steps_rule_and_oracle_agree():
    [problem] = trails.problems("test", 1)
    trace = Trace(problem, tuple(map(Step, trails.solve(trails.read(problem.text)))))
    ruled = by_rule(trace, rule=readable(trails.check_steps, {trails.Flaw.FORM})).labels
    assert [label.value for label in ruled] == [1] * len(trace.steps)


# --- consensus -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("2 + 3 = 5", 5),
        ("2 + 3 = 5, then 5 * 2 = 10 for 3 people", 10),
        ("so x is $1,250", 1250),
        ("about 3/4", None),
        ("nothing", None),
        ("", None),
    ],
)
def test_results(text, result):
    assert stated_result(text) == (None if result is None else Fraction(result))


def test_counts_by_hand():
    """The problem names 2 and 3. Two of three others reach 5, one of them 10."""
    trace = trace_of("We take 3.", "2 + 3 = 5", "Still 5.", "5 * 2 = 11", "So 10")
    others = [trace_of("3 + 2 = 5", "10"), trace_of("5", "20"), trace_of("7 + 7 = 14")]
    nobody = [trace_of("Hm."), trace, trace_of()]  # without a result, or the same solution
    labelled = consensus(trace, others=others + nobody)
    counts = [(label.successes, label.tries) for label in labelled.labels]
    assert counts == [(0, 0), (2, 3), (0, 0), (0, 3), (1, 3)]
    assert [label.hard for label in labelled.labels] == [None, True, None, False, False]
    assert {label.by for label in labelled.labels} == {"consensus-3"}
    assert labelled.notes == {"witnesses": "3"}


def test_without_witnesses_nothing_is_known():
    labels = consensus(trace_of("2 + 3 = 5"), others=[]).labels
    assert [label.value for label in labels] == [None]


@given(st.lists(st.text(max_size=20), max_size=5), st.lists(st.text(max_size=20), max_size=5))
def test_as_many_labels_as_steps_whatever_they_say(texts, others):
    labels = consensus(trace_of(*texts), others=[trace_of(text) for text in others]).labels
    assert len(labels) == len(texts)
    assert all(0 <= label.successes <= label.tries for label in labels)
