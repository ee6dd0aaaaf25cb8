"""`surefoot fuse` and `surefoot audit`, through the command line."""

import json

import pytest
from cli_helpers import rows_of, write_rows

METHODS = ("consensus", "dawid_skene", "step_dawid_skene", "label_model", "metric")


def relabelled(labels, path, by, *, flip=lambda row, step: False, tokens=100):
    """The oracle's labels as another source would have them, with some of them flipped."""
    rows = rows_of(labels)
    for r, row in enumerate(rows):
        row["usage"] = {"verifier_tokens": tokens}
        for t, x in enumerate(row["labels"]):
            x["by"] = by
            x["successes"] = 1 - x["successes"] if flip(r, t) else x["successes"]
    return write_rows(path, rows)


@pytest.fixture(scope="module")
def sources(labels, tmp_path_factory):
    """Three sources; each is wrong about the first step of every fourth trace, never the same."""
    folder = tmp_path_factory.mktemp("sources")

    def source(k):
        name, flip = f"judge{k}", lambda r, t: t == 0 and r % 4 == k
        return relabelled(labels, folder / f"{name}.jsonl", name, flip=flip)

    return [source(k) for k in range(3)]


@pytest.mark.parametrize("method", METHODS)
def test_fusing_mends_what_single_sources_break(cli, labels, sources, tmp_path, method):
    out = tmp_path / "fused.jsonl"
    told = json.loads(cli("fuse", *sources, "--method", method, "--out", out, "--json").stdout)
    assert (told["traces"], told["independent_sources"]) == (24, 3)
    assert told["fused"] == (6 if method == "consensus" else 24)  # 18 of 24 are disputed
    audited = json.loads(cli("audit", out, *sources, "--truth", labels, "--json").stdout)["labels"]
    least = 0.8 if method == "metric" else 1  # a mean of places: one far astray drags it along
    assert audited["fused"]["true_labels"]["estimate"] >= least
    assert audited["fused"]["tokens_per_trace"] == 300
    for k in range(3):
        steps, wrong = audited[f"judge{k}"]["steps"], 6
        assert audited[f"judge{k}"]["noise"] == pytest.approx(wrong / steps)
        price = audited[f"judge{k}"]["tokens_per_true_label"]
        assert price == pytest.approx(2400 / (steps - wrong))


def test_counts_of_rollouts_and_one_judge_make_a_posterior(cli, refused, labels, sources, tmp_path):
    rows = rows_of(relabelled(labels, tmp_path / "rollouts.jsonl", "rollout-16"))
    for row in rows:
        row["labels"] = [
            {**x, "kind": "value", "tries": 16, "successes": 14 * x["successes"]}
            for x in row["labels"]
        ]
    rolled, out = write_rows(tmp_path / "rollouts.jsonl", rows), tmp_path / "fused.jsonl"
    cli("fuse", rolled, sources[0], "--method", "posterior", "--out", out)
    [fused] = json.loads(cli("audit", out, "--truth", labels, "--json").stdout)["labels"].values()
    assert fused["first_error_f1"] == 1
    line = refused("fuse", *sources, "--method", "posterior", "--out", out)
    assert "expected counts of rollouts" in line


def test_files_of_one_maker_count_as_one(cli, refused, labels, sources, tmp_path):
    copy = relabelled(labels, tmp_path / "copy.jsonl", "judge0")
    line = refused("fuse", *sources[:2], copy, "--out", tmp_path / "f.jsonl")
    assert "three independent sources or more, got 2" in line
    told = json.loads(cli("fuse", *sources, copy, "--out", tmp_path / "f", "--json").stdout)
    assert told["independent_sources"] == 3
    assert told["sources_that_count_as_one"] == {"judge0": 2}


def test_shared_files_count_as_one(refused, sources, tmp_path):
    shared = ["--shared", sources[0], "--shared", sources[1], "--out", tmp_path / "f"]
    assert "three independent sources or more, got 2" in refused("fuse", *sources, *shared)
    line = refused("fuse", *sources[1:], *shared)
    assert f"--shared {sources[0]} is not one of the files" in line


def test_what_cannot_be_fused_or_audited_is_refused(refused, labels, sources, tmp_path):
    out = ["--out", tmp_path / "f"]
    assert "two files of labels or more" in refused("fuse", sources[0], *out)
    assert "--method must be one of consensus" in refused("fuse", *sources, "--method", "x", *out)
    assert "the same file was given twice" in refused("audit", labels, labels)
    assert "--plot shows labels against the truth" in refused("audit", labels, "--plot", "a.svg")
    silent = rows_of(labels)
    for row in silent:
        row["labels"] = [{**x, "tries": 0, "successes": 0} for x in row["labels"]]
    path = write_rows(tmp_path / "silent.jsonl", silent)
    assert "has no step with a label" in refused("audit", path)
    for row in silent:
        row["labels"] = [{**x, "tries": 1, "kind": "progress"} for x in row["labels"]]
    path = write_rows(tmp_path / "progress.jsonl", silent)
    assert "labels of kind progress do not say" in refused("audit", path)
    for row in silent:
        row["steps"] = [f"{text}!" for text in row["steps"]]
        row["labels"] = [{**x, "kind": "value"} for x in row["labels"]]
    other = write_rows(tmp_path / "other.jsonl", silent)
    assert "knows nothing of these traces" in refused("audit", labels, "--truth", other)


def test_the_oracle_is_the_truth_of_trails(cli, labels, sources, tmp_path):
    told = [
        json.loads(cli("audit", sources[0], "--truth", truth, "--json").stdout)
        for truth in ("oracle", labels)
    ]
    assert told[0] == told[1]
    without = json.loads(cli("audit", sources[0], "--json").stdout)["labels"]["judge0"]
    assert without["noise"] is None
    assert without["step_errors_by"] == "labels"


def test_the_seed_decides_the_interval_alone(cli, labels, tmp_path):
    uneven = relabelled(labels, tmp_path / "x.jsonl", "judge", flip=lambda r, t: r < 3 * t)
    command = ["audit", uneven, "--truth", "oracle", "--json"]
    first, other = (json.loads(cli(*command, "--seed", s).stdout)["labels"] for s in (0, 1))
    a, b = first["x"].pop("true_labels"), other["x"].pop("true_labels")
    assert first == other
    assert a["estimate"] == b["estimate"]
    assert a != b


def test_tables_and_plot_show_every_labelling(cli, labels, sources, tmp_path):
    plot = tmp_path / "audit.svg"
    done = cli("audit", *sources, labels, "--truth", "oracle", "--plot", plot)
    assert "labels cost no tokens" in done.stderr
    for k in range(3):
        assert done.stdout.count(f"judge{k}") == 2 + 3  # two tables, and in three of the pairs
        assert f"judge{k}" in plot.read_text()
    assert "labels" not in plot.read_text().split("</style>")[1].split("<g")[-1]


@pytest.mark.parametrize("name", ["processbench/gsm8k.jsonl.gz"])
def test_a_published_data_set_is_audited(cli, data, name):
    told = json.loads(cli("audit", data / name, "--json").stdout)["labels"]
    [figures] = told.values()
    assert figures["traces"] == 400
    assert 0 < figures["step_error_rate"] < figures["outcome_error_rate"] < 1
