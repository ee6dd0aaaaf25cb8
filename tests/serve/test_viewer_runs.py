"""Runs from files: what is counted, what they are called, and what is refused."""

import json

import pytest
from viewer_files import (
    PROBLEM,
    RIGHT,
    RIGHT_TRACE,
    WRONG,
    WRONG_TRACE,
    found,
    other,
    trace,
    unfinished,
    write,
)

from surefoot.core.errors import InputError
from surefoot.core.records import scored_record, trace_record
from surefoot.core.types import Kind, Problem, Step, StepScores, Verdict
from surefoot.serve.viewer_runs import read_places, read_runs


def test_a_search_s_file_is_a_run_with_a_row_a_problem(tmp_path):
    second = trace(WRONG, Verdict.WRONG, "18", other(2))
    rows = [
        found(RIGHT_TRACE, candidates=(RIGHT_TRACE, WRONG_TRACE), scores=(0.9, 0.2)),
        found(second, tokens=(50, 0)),
        unfinished(other(3)),
        unfinished(Problem("p-4", PROBLEM.text)),  # no gold answer: nobody can check
    ]
    [run] = read_runs([write(tmp_path / "beam.jsonl", *rows)]).runs
    assert (run.name, run.searched) == ("beam", True)
    assert run.rights() == {"p-1": 1.0, "p-2": 0.0, "p-3": 0.0}
    figures = run.figures()
    assert figures is not None
    assert figures.accuracy == pytest.approx(1 / 3)
    assert figures.policy_tokens == pytest.approx((30 + 50 + 9 + 9) / 4)
    assert figures.verifier_tokens == pytest.approx(40 / 4)
    assert [run.attempts[key][0].solutions for key in run.attempts] == [2, 1, 0, 0]
    assert run.attempts["p-3"][0].why == "budget of 3 calls is spent"


def test_sampled_solutions_of_a_problem_are_one_row_of_its_run(tmp_path):
    rows = [trace_record(t) for t in (RIGHT_TRACE, WRONG_TRACE, WRONG_TRACE, trace(RIGHT))]
    [run] = read_runs([write(tmp_path / "traces.jsonl", *rows)]).runs
    assert not run.searched
    assert run.rights() == {"p-1": pytest.approx(1 / 3)}  # the unchecked one does not count
    assert len(run.attempts["p-1"]) == 4


def test_a_folder_of_compare_is_a_run_for_each_method_and_the_plain_rules(tmp_path):
    figures = {
        "accuracy": 0.5, "low": 0.4, "high": 0.6, "policy_tokens": 9.0, "verifier_tokens": 0.0,
    }  # fmt: skip
    summary = {
        "title": "t", "command": "c", "seconds": 1, "seed": 0, "policy": "p", "problems": 1,
        "methods": {"beam:beams=2": figures, "majority": figures},
    }  # fmt: skip
    point = {"tokens": 9.0, "accuracy": 0.5, "low": 0.4, "high": 0.6, "n": 1}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    (tmp_path / "report.json").write_text(json.dumps({"curves": {"majority": [point]}}))
    (tmp_path / "log.jsonl").write_text('{"loss": 1}\n')  # not of solutions: left alone
    rows = [found(RIGHT_TRACE, method=name) for name in ("beam:beams=2", "mcts")]
    write(tmp_path / "found.jsonl", *rows)
    read = read_runs([tmp_path])
    assert [run.name for run in read.runs] == ["beam:beams=2", "mcts", "majority"]
    assert [len(run.attempts) for run in read.runs] == [1, 1, 0]
    assert read.runs[2].figures().accuracy == 0.5
    assert list(read.curves) == ["majority"]


def test_equal_names_are_told_apart(tmp_path):
    files = []
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
        files.append(write(tmp_path / folder / "beam.jsonl", found(RIGHT_TRACE)))
    assert [r.name for r in read_runs(files).runs] == ["beam", "beam (2)", "beam (3)"]
    folders = [file.parent for file in files]
    assert [r.name for r in read_runs(folders).runs] == ["a: beam", "b: beam", "c: beam"]


def test_what_is_no_run_is_refused_by_its_place(tmp_path):
    rows = [found(RIGHT_TRACE), {**found(WRONG_TRACE), "steps": [1]}]
    with pytest.raises(InputError, match=r"bad.jsonl row 2: field 'steps\[0\]'"):
        read_runs([write(tmp_path / "bad.jsonl", *rows)])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty holds no run: expected rows of `surefoot search`"):
        read_runs([tmp_path / "empty"])
    with pytest.raises(InputError, match="there is none at"):
        read_runs([tmp_path / "nowhere.jsonl"])
    broken = {**found(RIGHT_TRACE), "usage": {"policy_tokens": "many"}}
    with pytest.raises(InputError, match=r"broken.jsonl row 1: field 'policy_tokens'"):
        read_runs([write(tmp_path / "broken.jsonl", broken)])


def test_a_run_without_any_check_has_no_accuracy(tmp_path):
    [run] = read_runs([write(tmp_path / "t.jsonl", trace_record(trace(RIGHT)))]).runs
    assert run.rights() == {}
    assert run.figures() is None
    assert run.tokens() is None  # its ids are not known: not 0


def test_rows_are_read_again_by_their_places(tmp_path):
    file = write(tmp_path / "t.jsonl", {"n": 1}, {"n": 2}, {"n": 3})
    assert read_places([(file, 3), (file, 1)]) == {(file, 1): {"n": 1}, (file, 3): {"n": 3}}
    with pytest.raises(InputError, match=r"t.jsonl has no row 4; it is not the file that it was"):
        read_places([(file, 4), (file, 2)])


def test_tokens_of_solutions_are_their_own_and_what_their_verifier_read(tmp_path):
    written = trace(RIGHT, Verdict.CORRECT)
    ids = written.with_steps(tuple(Step(s.text, ids=(1, 2, 3)) for s in written.steps))
    scores = StepScores(Kind.VALUE, (0.5, 0.5), "prm", tokens=20)
    [run] = read_runs([write(tmp_path / "s.jsonl", scored_record(ids, scores))]).runs
    figures = run.figures()
    assert (figures.policy_tokens, figures.verifier_tokens) == (6, 20)


def test_candidates_that_are_no_list_are_refused_by_row(tmp_path):
    row = {
        "problem": {"id": "a", "problem": "?", "answer": "7"}, "steps": ["7"], "answer": "7",
        "verdict": "correct", "finished": True, "candidates": 10,
    }  # fmt: skip
    (tmp_path / "bad.jsonl").write_text(json.dumps(row))
    with pytest.raises(InputError, match=r"bad.jsonl row 1: field 'candidates': expected list"):
        read_runs([tmp_path / "bad.jsonl"])
