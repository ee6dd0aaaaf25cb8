"""The Game of 24: flaws by hand, solved puzzles, and the logs of Tree of Thoughts."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.records import read_rows
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.tasks import game24
from surefoot.tasks.game24 import Flaw, problem_of_numbers
from surefoot.tasks.load import check_golds

PUZZLE = problem_of_numbers("p", [4, 5, 6, 10])


def trace_of(text, problem=PUZZLE):
    return Trace(problem, tuple(map(Step, text.split("\n"))))


RIGHT = """10 - 4 = 6 (left: 5 6 6)
5 * 6 = 30 (left: 30 6)
30 - 6 = 24 (left: 24)
Answer: 5 * (10 - 4) - 6 = 24"""


def test_a_right_solution():
    assert game24.check_steps(PUZZLE, trace_of(RIGHT)) == [None] * 4
    assert game24.still_solvable(PUZZLE, trace_of(RIGHT)) == [True] * 4
    assert game24.check(PUZZLE, trace_of(RIGHT)) is Verdict.CORRECT


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        ("10 - 4 = 6", None),  # what is left may stay unsaid
        ("4 - 10 = -6 (left: 5 6 -6)", None),
        ("5 / 4 = 1.25 (left: 6 10 1.25)", None),
        ("5 / 6 = 5/6 (left: 4 10 5/6)", None),
        ("10 / 6 = 1.67 (left: 1.67 4 5)", Flaw.RESULT),  # rounded
        ("10 - 4 = 7 (left: 5 6 7)", Flaw.RESULT),
        ("10 - 4 = 6 (left: 5 6)", Flaw.LEFT),
        ("10 - 4 = 6 (left: 5 6 6 6)", Flaw.LEFT),
        ("10 - 3 = 7 (left: 5 6 7)", Flaw.NUMBER),
        ("10 + 10 = 20 (left: 5 6 20)", Flaw.NUMBER),  # there is one 10
        ("10 - 4 - 5 = 1", Flaw.FORM),
        ("10 ** 4 = 10000", Flaw.FORM),
        ("5 / 0 = 0", Flaw.NUMBER),
        ("5 / 4 = 5/0", Flaw.RESULT),
        ("", Flaw.FORM),
        ("Answer: 5 * (10 - 4) - 6 = 24", None),
        ("Answer: 5 * (10 - 4) - 6", None),
        ("Answer: 5 * (10 - 4) - 6 = 25", Flaw.ANSWER),
        ("Answer: (6 - 4) * 10 + 4 = 24", Flaw.ANSWER),  # 4 twice, no 5
        ("Answer: 4 * 6 * (10 - 5 - 4)", Flaw.ANSWER),
        ("Answer: 24", Flaw.ANSWER),
        ("Answer: 4 * 6", Flaw.ANSWER),
        ("Answer: None", Flaw.ANSWER),
        ("Answer: __import__('os').system('true') or 24", Flaw.ANSWER),
    ],
)
def test_flaws_by_hand(line, flaw):
    assert game24.check_steps(PUZZLE, trace_of(line)) == [flaw]


def test_what_builds_on_a_wrong_step_is_wrong():
    text = "10 - 4 = 7 (left: 5 6 7)\n7 - 5 = 2 (left: 6 2)\n10 - 4 = 6 (left: 5 6 6)"
    assert game24.check_steps(PUZZLE, trace_of(text)) == [Flaw.RESULT, Flaw.NUMBER, None]


def test_a_right_step_may_lose_the_game():
    """6 / 4 = 1.5 is true, and no way leads from 1.5, 5, 10 to 24 [by enumeration]."""
    trace = trace_of("6 / 4 = 1.5 (left: 1.5 5 10)")
    assert game24.check_steps(PUZZLE, trace) == [None]
    assert game24.still_solvable(PUZZLE, trace) == [False]


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("5 * (10 - 4) - 6", Verdict.CORRECT),
        ("5 * (10 - 4) - 6 = 24", Verdict.CORRECT),
        ("4 + 5 + 6 + 10", Verdict.WRONG),
        ("-(4 - 10) * 5 - 6", Verdict.WRONG),  # a sign is no operation of the game
        ("there is none", Verdict.UNREADABLE),
        ("(((((", Verdict.UNREADABLE),
    ],
)
def test_verdicts(answer, verdict):
    assert game24.check(PUZZLE, Trace(PUZZLE, (), answer=answer)) is verdict
    assert game24.check(PUZZLE, trace_of(f"Let me think.\nAnswer: {answer}")) is verdict


@given(st.lists(st.integers(1, 13), min_size=4, max_size=4))
def test_what_is_solved_passes_the_checker(numbers):
    puzzle = problem_of_numbers("p", numbers)
    assert (puzzle.gold is None) == (game24.solve(game24.numbers_of(puzzle)[::-1]) is None)
    assert check_golds([puzzle], game24.check) == []


def test_puzzles_without_a_solution_have_no_gold():
    assert problem_of_numbers("p", [1, 1, 1, 1]).gold is None
    assert problem_of_numbers("p", [3, 3, 8, 8]).gold == "8 / (3 - (8 / 3))"


@given(st.lists(st.text(), max_size=5))
def test_as_many_verdicts_as_steps_whatever_they_say(texts):
    trace = Trace(PUZZLE, tuple(map(Step, texts)))
    assert len(game24.check_steps(PUZZLE, trace)) == len(texts)
    assert len(game24.still_solvable(PUZZLE, trace)) == len(texts)


def test_other_problems_are_refused(tmp_path):
    with pytest.raises(InputError, match="'q' is no Game of 24"):
        game24.numbers_of(Problem("q", "What is 1 + 1?"))
    path = tmp_path / "24.csv"
    path.write_text("Rank,Puzzles\n1,4 5 6 10\n2,four\n")
    with pytest.raises(InputError, match=r"row 2: column 'Puzzles' .* got 'four'"):
        game24.game24_file(path)


def test_every_puzzle_is_solved_and_tree_of_thoughts_flags_agree(data):
    """10,000 solutions by GPT-4: one flag differs, where 4 * 6 is said to be 48."""
    puzzles = game24.game24_file(data / "game24" / "24.csv")
    assert len(puzzles) == 1362
    assert check_golds(puzzles, game24.check) == []
    assert all(puzzle.gold for puzzle in puzzles)
    log = data / "game24" / "tot_gpt-4_0.7_naive_cot_sample_100_start900_end1000.jsonl.gz"
    verdicts = Counter(
        (game24.check(puzzles[row["idx"]], trace_of(text, puzzles[row["idx"]])), info["r"])
        for _, row in read_rows(log)
        for text, info in zip(row["ys"], row["infos"], strict=True)
    )
    assert verdicts[Verdict.CORRECT, 1] == 402
    assert verdicts[Verdict.CORRECT, 0] == 0
    assert verdicts[Verdict.WRONG, 1] == 1
    assert verdicts.total() == 10_000
