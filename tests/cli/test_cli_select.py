"""`surefoot select --curves`: one command for everything about a pool."""

import json
import re
from pathlib import Path

import pytest
from cli_helpers import write_rows

from surefoot.cli.select import names_of
from surefoot.core.errors import InputError
from surefoot.evaluate.pools import AGGREGATIONS

POOL = [
    {
        "problem_id": f"p{p}",
        "candidates": [
            {"extracted_answer": a, "is_correct": a == "4", "steps": ["x", "y"]}
            for a in ("5", "4" if p % 4 else "5", "5" if p % 2 else "4")
        ],
    }
    for p in range(8)
]


def scores(flip):
    return [
        {
            "problem_id": row["problem_id"],
            "candidate_index": i,
            "n_steps": 2,
            "step_scores": [0.5, abs(flip - (0.9 if c["is_correct"] else 0.2))],
        }
        for row in POOL
        for i, c in enumerate(row["candidates"])
    ]


@pytest.fixture
def study(tmp_path):
    pool = write_rows(tmp_path / "pool.jsonl", POOL)
    good = write_rows(tmp_path / "scores_good_x.jsonl", scores(0))
    bad = write_rows(tmp_path / "scores_bad_x.jsonl", scores(1))
    return ["select", pool, "--scores", good, "--scores", bad, "--curves"]


def test_a_table_on_stdout_and_three_files(cli, study, tmp_path):
    out = tmp_path / "out"
    done = cli(*study, "--out", out)
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines[2:4]] == [["good", "last"], ["good", "min"]]
    assert len(lines) == 2 + 2 * len(AGGREGATIONS)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["verifiers"]["good"]["aggregations"]["last"]["best_of_n"]["estimate"] == 1
    assert summary["verifiers"]["bad"]["aggregations"]["last"]["best_of_n"]["estimate"] == 0
    assert json.loads((out / "curves.json").read_text())["n"] == [1, 2, 3]
    assert "<!doctype html>" in (out / "report.html").read_text()
    assert json.loads(cli(*study, "--json").stdout) == summary


def test_kinds_flag_what_does_not_fit(cli, study):
    def legal(*kinds):
        told = json.loads(cli(*study, "--json", *kinds).stdout)["verifiers"]
        return [told[name]["aggregations"]["last"]["legal"] for name in ("good", "bad")]

    assert legal() == [None, None]
    assert legal("--kind", "value") == [True, True]
    assert legal("--kind", "value", "--kind", "correctness") == [True, False]


def test_the_seed_moves_intervals_and_nothing_else(cli, study):
    first, second = (
        json.loads(cli(*study, "--json", "--seed", seed).stdout)["coverage_law"]["b"]
        for seed in (0, 1)
    )
    assert first["estimate"] == second["estimate"]
    assert first != second


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--kind", "taste"], "--kind must be one of correctness, value.*got 'taste'"),
        (["--kind", "value"] * 3, "expected none, one, or 2 .one a file., got 3"),
    ],
)
def test_bad_kinds_are_refused(refused, study, extra, message):
    assert re.search(message, refused(*study, *extra))


def test_what_belongs_to_curves_asks_for_it(refused, study):
    assert "are for --curves; add it" in refused(*study[:-1])
    assert "are for --curves" in refused(*study[:4], "--out", "x")


def test_names_lose_what_all_share():
    files = [Path(f"scores_{n}_gsm8k.jsonl.gz") for n in ("skywork", "qwen", "qwen2")]
    assert names_of(files) == ["skywork", "qwen", "qwen2"]
    assert names_of([Path("a/own.jsonl")]) == ["own"]
    with pytest.raises(InputError, match="would name two verifiers"):
        names_of([Path("a/own.jsonl"), Path("b/own.jsonl")])
