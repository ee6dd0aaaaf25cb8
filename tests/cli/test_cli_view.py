"""`surefoot view`: real files of a search and of labels become one page."""

import json
import re

import pytest


@pytest.fixture(scope="module")
def searched(cli, tiny, verifier, tmp_path_factory):
    out = tmp_path_factory.mktemp("view") / "mcts.jsonl"
    cli(
        "search", "trails:easy", "--limit", 2, "--method", "mcts:simulations=3,width=2", "--trees",
        "--policy", tiny, "--verifier", verifier, "--max-tokens", 24, "--out", out,
    )  # fmt: skip
    return out


def held(page, kind):
    found = re.findall(rf'<script type="application/json" class="{kind}"[^>]*>(.*?)</script>', page)
    return [json.loads(text) for text in found]


def test_a_search_with_its_trees_becomes_a_page(cli, searched, tmp_path):
    said = cli("view", searched, "--out", tmp_path / "v.html", "--title", "A <page>").stderr
    assert "v.html (runs: 1, problems: 2)" in said
    page = (tmp_path / "v.html").read_text()
    assert "<title>A &lt;page&gt;</title>" in page
    [index], trees = held(page, "viewer-index"), held(page, "viewer-tree")
    assert index["title"] == "A <page>"
    assert [run["name"] for run in index["runs"]] == ["mcts"]
    nodes = [attempt["nodes"] for attempt in index["runs"][0]["attempts"]]
    assert [len(view["steps"]) for view in trees] == nodes
    assert all("visits" in view and "scores" in view and "truth" in view for view in trees)


def test_labels_stand_beside_the_truth(cli, traces, tmp_path):
    labels = tmp_path / "outcome.jsonl"
    cli("label", traces, "--method", "outcome", "--out", labels)
    cli("view", labels, "--out", tmp_path / "v.html")
    trees = held((tmp_path / "v.html").read_text(), "viewer-tree")
    assert all({"labels", "truth"} <= view.keys() for view in trees)
    assert {view["by"]["labels"] for view in trees} == {"outcome"}


def test_what_is_no_run_is_one_line(refused, tmp_path):
    assert "holds no run" in refused("view", tmp_path, "--out", tmp_path / "v.html")
    assert not (tmp_path / "v.html").exists()
