"""Judging by a checklist of yes/no questions (TICK, arXiv:2410.03608).

    Q     = 2 to 8 questions that the problem itself asks of a good solution, each one thing
    score = (items answered YES) / (items answered YES or NO)

A checklist is made once a problem, without any solution in sight. One with no question in it is
allowed: then the solution is scored directly, from 0 to 10. Items that a judge is unsure of, or
does not answer readably, do not count; with none left there is no score.

Dimension key: Q questions, V votes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from surefoot.annotate.asking import (
    QUOTING,
    ask,
    code_word,
    json_of,
    quoted,
    reading_notes,
    said_of,
    verdict_of,
)
from surefoot.annotate.judges.opinion import Opinion, mean_known
from surefoot.core.errors import InputError
from surefoot.core.protocols import Sampler
from surefoot.core.types import Problem, Trace, Usage

ANSWERS = {"YES": True, "NO": False, "UNSURE": None}
MOST_QUESTIONS, LONGEST = 8, 500


@dataclass(frozen=True, slots=True)
class Checklist:
    """questions: [Q]; None if the judge's reply could not be read. usage: what it cost."""

    questions: tuple[str, ...] | None
    usage: Usage = Usage()  # noqa: RUF009  (immutable)


@dataclass(frozen=True, slots=True)
class Checked:
    """passed_Q: did the solution pass each question, by most votes cast? None: nobody can tell.

    words: what the judge said, reply by reply: the reasons, for who mends the solution.
    """

    opinion: Opinion
    passed_Q: tuple[bool | None, ...]
    words: tuple[str, ...]

    def failed(self, questions: Sequence[str]) -> list[str]:
        """The questions that it did not pass."""
        return [q for q, passed in zip(questions, self.passed_Q, strict=True) if passed is False]


def checklist_of(problem: Problem, *, judge: Sampler, seed: int = 0) -> Checklist:
    """The questions to ask of solutions of a problem. Cost: one call."""
    replies = ask(judge, problem, "checklist", checklist_prompt(problem), seed=seed)
    return Checklist(read_questions(replies.texts[0]), replies.usage)


def read_questions(reply: str) -> tuple[str, ...] | None:
    """The questions of a reply that is nothing but a JSON list of at most eight, in one line each;
    None for any other reply, and for one that asks the same twice."""
    found = json_of(reply)
    if not isinstance(found, list) or len(found) > MOST_QUESTIONS:
        return None
    fine = [q for q in found if isinstance(q, str) and q.strip() and len(q.splitlines()) == 1]
    if (
        len(fine) != len(found)
        or len(set(fine)) != len(fine)
        or any(len(q) > LONGEST for q in fine)
    ):
        return None
    return tuple(fine)


def checked(
    trace: Trace, *, judge: Sampler, checklist: Checklist, votes: int = 1, seed: int = 0
) -> Checked:
    """A solution against a checklist. Cost: one call with `votes` replies, none if the checklist
    could not be read: then there is no score.

    Raises InputError for a trace without steps.
    """
    if not trace.steps:
        raise InputError(f"a trace of problem {trace.problem.id!r} has no steps to judge")
    if checklist.questions is None:
        return Checked(Opinion(None, Usage(), reading_notes(1, 1)), (), ())
    if not checklist.questions:
        return _directly(trace, judge, votes, seed)
    code = code_word(trace.problem.text, trace.text, *checklist.questions)
    prompt = check_prompt(trace, checklist.questions, code)
    replies = ask(judge, trace.problem, "check", prompt, votes=votes, seed=seed)
    votes_V_Q = [_answers(text, len(checklist.questions), code) for text in replies.texts]
    passed = tuple(_majority(votes_V) for votes_V in zip(*votes_V_Q, strict=True))
    score = mean_known([None if p is None else float(p) for p in passed])
    unreadable = sum(all(answer is None for answer in row) for row in votes_V_Q)
    notes = reading_notes(votes, unreadable)
    return Checked(Opinion(score, replies.usage, notes), passed, replies.texts)


def _answers(reply: str, count: int, code: str) -> list[bool | None]:
    return [verdict_of(reply, f"Question {i}", code, ANSWERS) for i in range(count)]


def _majority(votes_V: Sequence[bool | None]) -> bool | None:
    """None without a vote, or at a tie."""
    cast = [vote for vote in votes_V if vote is not None]
    return None if 2 * sum(cast) == len(cast) else 2 * sum(cast) > len(cast)


def _directly(trace: Trace, judge: Sampler, votes: int, seed: int) -> Checked:
    code = code_word(trace.problem.text, trace.text)
    replies = ask(judge, trace.problem, "grade", grade_prompt(trace, code), votes=votes, seed=seed)
    grades_V = [read_grade(text, code) for text in replies.texts]
    notes = reading_notes(votes, grades_V.count(None))
    return Checked(Opinion(mean_known(grades_V), replies.usage, notes), (), replies.texts)


def read_grade(reply: str, code: str) -> float | None:
    """N / 10 of a line "Grade [CODE]: N", N from 0 to 10; None without one, or if two differ."""
    said = set(said_of(reply, "Grade", code))
    word = said.pop() if len(said) == 1 else ""
    return int(word) / 10 if word in map(str, range(11)) else None


def checklist_prompt(problem: Problem) -> str:
    """The problem alone, and the form of the reply."""
    return f"""\
Below is a problem. Write a checklist for solutions of it that others will submit.
{QUOTING}

Problem:
{quoted(problem.text)}

Write two to {MOST_QUESTIONS} questions that can be answered with yes or no by reading a solution.
Yes must be good. Each asks for one thing that the problem needs; none repeats another.
Reply with nothing but a JSON list of strings."""


def check_prompt(trace: Trace, questions: Sequence[str], code: str) -> str:
    """The solution, the questions, and how they are to be answered."""
    listed = "\n".join(f"Question {i}:\n{quoted(q)}" for i, q in enumerate(questions))
    return f"""\
Below is a problem, a solution that may be wrong, and questions about it.
{QUOTING}

Problem:
{quoted(trace.problem.text)}

Solution:
{quoted(trace.text)}

{listed}

For each question say why in a sentence, then write a line

Question N [{code}]: WORD

where WORD is YES, NO, or UNSURE if you cannot tell, and the brackets stay as they are."""


def grade_prompt(trace: Trace, code: str) -> str:
    """The solution, and how its grade is to be written."""
    return f"""\
Below is a problem and a solution that may be wrong.
{QUOTING}

Problem:
{quoted(trace.problem.text)}

Solution:
{quoted(trace.text)}

How good is it? Say why, then write a line

Grade [{code}]: N

where N is a whole number from 0 to 10, and the brackets stay as they are."""
