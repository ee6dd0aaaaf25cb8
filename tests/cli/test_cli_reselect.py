"""`surefoot reselect`: another rule over what a search has kept."""

import json
from dataclasses import replace

import pytest
from cli_helpers import rows_of, write_rows

from surefoot.cli.search import found_record
from surefoot.core.types import Kind, Problem, Step, StepScores, Trace, Usage, Verdict
from surefoot.search import Found, Unfinished
from surefoot.search.result import tree_of

PROBLEM = Problem("p", "?", gold="2")
WRONG, RIGHT = Verdict.WRONG, Verdict.CORRECT


def found(*, scored=True):
    """Scores .9 .5 | .6 .6 | .6 .6: by product and mean the first, by min and votes the second."""
    ends = (("1", "a", WRONG, -0.1), ("2", "b", RIGHT, -2.0), ("2", "c", RIGHT, -2.0))
    traces = tuple(
        Trace(PROBLEM, (Step(f"try {text}", (1,), (log,)), Step(answer, (2,), (log,))), answer, v)
        for answer, text, v, log in ends
    )
    values = ((0.9, 0.5), (0.6, 0.6), (0.6, 0.6)) if scored else ()
    tree = tree_of(traces, [StepScores(Kind.CORRECTNESS, row, "x") for row in values])
    return Found(PROBLEM, traces[0], traces, (0.45, 0.36, 0.36), Usage(calls=6), tree)


LOST = Unfinished(PROBLEM, "calls", (), Usage(calls=1), tree_of((), ()))


@pytest.fixture
def again(cli, tmp_path):
    def run(results, *options):
        rows = [found_record("best_of_n", result, trees=True) for result in results]
        path, out = write_rows(tmp_path / "found.jsonl", rows), tmp_path / "again.jsonl"
        told = json.loads(cli("reselect", path, "--out", out, *options, "--json").stdout)
        return told, rows_of(out), out

    return run


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ((), "1"),
        (("--aggregation", "mean"), "1"),
        (("--aggregation", "min"), "2"),
        (("--by", "weighted_vote"), "2"),
        (("--by", "majority"), "2"),
        (("--by", "probability"), "1"),  # e^-.1 outweighs 2 e^-2
    ],
)
def test_each_rule_by_hand(again, options, answer):
    told, [row, lost], _ = again([found(), LOST], *options)
    assert row["answer"] == answer
    assert row["usage"]["calls"] == 6, "choosing again costs nothing"
    by = options[1] if "--by" in options else "score"
    assert row["method"] == f"best_of_n, by {by}"
    assert lost["unfinished"] == "calls"
    right = answer == "2"
    assert (told["problems"], told["unfinished"], told["changed"]) == (2, 1, right)
    assert (told["accuracy_before"], told["accuracy"]) == (0, right / 2)


def test_what_it_writes_can_be_chosen_from_again(again, cli, tmp_path):
    _, [row], out = again([found()], "--by", "majority")
    cli("reselect", out, "--out", tmp_path / "third.jsonl")
    [third] = rows_of(tmp_path / "third.jsonl")
    assert (row["answer"], third["answer"]) == ("2", "1")


def test_a_row_whose_budget_left_no_score_stays(again):
    told, rows, _ = again([found(scored=False), found()], "--aggregation", "min")
    assert [row["answer"] for row in rows] == ["1", "2"]
    assert told["changed"] == 1


def test_what_cannot_be_is_refused(refused, tmp_path):
    def line(results, *options, trees=True):
        rows = [found_record("beam", result, trees=trees) for result in results]
        path = write_rows(tmp_path / "found.jsonl", rows)
        return refused("reselect", path, "--out", tmp_path / "out", *options)

    assert "by product or min or mean or geometric_mean, not by 'last'" in line(
        [found()], "--aggregation", "last"
    )
    assert "does nothing for --by majority" in line(
        [found()], "--by", "majority", "--aggregation", "min"
    )
    assert "row 1: field 'tree' is missing" in line([found()], trees=False)
    assert "no search kept step scores; choose --by majority" in line([found(scored=False)])
    assert "--by must be one of score" in line([found()], "--by", "lot")
    assert "has no rows" in line([])
    assert "no log-probabilities" in line(
        [replace(found(), candidates=tuple(map(bare, found().candidates)), tree=tree_of((), ()))],
        "--by",
        "probability",
    )


def bare(trace):
    return trace.with_steps(tuple(Step(step.text) for step in trace.steps))
