"""Bad input: one line that names the row or field and the cure; nothing computed is lost."""

import json
import math
import os
import shutil
import subprocess
import sys

import pytest
from cli_helpers import rows_of, write_rows

from surefoot.core import records
from surefoot.core.files import claimed
from surefoot.engine import Journal

QUESTION = {"id": "a", "problem": "What is 2 + 2?", "answer": "4"}


def changed(path, out, row, **fields):
    """A copy of a JSONL file with fields of one row (from 1) replaced."""
    rows = rows_of(path)
    rows[row - 1].update(fields)
    return write_rows(out, rows)


@pytest.mark.parametrize(
    "arguments",
    [
        ["sample", "none.jsonl", "--out", "o"],
        ["label", "none.jsonl", "--out", "o"],
        ["train", "none.jsonl", "--out", "o"],
        ["score", "none.jsonl", "--out", "o"],
        ["search", "none.jsonl", "--out", "o"],
        ["select", "none.jsonl", "--scores", "none2.jsonl"],
        ["evaluate", "none.jsonl"],
        ["report", "none.json", "none2.json"],
        ["run", "none.json"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_missing_file(refused, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "none.json" in refused(*arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["label", "train", "score", "evaluate"])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{oops", "expected a JSON object"),
        ("[1]", "got list"),
        ('{"a": 1}', "'problem' is missing"),
    ],
)
def test_malformed_row(refused, traces, labels, scores, tmp_path, verb, text, told):
    good = {"train": labels, "evaluate": scores}.get(verb, traces)
    lines = good.read_text().splitlines()
    bad = tmp_path / "bad.jsonl"
    bad.write_text("\n".join([lines[0], text, *lines[1:]]))
    out = [] if verb == "evaluate" else ["--out", tmp_path / "o"]
    line = refused(verb, bad, *out)
    assert f"{bad} row 2" in line
    assert told in line


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"problem": "?"}, "'id'"),
        ({"id": "b", "problem": 3}, "'problem'"),
        ({"id": "a", "problem": "?", "answer": "1"}, "already the id of row 1"),
        ({"id": "b", "problem": "?"}, "'answer'"),
    ],
)
def test_malformed_problem(refused, tiny, tmp_path, row, told):
    file = write_rows(tmp_path / "p.jsonl", [QUESTION, row])
    line = refused("sample", file, "--policy", tiny, "--out", tmp_path / "o")
    assert f"{file} row 2" in line
    assert told in line


@pytest.mark.parametrize("steps", [[], ["Mia = 4", "  "]])
@pytest.mark.parametrize("verb", ["label", "score"])
def test_empty_solution(refused, traces, tmp_path, verb, steps):
    extra = {"ids": [], "logprobs": []}
    bad = changed(traces, tmp_path / "bad.jsonl", 3, steps=steps, **extra)
    line = refused(verb, bad, "--out", tmp_path / "o")
    assert f"{bad} row 3" in line
    assert "'steps'" in line


def test_an_empty_file_is_not_zero_traces(refused, tmp_path):
    (tmp_path / "empty.jsonl").write_text("\n")
    assert "has no rows" in refused("score", tmp_path / "empty.jsonl", "--out", tmp_path / "o")


def test_a_step_that_would_be_two(refused, traces, tmp_path):
    bad = changed(traces, tmp_path / "bad.jsonl", 2, steps=["a\nb"], ids=[], logprobs=[])
    line = refused("label", bad, "--out", tmp_path / "o")
    assert f"{bad} row 2: field 'steps'[0] holds the separator" in line


@pytest.mark.parametrize(
    ("verb", "options", "told"),
    [
        ("label", ["--method", "monte_carlo"], "no gold answer (field 'answer')"),
        ("label", ["--method", "outcome"], "field 'verdict'"),
        ("train", ["--kind", "orm"], "field 'verdict'"),
    ],
)
def test_missing_gold_answer(refused, traces, tmp_path, verb, options, told):
    problem = {**rows_of(traces)[1]["problem"], "answer": None}
    bad = changed(traces, tmp_path / "bad.jsonl", 2, problem=problem, verdict=None)
    line = refused(verb, bad, *options, "--out", tmp_path / "o")
    assert f"{bad} row 2" in line
    assert told in line
    assert "drop the row" in line


def test_the_oracle_refuses_other_problems(refused, traces, tmp_path):
    problem = {**rows_of(traces)[0]["problem"], "problem": "Prove it."}
    bad = changed(traces, tmp_path / "bad.jsonl", 1, problem=problem)
    line = refused("label", bad, "--method", "oracle", "--out", tmp_path / "o")
    assert "row 1" in line
    assert "monte_carlo" in line


