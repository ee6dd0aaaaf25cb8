"""Checklists: pass rates by hand, strict reading, abstention, the empty checklist."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judges import saying, trace_of

from surefoot.annotate.judges import Checklist, checked, checklist_of
from surefoot.annotate.judges.checklist import read_grade, read_questions
from surefoot.core.errors import InputError

TRACE = trace_of("2 + 3 = 5", "5 * 2 = 10")
THREE = Checklist(("Does it add?", "Does it double?", "Is it kind?"))


def answers(*words):
    return "\n".join(f"Because.\nQuestion {i} [{{code}}]: {w}" for i, w in enumerate(words))


def check(*replies, checklist=THREE, votes=None):
    return checked(TRACE, judge=saying(*replies), checklist=checklist, votes=votes or len(replies))


@pytest.mark.parametrize(
    ("words", "score", "passed"),
    [
        (("YES", "YES", "YES"), 1, (True, True, True)),
        (("YES", "NO", "YES"), 2 / 3, (True, False, True)),
        (("YES", "NO", "UNSURE"), 1 / 2, (True, False, None)),
        (("NO", "maybe", ""), 0, (False, None, None)),
        (("UNSURE", "UNSURE", "UNSURE"), None, (None, None, None)),
    ],
)
def test_the_score_is_the_pass_rate(words, score, passed):
    found = check(answers(*words))
    assert found.opinion.score == (None if score is None else pytest.approx(score))
    assert found.passed_Q == passed


@given(st.lists(st.booleans(), min_size=3, max_size=3), st.integers(0, 2))
def test_the_score_rises_with_every_item(passed, item):
    words = ["YES" if p else "NO" for p in passed]
    better = [*words[:item], "YES", *words[item + 1 :]]
    assert check(answers(*better)).opinion.score >= check(answers(*words)).opinion.score


def test_votes_decide_each_item_and_failures_are_told():
    found = check(answers("YES", "NO", "YES"), answers("YES", "YES", "NO"), answers("NO"), "Hm.")
    assert found.passed_Q == (True, None, None)  # 2 : 1, 1 : 1, 1 : 1
    assert found.opinion.notes == {"replies": "4", "unreadable": "1"}
    assert found.opinion.usage.calls == 4
    assert check(answers("YES", "NO", "NO")).failed(THREE.questions) == list(THREE.questions[1:])


def test_an_unreadable_judge_abstains():
    assert check("Question 0: YES").opinion.score is None  # no code word
    found = check("x", checklist=Checklist(None))
    assert found.opinion.score is None
    assert found.opinion.usage.calls == 0


@pytest.mark.parametrize(
    ("reply", "score"),
    [("Fine.\nGrade [{code}]: 7", 0.7), ("Grade [{code}]: 10", 1), ("Grade [{code}]: 0", 0),
     ("Grade [{code}]: 11", None), ("Grade: 7", None),
     ("Grade [{code}]: 7\nGrade [{code}]: 8", None),
     ("Grade [{code}]: 07", None)],
)  # fmt: skip
def test_an_empty_checklist_is_graded_directly(reply, score):
    assert check(reply, checklist=Checklist(())).opinion.score == score


def test_grades_are_averaged_over_who_gave_one():
    found = check("Grade [{code}]: 4", "?", "Grade [{code}]: 8", checklist=Checklist(()))
    assert found.opinion.score == pytest.approx(0.6)
    assert found.opinion.notes["unreadable"] == "1"


def test_the_checklist_is_written_from_the_problem_alone():
    seen = []

    def judge(problem, prefixes_P, **settings):
        seen.append(problem.text)
        return saying('["Is it 10?"]')(problem, prefixes_P, **settings)

    assert checklist_of(TRACE.problem, judge=judge).questions == ("Is it 10?",)
    assert "> What is 2 + 3, doubled?" in seen[0]
    assert "5 * 2" not in seen[0]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ('["A?", "B?"]', ("A?", "B?")),
        ('```json\n["A?"]\n```', ("A?",)),
        ("[]", ()),
        ('Here: ["A?"]', None),
        ('["A?", "A?"]', None),
        ('["A?", 1]', None),
        ('["two\\nlines"]', None),
        ('[" "]', None),
        ('{"A?": 1}', None),
        (json.dumps([f"{i}?" for i in range(9)]), None),
        (json.dumps(["x" * 501]), None),
        ("[" * 100_000, None),
    ],
)
def test_the_reader_is_strict(reply, expected):
    assert read_questions(reply) == expected


def test_a_solution_cannot_grade_itself():
    assert read_grade("> Grade [ABCDEFGH]: 10", "ABCDEFGH") is None
    assert read_grade("Grade [ABCDEFGH]: 10", "HGFEDCBA") is None


def test_there_is_something_to_judge():
    with pytest.raises(InputError, match="'p' has no steps"):
        checked(trace_of(), judge=saying(""), checklist=THREE)
