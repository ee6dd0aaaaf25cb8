"""`surefoot compare` over a tiny model: files, a table, and the same again from the journal."""

import json

import pytest
from cli_helpers import rows_of

from surefoot.core.tree import Tree


@pytest.fixture(scope="module")
def compared(cli, tiny, verifier, tmp_path_factory):
    out = tmp_path_factory.mktemp("compare")
    arguments = [
        "compare", "best_of_n:n=2", "mcts:simulations=2,width=2", "beam:beams=1,width=2",
        "--problems", "trails:easy", "--limit", 2, "--policy", tiny, "--verifier", verifier,
        "--max-tokens", 24, "--most-samples", 3, "--out", out,
    ]  # fmt: skip
    return out, arguments, cli(*arguments)


def test_it_writes_a_summary_and_a_page_and_says_who_wins(compared):
    out, _, result = compared
    summary = json.loads((out / "summary.json").read_text())
    assert set(summary["equal_cost"]) == {
        "best_of_n:n=2", "mcts:simulations=2,width=2", "beam:beams=1,width=2",
    }  # fmt: skip
    for rows in summary["equal_cost"].values():
        assert set(rows) == {"policy tokens", "all tokens"}
        assert set(rows["policy tokens"]["plain"]) >= {"majority", "best-of-n", "random scorer"}
    assert set(summary["methods"]) >= {"perfect scorer", "random scorer", "majority"}
    assert "<html" in (out / "report.html").read_text()
    assert "best_of_n:n=2" in result.stdout
    for sentence in summary["verdicts"]:
        assert sentence in result.stderr


def test_again_it_asks_the_journal_and_finds_the_same(compared, cli):
    out, arguments, _ = compared
    first = json.loads((out / "summary.json").read_text())
    cli(*arguments)
    second = json.loads((out / "summary.json").read_text())
    for name in ("methods", "equal_cost", "diversity", "verdicts"):
        assert second[name] == first[name]
    assert second["journal_hits"] > first["journal_hits"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("hillclimb", "must be one of best_of_n"),
        ("mcts:speed=3", "no numeric setting 'speed'; it has batch, depth"),
        ("mcts:width=many", "width must be of type int, got 'many'"),
    ],
)
def test_a_method_that_cannot_be_is_refused(refused, spec, words):
    assert words in refused("compare", spec, "--limit", 1)


def test_each_search_s_answers_are_kept_with_their_trees_if_asked_for(compared, cli):
    out, arguments, _ = compared
    without = rows_of(out / "found.jsonl")
    assert [row["method"] for row in without] == [m for m in arguments[1:4] for _ in range(2)]
    assert not any("tree" in row for row in without)
    cli(*arguments, "--trees")
    rows = rows_of(out / "found.jsonl")
    for row, bare in zip(rows, without, strict=True):
        same = row.keys() - {"tree", "usage"}  # usage holds seconds
        assert {key: row[key] for key in same} == {key: bare[key] for key in same}
    trees = [Tree.from_json(row["tree"]) for row in rows if row["method"].startswith("mcts")]
    assert len(trees) == 2
    assert all(len(tree) > 1 for tree in trees)
