"""The Game of 24: make 24 from four numbers; every step can be checked exactly.

    10 - 4 = 6 (left: 5 6 6)
    5 * 6 = 30 (left: 6 30)
    30 - 6 = 24 (left: 24)
    Answer: 5 * (10 - 4) - 6 = 24

A step takes two of the numbers that are left and puts back the result of + - * or /. All is
computed in fractions: 8 / 3 = 2.67 is wrong. Puzzles and the form of the steps are those of
Tree of Thoughts (arXiv:2305.10601).
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.core.types import Problem, Trace, Verdict
from surefoot.tasks.arithmetic import tokens_of, value_of_text, value_of_tokens

TARGET = 24
_TEXT = "Make 24 from the numbers {}: use each of them once, with + - * / and brackets."
_NUMBERS = re.compile(r"numbers ((?:\d{1,6} ){1,5}\d{1,6}):", re.ASCII)
_NUMBER = r"-?\d{1,12}(?:\.\d{1,12}|/\d{1,12})?"
_STEP = re.compile(
    rf"({_NUMBER}) ([-+*/]) ({_NUMBER}) = ({_NUMBER})(?: \(left: ({_NUMBER}(?: {_NUMBER})*)\))?",
    re.ASCII,
)
_ANSWER = re.compile(r"^Answer: ([^=\n]{1,200}?)(?: = ([^=\n]{1,40}))?$", re.MULTILINE)


# --- problems ------------------------------------------------------------------


def problem_of_numbers(name: str, numbers: Sequence[int]) -> Problem:
    """A puzzle; its gold answer is a solution that was searched for, None if it has none."""
    left = [Fraction(number) for number in numbers]
    return Problem(name, _TEXT.format(" ".join(map(str, numbers))), solve(left))


def game24_file(path: str | Path) -> list[Problem]:
    """The puzzles of Tree of Thoughts' 24.csv (column "Puzzles"), with ids "game24-ROW" from 1."""
    with Path(path).open(encoding="utf-8", newline="") as lines:
        return [_problem(row, number, path) for number, row in enumerate(csv.DictReader(lines), 1)]


def _problem(row: dict[str, str], number: int, path: str | Path) -> Problem:
    puzzle = row.get("Puzzles") or ""
    if not re.fullmatch(r"\d{1,6}( \d{1,6}){1,5}", puzzle, re.ASCII):
        raise InputError(
            f"{path} row {number}: column 'Puzzles' should hold numbers such as '4 5 6 10', "
            f"got {puzzle!r}"
        )
    return problem_of_numbers(f"game24-{number}", [int(n) for n in puzzle.split()])


def numbers_of(problem: Problem) -> list[Fraction]:
    """The numbers that a puzzle's text names. Raises InputError if it is no puzzle of 24."""
    found = _NUMBERS.search(problem.text)
    if found is None:
        raise InputError(f"problem {problem.id!r} is no Game of 24: expected {_TEXT!r}")
    return [Fraction(number) for number in found[1].split()]


# --- checking --------------------------------------------------------------------


class Flaw:
    """Why a step is wrong, as constant strings; a correct step has none (None)."""

    FORM = "not a step of the form '10 - 4 = 6 (left: 5 6 6)'"
    NUMBER = "uses a number that is not left"
    RESULT = "computes a wrong result"
    LEFT = "says that other numbers are left than are"
    ANSWER = "the answer does not make 24 from the numbers"


def check_steps(problem: Problem, trace: Trace) -> list[str | None]:
    """What is wrong with each step, [S]; None where nothing is.

    A wrong step takes no numbers and leaves none, so what builds on it is wrong too.
    """
    return [flaw for flaw, _ in _walk(problem, trace)]


def still_solvable(problem: Problem, trace: Trace) -> list[bool]:
    """[S] can 24 be made from what is left after each step? The best policy's exact value."""
    return [solve(left) is not None for _, left in _walk(problem, trace)]


def _walk(problem: Problem, trace: Trace) -> Iterator[tuple[str | None, list[Fraction]]]:
    """After each step, what was wrong with it and the numbers that are left."""
    left = numbers_of(problem)
    for step in trace.steps:
        line = step.text.strip()
        if line.startswith("Answer:"):
            right = _makes_24(answer_of(line), numbers_of(problem))
            yield (None if right else Flaw.ANSWER), left
            continue
        match = _STEP.fullmatch(line[:200])
        flaw = Flaw.FORM if match is None else _flaw(match, left)
        if match is not None and flaw is None:
            left = _after(left, match)
        yield flaw, left


