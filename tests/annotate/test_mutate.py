"""Mutations of a program whose tests are plain functions on its text; nothing is executed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judges import trace_of

from surefoot.annotate.mutate import mutants, mutations
from surefoot.core.errors import InputError
from surefoot.core.types import Kind, StepLabel

PROGRAM = trace_of("def larger(a, b):", "    if a > b:", "        return a", "    return b")
TESTS = {  # what the real tests would find, said of the text
    "larger(2, 1) == 2": lambda text: "a > b" in text or "a >= b" in text,
    "larger(1, 2) == 2": lambda text: "return b" in text,
}


def test_what_passes_is_right_and_what_fails_carries_its_test():
    def propose(line):
        return {"    if a > b:": ["    if a >= b:", "    if a < b:"]}.get(line, [])

    refactored, broken = mutations(PROGRAM, tests=TESTS, propose=propose)
    assert [label.value for label in refactored.labels] == [1, 1]
    assert refactored.labels[-1] == StepLabel(Kind.CORRECTNESS, 2, 2, "tests")
    assert refactored.notes == {"line": "1", "was": "    if a > b:"}
    assert [label.value for label in broken.labels] == [1, 0]
    assert broken.notes["failed_test"] == "larger(2, 1) == 2"
    assert [step.text for step in broken.trace.steps] == ["def larger(a, b):", "    if a < b:"]
    assert not broken.trace.finished


def test_the_identity_is_right():
    found = list(mutations(PROGRAM, tests=TESTS, propose=lambda line: [line]))
    assert len(found) == 4
    assert all(label.value == 1 for item in found for label in item.labels)
    assert [len(item.labels) for item in found] == [1, 2, 3, 4]


def test_every_negative_has_a_failed_test_and_only_negatives():
    def propose(line):
        return [*mutants(line), line.replace("b", "c")]

    found = list(mutations(PROGRAM, tests=TESTS, propose=propose))
    assert {item.labels[-1].hard for item in found} == {True, False}
    assert all((item.labels[-1].hard is False) == ("failed_test" in item.notes) for item in found)
    assert all(item.notes["failed_test"] in TESTS for item in found if "failed_test" in item.notes)
    assert all(len(item.labels) == len(item.trace.steps) for item in found)


def test_a_program_that_fails_or_has_no_tests_is_refused():
    with pytest.raises(InputError, match="fails its own test 'never'"):
        list(mutations(PROGRAM, tests={"never": lambda text: False}))
    with pytest.raises(InputError, match="has no tests"):
        list(mutations(PROGRAM, tests={}))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = a + 1", ["x = a - 1", "x = a + 2", "x = a + 0"]),
        ("if not x and y:", ["if not x or y:", "if x and y:"]),
        ("return min(a, b1)", ["return max(a, b1)"]),
        ("x = 1.5", []),
        ("", []),
    ],
)
def test_mutants_by_hand(line, expected):
    assert mutants(line) == expected


@given(st.text())
def test_a_mutant_is_never_its_line(line):
    found = mutants(line)
    assert line not in found
    assert len(found) == len(set(found))
