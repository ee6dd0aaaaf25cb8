"""`surefoot train`: every kind, and what its loop can do."""

import json

import pytest
from cli_helpers import rows_of, write_rows

pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.cli.train import KINDS as NAMES
from surefoot.verifiers import KINDS

OF_VALUES = {"sorm", "alphamath", "pav", "p-true", "pairwise"}


@pytest.fixture(scope="module")
def values(labels):
    """The same labels as values."""
    rows = rows_of(labels)
    for row in rows:
        row["labels"] = [{**x, "kind": "value"} for x in row["labels"]]
    return write_rows(labels.with_name("values.jsonl"), rows)


def test_the_command_knows_every_kind():
    assert set(NAMES) == set(KINDS)
    by_verdict = {name for name, kind in KINDS.items() if not kind.learns_from}
    assert by_verdict == {n for n, build in NAMES.items() if build is NAMES["orm"]}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_trained_and_scores(cli, tiny, labels, values, traces, tmp_path, kind):
    file = values if kind in OF_VALUES else labels
    done = cli(
        "train", file, "--kind", kind, "--base", tiny, "--epochs", 1, "--held-out", 0.3,
        "--out", tmp_path / "v", "--json",
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert told["kind"].startswith(f"{kind}, scores of kind ")
    assert told["step_loss"] > 0
    scored = tmp_path / "s.jsonl"
    cli("score", traces, "--verifier", tmp_path / "v", "--out", scored)
    for row in rows_of(scored):
        assert len(row["scores"]["values"]) == len(row["steps"])
        assert row["scores"]["kind"] == told["kind"].rsplit(" ", 1)[1]


@pytest.mark.parametrize(
    ("kind", "arguments", "told"),
    [
        ("sorm", [], "labels of kind correctness cannot teach this, but trace 1"),
        ("pav", [], "expected progress or value"),
        ("orm", ["--targets", "hard"], "--targets means nothing to orm"),
        ("birm", ["--balance"], "--balance weighs the classes of a prm's loss"),
        ("prm", ["--log-with", "paper"], "--log-with must be one of"),
        ("prm", ["--dtype", "float16"], "dtype must be float32 or bfloat16"),
        ("prm", ["--patience", 1, "--held-out", 0], "patience needs an evaluation"),
    ],
)
def test_what_cannot_be_is_said(refused, tiny, labels, tmp_path, kind, arguments, told):
    line = refused(
        "train", labels, "--kind", kind, "--base", tiny, *arguments, "--out", tmp_path / "v"
    )
    assert told in line


def test_patience_stops_early(cli, tiny, labels, tmp_path):
    def updates(*arguments):
        done = cli(
            "train", labels, "--base", tiny, "--epochs", 6, "--held-out", 0.3, "--lr", 0.05,
            "--batch-tokens", 512, "--out", tmp_path / str(len(arguments)), "--json", *arguments,
        )  # fmt: skip
        return json.loads(done.stdout)["updates"]

    assert updates("--patience", 1, "--evaluate-every", 1) < updates()


def test_figures_go_to_tensorboard_too(cli, tiny, labels, tmp_path):
    pytest.importorskip("tensorboard", reason="needs surefoot[train]")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out = tmp_path / "v"
    cli("train", labels, "--base", tiny, "--epochs", 1, "--log-with", "tensorboard", "--out", out)
    events = EventAccumulator(str(out / "logs" / "v")).Reload()
    assert {"step_loss", "token_loss", "held_out_loss"} <= set(events.Tags()["scalars"])


def test_a_missing_logger_prints_its_cure(refused, tiny, labels, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "trackio", None)
    line = refused(
        "train", labels, "--base", tiny, "--log-with", "trackio", "--out", tmp_path / "v"
    )
    assert "pip install 'surefoot[train]'" in line