def _flaw(match: re.Match[str], left: list[Fraction]) -> str | None:
    first, op, second, result, stated = match.groups()
    a, b, c = (_number(text) for text in (first, second, result))
    if Counter([a, b]) - Counter(left):
        return Flaw.NUMBER
    if c is None or _apply(a, op, b) != c:
        return Flaw.RESULT
    if stated is not None and Counter(map(_number, stated.split())) != Counter(_after(left, match)):
        return Flaw.LEFT
    return None


def _after(left: list[Fraction], match: re.Match[str]) -> list[Fraction]:
    """What is left when the step's two numbers have gone and its result has come."""
    a, b, c = ([n] if (n := _number(match[group])) is not None else [] for group in (1, 3, 4))
    return [*(Counter(left) - Counter(a + b)).elements(), *c]


def _number(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except ZeroDivisionError:
        return None


def _apply(a: Fraction | None, op: str, b: Fraction | None) -> Fraction | None:
    if a is None or b is None or (op == "/" and b == 0):
        return None
    return {"+": a + b, "-": a - b, "*": a * b}[op] if op != "/" else a / b


def check(problem: Problem, trace: Trace) -> Verdict:
    """The `Checker`: does the answer make 24, with each number used once? (Its steps may be wrong.)

    UNREADABLE if no line "Answer: ..." holds an expression.
    """
    text = trace.text if trace.steps else f"Answer: {trace.answer}"
    answer = answer_of(text)
    if answer is None or value_of_text(answer[0]) is None:
        return Verdict.UNREADABLE
    return Verdict.CORRECT if _makes_24(answer, numbers_of(problem)) else Verdict.WRONG


def answer_of(text: str) -> tuple[str, str] | None:
    """(expression, what it is said to make or "") of the last line "Answer: ...", or None."""
    found: list[tuple[str, str]] = _ANSWER.findall(text)
    return found[-1] if found else None


def _makes_24(answer: tuple[str, str] | None, numbers: list[Fraction]) -> bool:
    expression, said = answer or ("", "")
    tokens = tokens_of(expression)
    used = [Fraction(token.text) for token in tokens if token.text.isdecimal()]
    ops = [token for token in tokens if token.sort == "op"]
    plain = all(token.text.isdecimal() or token.text in tuple("+-*/()") for token in tokens)
    as_many = len(ops) == len(numbers) - 1 and Counter(used) == Counter(numbers)  # no signs
    made = plain and as_many and value_of_tokens(tokens) == TARGET
    return made and said in ("", str(TARGET))


# --- solving -----------------------------------------------------------------------


def solve(numbers: Sequence[Fraction]) -> str | None:
    """An expression that makes 24 from all of the numbers, or None. Milliseconds for four."""
    tree = _solve(tuple(sorted(numbers)))
    return tree[1:-1] if tree is not None and tree.startswith("(") else tree


@lru_cache(maxsize=100_000)
def _solve(numbers: tuple[Fraction, ...]) -> str | None:
    """As `solve`. Combines two of the numbers, solves the rest, and puts the two back in."""
    if len(numbers) == 1:
        return str(TARGET) if numbers[0] == TARGET else None
    for i, j in combinations(range(len(numbers)), 2):
        rest = [n for k, n in enumerate(numbers) if k not in (i, j)]
        for a, op, b, result in _combined(numbers[i], numbers[j]):
            inner = _solve(tuple(sorted([*rest, result])))
            if inner is not None:
                return _put_back(inner, result, f"({a} {op} {b})")
    return None


def _combined(a: Fraction, b: Fraction) -> Iterator[tuple[Fraction, str, Fraction, Fraction]]:
    for first, op, second in (
        (a, "+", b), (a, "*", b), (a, "-", b), (b, "-", a), (a, "/", b), (b, "/", a)
    ):  # fmt: skip
        result = _apply(first, op, second)
        if result is not None:
            yield first, op, second, result


def _put_back(expression: str, number: Fraction, made: str) -> str:
    """The expression with one occurrence of `number` replaced by what makes it."""
    return re.sub(rf"(?<![\d/-]){re.escape(str(number))}(?![\d/])", made, expression, count=1)
