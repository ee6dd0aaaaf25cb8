import json

import pytest

from surefoot.core.errors import InputError
from surefoot.core.records import problem_record, write_all
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.tasks import trails
from surefoot.tasks.load import check_golds, checker_for, load_problems


def file_of(tmp_path, *rows):
    path = tmp_path / "problems.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


ROW = {"id": "a", "problem": "1+1?", "answer": "2", "level": "easy"}


def test_our_own_file_round_trips(tmp_path):
    problems = [Problem("a", "1+1?", "2", "easy"), Problem("b", "2+2?", "4")]
    path = tmp_path / "problems.jsonl.gz"
    write_all(tmp_path / "problems.jsonl", map(problem_record, problems))
    assert load_problems(tmp_path / "problems.jsonl") == problems
    assert load_problems(str(tmp_path / "problems.jsonl"), count=1) == problems[:1]
    with pytest.raises(InputError, match="there is no file"):
        load_problems(path)


def test_a_number_as_answer_is_text(tmp_path):
    assert load_problems(file_of(tmp_path, ROW | {"answer": 2}))[0].gold == "2"


def test_gsm8k_files_are_recognised(tmp_path):
    path = file_of(tmp_path, {"question": "?", "answer": "#### 5"})
    assert load_problems(path) == [Problem("problems-1", "?", "5")]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([ROW, ROW], r"row 2: field 'id': 'a' is already the id of row 1; make the ids differ"),
        ([{"id": "a", "problem": "?"}], r"row 1: field 'answer' of problem 'a' is missing; add"),
        ([ROW | {"answer": None}], "row 1: field 'answer' of problem 'a' is missing"),
        ([ROW | {"answer": [2]}], r"row 1: field 'answer': expected"),
        ([ROW | {"problem": " "}], "row 1: field 'problem' is empty"),
        ([{"id": "a", "answer": "2"}], "row 1: field 'problem' is missing"),
        ([ROW, {"problem": "?", "answer": "2"}], "row 2: field 'id' is missing"),
        ([ROW, "{not json"], "row 2: expected a JSON object"),
        ([ROW, "[1]"], "row 2: expected a JSON object, got list"),
        ([""], "has no rows"),
    ],
)
def test_malformed_files_are_explained(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        load_problems(file_of(tmp_path, *rows))


def test_gold_may_be_unknown_if_asked(tmp_path):
    path = file_of(tmp_path, {"id": "a", "problem": "?"})
    assert load_problems(path, need_gold=False)[0].gold is None


def test_trails_by_name():
    assert load_problems("trails:hard", count=3) == trails.problems("test", 3, level="hard")
    expected = trails.problems("train", 3, level="easy", seed=7)
    assert load_problems("trails:train:easy:7", count=3) == expected
    assert len(load_problems("trails:easy")) == 200


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("trails:heavy", "levels .*, got 'heavy'"),
        ("trails:exam:easy", "expected trails:LEVEL"),
        ("trails:test:easy:one", "expected trails:LEVEL"),
        ("trails:test:easy:1:2", "expected trails:LEVEL"),
        ("trails", "levels"),
        ("gym:chain_sum:x", "expected gym:NAME"),
        ("gsm8k:valid", "expected gsm8k:train or gsm8k:test"),
        ("nothing:here", "there is no file nothing:here"),
    ],
)
def test_unknown_sources_are_explained(source, message):
    with pytest.raises(InputError, match=message):
        load_problems(source)


def test_count_is_positive():
    with pytest.raises(InputError, match="count must be 1 or more, got 0"):
        load_problems("trails:easy", count=0)


def test_gym_by_name():
    pytest.importorskip("reasoning_gym", reason="needs surefoot[gym]")
    problems = load_problems("gym:chain_sum:4", count=2)
    assert [p.id for p in problems] == ["gym-chain_sum-4-0", "gym-chain_sum-4-1"]
    assert check_golds(problems, checker_for("gym:chain_sum")) == []


@pytest.mark.parametrize("level", ["easy", "middle", "hard"])
def test_every_checker_accepts_its_own_gold(level):
    source = f"trails:{level}"
    assert check_golds(load_problems(source, count=50), checker_for(source)) == []


def test_check_golds_names_the_ill():
    problems = [Problem("a", "?", "2"), Problem("b", "?", "\x00"), Problem("c", "?")]

    def check(problem, trace):
        return Verdict.CORRECT if problem.id == "a" else Verdict.UNREADABLE

    assert check_golds(problems, check) == ["b"]


def test_saved_problems_keep_their_own_checker(tmp_path):
    [problem] = trails.problems("test", 1)
    path = file_of(tmp_path, problem_record(problem), ROW)
    of_trails, of_maths = load_problems(path)
    check = checker_for(path)
    right = Trace(of_trails, (Step(f"The answer is {problem.gold}"),))
    assert check(of_trails, right) is Verdict.CORRECT
    no_line = Trace(of_trails, (Step(f"so {problem.gold}"),))  # trails wants its own form
    assert check(of_trails, no_line) is Verdict.UNREADABLE
    assert check(of_maths, Trace(of_maths, (Step("so 2.0"),))) is Verdict.CORRECT
