"""A stack kept by hand, and the 986 marked traces of BIG-Bench Mistake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.records import read_rows
from surefoot.core.types import Problem, Step, Trace
from surefoot.tasks.dyck import right_steps

PROBLEM = Problem("p", "< [ ( )")
RIGHT = (
    "We keep a stack.", "stack: empty", "< ; stack: <", "[ ; stack: < [", "( ; stack: < [ (",
    ") ; stack: < [", 'Now, we have reached the end. The final stack is "< [".',
    'We will need to pop out "[", "<" one by one in that order.',
    'So, we need "]", ">". So the answer is ] >',
)  # fmt: skip


def judged(*texts, problem=PROBLEM):
    return right_steps(problem, Trace(problem, tuple(map(Step, texts))))


def test_a_right_solution():
    assert judged(*RIGHT) == [None, *[True] * 8]


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (1, "[ ; stack: ["),  # begins with the second symbol
        (3, "[ ; stack: <"),
        (4, "[ ; stack: < [ ["),
        (5, ") ; stack: < [ ("),
        (6, 'Now, we have reached the end. The final stack is "<".'),
        (7, 'We will need to pop out "<", "[" one by one in that order.'),
        (8, "So the answer is > ]"),
    ],
)
def test_one_slip_is_found(at, text):
    assert judged(*RIGHT[:at], text)[-1] is False


def test_other_problems_and_other_prose_are_left_alone():
    assert judged(*RIGHT, problem=Problem("q", "What is 1 + 1?")) == [None] * 9
    assert judged("Hm.", "The stack is nice.") == [None, None]


@given(st.text("([{<)]}> ", max_size=12), st.lists(st.text(max_size=8), max_size=5))
def test_as_many_verdicts_as_steps_whatever_they_say(brackets, texts):
    problem = Problem("p", brackets)
    assert len(judged(*texts, problem=problem)) == len(texts)


def test_people_and_the_rule_agree(data):
    """In 974 of 986 traces, none of them with an alarm where people saw no mistake."""
    agreed, false_alarms = 0, 0
    rows = list(read_rows(data / "big_bench_mistake" / "dyck_languages.jsonl.gz"))
    for _, row in rows:
        verdicts = judged(*row["steps"], problem=Problem("p", row["input"]))
        first = verdicts.index(False) if False in verdicts else None
        agreed += first == row["mistake_index"]
        false_alarms += first is not None and row["mistake_index"] is None
    assert (len(rows), agreed, false_alarms) == (986, 974, 0)