@pytest.mark.parametrize(
    "arguments",
    [
        ["sample", "trails:easy", "--policy", "nobody/nothing"],
        ["label", "{traces}", "--policy", "nobody/nothing"],
        ["train", "{labels}", "--base", "nobody/nothing"],
        ["score", "{traces}", "--verifier", "nobody/nothing"],
        ["search", "trails:easy", "--policy", "nobody/nothing"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_unknown_model(refused, traces, labels, tmp_path, arguments):
    arguments = [a.format(traces=traces, labels=labels) for a in arguments]
    line = refused(*arguments, "--out", tmp_path / "o")
    assert "nobody/nothing" in line
    assert not (tmp_path / "o").exists()


@pytest.fixture
def broken(verifier, tmp_path):
    return shutil.copytree(verifier, tmp_path / "broken")


@pytest.mark.parametrize("file", ["model.safetensors", "head.safetensors", "verifier.json"])
def test_unreadable_checkpoint(refused, traces, broken, tmp_path, file):
    (broken / file).write_bytes(b"not what it was")
    line = refused("score", traces, "--verifier", broken, "--out", tmp_path / "o")
    assert str(broken) in line


def test_unreadable_policy(refused, tiny, tmp_path):
    broken = shutil.copytree(tiny, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"cut")
    line = refused("sample", "trails:easy", "--policy", broken, "--out", tmp_path / "o")
    assert str(broken) in line
    assert "copy the checkpoint again" in line


def test_wrong_tokenizer_for_a_verifier(refused, traces, broken, tmp_path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(broken)
    tokenizer.add_tokens(["<step>"])
    tokenizer.save_pretrained(broken)
    line = refused("score", traces, "--verifier", broken, "--out", tmp_path / "o")
    assert "another tokenizer" in line
    assert "put back" in line


@pytest.mark.parametrize(
    "arguments",
    [
        ["sample", "trails:easy", "--n", 0],
        ["sample", "trails:easy", "--limit", 0],
        ["sample", "trails:easy", "--max-tokens", 0],
        ["sample", "trails:easy", "--separator", ""],
        ["sample", "trails:easy", "--problems-in-flight", 0],
        ["sample", "trails:nowhere"],
        ["label", "{traces}", "--completions", 0],
        ["label", "{traces}", "--method", "guess"],
        ["train", "{labels}", "--epochs", 0],
        ["train", "{labels}", "--held-out", 1],
        ["train", "{labels}", "--kind", "grm"],
        ["train", "{labels}", "--targets", "firm"],
        ["search", "trails:easy", "--method", "beam", "--beams", 0],
        ["search", "trails:easy", "--method", "beam", "--rounds", 0],
        ["search", "trails:easy", "--method", "luck"],
        ["score", "{traces}", "--batch", 0],
    ],
    ids=lambda arguments: " ".join(map(str, arguments)),
)
def test_impossible_settings(refused, traces, labels, tiny, tmp_path, arguments):
    arguments = [str(a).format(traces=traces, labels=labels) for a in arguments]
    policy = ["--policy", tiny] if arguments[0] in ("sample", "label", "search") else []
    assert "got" in refused(*arguments, *policy, "--out", tmp_path / "o")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("device", ["abacus", "cuda:99"])
def test_an_unusable_device_is_refused(refused, traces, tiny, verifier, tmp_path, device):
    policy = ["sample", "trails:easy", "--policy", tiny]
    for arguments in (policy, ["score", traces, "--verifier", verifier]):
        line = refused(*arguments, "--device", device, "--out", tmp_path / "o")
        assert f"--device {device}" in line


def test_a_policy_that_writes_no_step(refused, tiny, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    silent = tmp_path / "silent"
    model = AutoModelForCausalLM.from_pretrained(tiny)
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    model.lm_head.weight = torch.nn.Parameter(torch.zeros_like(model.lm_head.weight))
    model.config.tie_word_embeddings = False
    model.save_pretrained(silent)
    tokenizer.save_pretrained(silent)
    line = refused("sample", "trails:easy", "--limit", 1, "--n", 1, "--temperature", 0,
                   "--max-tokens", 3, "--policy", silent, "--out", tmp_path / "o")  # fmt: skip
    assert "wrote no step" in line
    assert "--max-tokens" in line


IMPOSSIBLE = [
    ("labels", [{"kind": "value", "successes": math.nan, "tries": 2, "by": "x"}], "'successes'"),
    ("labels", [{"kind": "value", "successes": 500, "tries": 2, "by": "x"}], "'successes'"),
    ("labels", [{"kind": "value", "successes": -500, "tries": 2, "by": "x"}], "'successes'"),
    (
        "labels",
        [{"kind": "value", "successes": 1, "tries": 2, "by": "x", "belief": 70}],
        "'belief'",
    ),
    ("labels", [{"kind": "value", "successes": 10**400, "tries": 2, "by": "x"}], "'successes'"),
    ("steps", ["half a letter: \ud83d"], "'steps[0]'"),
]


@pytest.mark.parametrize(("field", "first", "told"), IMPOSSIBLE)
@pytest.mark.parametrize("verb", ["train", "evaluate", "convert", "doctor", "audit"])
def test_impossible_evidence(cli, refused, labels, scores, tmp_path, verb, field, first, told):
    rest = rows_of(labels)[1][field][1:]
    bad = changed(labels, tmp_path / "bad.jsonl", 2, **{field: first + rest})
    out = ["--out", tmp_path / "o"]
    if verb in ("convert", "doctor"):  # these go on, and account for the row
        arguments = [bad, tmp_path / "o.jsonl"] if verb == "convert" else [bad]
        result = cli(verb, *arguments)
        assert told in " ".join((result.stdout + result.stderr).split())
        return
    arguments = [scores, "--labels", bad] if verb == "evaluate" else [bad]
    line = refused(verb, *arguments, *(out if verb == "train" else []))
    assert f"{bad} row 2" in line
    assert told in line


def test_a_limit_reads_no_row_beyond_it(cli, refused, traces, labels, scores, tmp_path):
    """The row behind the limit is none: whoever reads it says so."""
    for verb, good, more in (
        ("label", traces, ["--method", "outcome"]),
        ("train", labels, ["--base", "nobody/nothing"]),
        ("calibrate", labels, ["--verifier", "nobody/nothing"]),
        ("score", traces, ["--verifier", "nobody/nothing"]),
    ):
        cut = tmp_path / f"{verb}.jsonl"
        cut.write_text("\n".join([*good.read_text().splitlines()[:2], "no row"]))
        out = [] if verb == "calibrate" else ["--out", tmp_path / f"{verb}.out"]
        arguments = [verb, cut, *more, *out]
        assert "row 3" in refused(*arguments, "--limit", 3)
        if "nobody/nothing" in more:
            assert "nobody/nothing" in refused(*arguments, "--limit", 2)
        else:
            cli(*arguments, "--limit", 2)


@pytest.mark.parametrize("key", ["problem", "question"])
def test_a_limit_of_problems_pulls_no_row_beyond_it(refused, tmp_path, monkeypatch, key):
    pulled, parsed = [], records.parsed

    def counted(text):
        pulled.append(text)
        return parsed(text)

    monkeypatch.setattr(records, "parsed", counted)
    rows = [{"id": i, key: f"What is {i} + 1?", "answer": f"#### {i + 1}"} for i in range(500)]
    file = write_rows(tmp_path / "p.jsonl", rows)
    for verb in ("sample", "search", "compare"):
        arguments = ["beam", "--problems", file] if verb == "compare" else [file]
        more = ["--policy", "nobody/nothing", "--limit", 2, "--out", tmp_path / verb]
        assert "nobody/nothing" in refused(verb, *arguments, *more)
    assert len(pulled) <= 3 * 2 * 2, "GSM8K's rows are looked at to be known as such"


def test_a_second_command_on_the_same_out_is_told_who_is_at_work(cli, refused, traces, tmp_path):
    arguments = ["label", traces, "--method", "outcome", "--out", tmp_path / "o.jsonl"]
    with claimed(tmp_path / "o.jsonl", "surefoot label"):
        line = refused(*arguments)
        assert f"o.jsonl is being written by surefoot label (process {os.getpid()} on" in line
        cli(*arguments[:-1], tmp_path / "other.jsonl")
    cli(*arguments)
    assert sorted(os.listdir(tmp_path)) == ["o.jsonl", "other.jsonl"]


def test_scores_of_other_steps(refused, scores, tmp_path):
    row = rows_of(scores)[1]["scores"]
    bad = changed(scores, tmp_path / "bad.jsonl", 2, scores={**row, "values": row["values"][1:]})
    assert f"{bad} row 2" in refused("evaluate", bad)


def test_a_config_with_an_unknown_setting(refused, tmp_path):
    file = tmp_path / "config.json"
    file.write_text('{"samplez": 3}')
    line = refused("run", file, "--out", tmp_path / "run")
    assert "samplez" in line
    assert "samples" in line


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
def test_full_disk_keeps_what_was_computed(cli, refused, tiny, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    arguments = ["sample", "trails:easy", "--limit", 4, "--n", 8, "--max-tokens", 40, "--policy",
                 tiny, "--journal", tmp_path / "journal"]  # fmt: skip
    try:
        (disk / "t.jsonl").write_text("old\n")
        line = refused(*arguments, "--out", disk / "t.jsonl")
        assert "free some room" in line
        assert (disk / "t.jsonl").read_text() == "old\n"
        assert Journal(tmp_path / "journal").count() == 32
        assert "free some room" in refused(*arguments[:-1], disk / "j", "--out", tmp_path / "o")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    told = cli(*arguments, "--out", tmp_path / "t.jsonl", "--json").stdout
    assert json.loads(told)["journal_hits"] == 32


def test_a_file_that_is_no_journal(refused, tiny, tmp_path):
    (tmp_path / "journal").write_text("not a database, and long enough to be looked at" * 50)
    line = refused("sample", "trails:easy", "--policy", tiny, "--journal", tmp_path / "journal",
                   "--out", tmp_path / "o")  # fmt: skip
    assert "move it away" in line


def test_debug_shows_where_an_error_came_from(tmp_path):
    command = [sys.executable, "-m", "surefoot", "score", "none", "--out", str(tmp_path / "o")]
    plain, debug = (
        subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "SUREFOOT_DEBUG": flag}
        ).stderr
        for flag in ("", "1")
    )
    assert "Traceback" not in plain
    assert "Traceback" in debug
