"""The verbs over a server's address: no model here, and no server once all is in the journal."""

import json
import signal
import subprocess
import sys

import pytest

pytest.importorskip("httpx", reason="needs surefoot[endpoint]")
pytest.importorskip("typer", reason="needs surefoot[cli]")

from small_server import Manners, Script, SmallServer, serving
from typer.testing import CliRunner

from surefoot.cli.main import build_app
from surefoot.tasks import trails

PROBLEMS = 4


@pytest.fixture
def server():
    script = Script(trails.problems("test", PROBLEMS, level="easy"))
    return SmallServer(script, Manners(logprobs=False))


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments, code=0):
        result = CliRunner().invoke(build_app(), [str(a) for a in arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_sample_and_its_replay_without_the_server(cli, server, tmp_path):
    sample = ["sample", "trails:easy", "--limit", PROBLEMS, "--n", 2, "--out", "traces.jsonl"]
    with serving(server) as url:
        first = cli(*sample, "--policy", url, "--json")
    assert "costs" not in first.stderr  # it counts tokens
    assert "one request for each" not in first.stderr
    assert "no log-probabilities" in first.stderr
    made = (tmp_path / "traces.jsonl").read_bytes()
    summary = json.loads(first.stdout)
    kept = rows(tmp_path / "traces.jsonl")
    assert summary["traces"] == len(kept) == 2 * PROBLEMS
    assert summary["policy_tokens"] == sum(sum(row["sizes"]) for row in kept)
    assert all(row["ended"] for row in kept)
    asked = len(server.asked)
    again = cli(*sample, "--policy", url, "--json")  # nobody listens there any more
    assert len(server.asked) == asked
    assert (tmp_path / "traces.jsonl").read_bytes() == made
    assert json.loads(again.stdout)["journal_hits"] == 2 * PROBLEMS + 1


def test_search_label_and_compare(cli, server, tmp_path):
    with serving(server) as url:
        cli("sample", "trails:easy", "--limit", 2, "--n", 2, "--policy", url, "--out", "t.jsonl")
        cli("label", "t.jsonl", "--policy", url, "--completions", 2, "--out", "l.jsonl")
        cli(
            "search", "trails:easy", "--limit", 2, "--method", "majority", "--n", 3,
            "--policy", url, "--out", "f.jsonl",
        )  # fmt: skip
    labelled = rows(tmp_path / "l.jsonl")
    assert all(len(row["labels"]) == len(row["steps"]) for row in labelled)
    assert len(rows(tmp_path / "f.jsonl")) == 2


def test_probe_prints_abilities_and_gaps(cli, server):
    with serving(server) as url:
        told = json.loads(cli("probe", url, "--json").stdout)
        lines = cli("probe", f"{url}#small").stdout
    assert (told["model"], told["n"], told["logprobs"]) == ("small", True, False)
    assert told["stop_told"]
    assert len(told["gaps"]) == 1
    assert "logprobs        no" in lines


def test_an_address_with_a_password_is_refused(cli, tmp_path):
    failed = cli(
        "sample", "trails:easy", "--policy", "http://u:pw@a.b/v1#m", "--out", tmp_path / "t.jsonl",
        code=1,
    )  # fmt: skip
    assert failed.stderr.startswith("error: the address of a.b holds a name or password")
    assert list(tmp_path.iterdir()) == [], "an empty journal is of no use"


@pytest.mark.slow
def test_what_serve_says_of_a_served_policy_is_said_once():
    """Each gap of the server behind it, then the address; stdout and stderr together."""
    script = Script(trails.problems("test", 1, level="easy"))
    manners = Manners(n=False, prefill="", logprobs=False, seed=False)
    with serving(SmallServer(script, manners)) as url:
        command = [sys.executable, "-m", "surefoot", "serve", "--policy", url, "--no-token"]
        command += ["--verifier", "", "--search", "vote8", "--port", "0"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        said = []
        while not said or "serving" not in said[-1]:
            said.append(process.stdout.readline())
            assert said[-1], said
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=60)[0].splitlines()
    assert len(said) > 3
    assert len(set(said)) == len(said)


def test_a_key_that_is_refused_names_the_variable(cli, server):
    server.manners.key = "other"
    with serving(server) as url:
        said = cli("sample", "trails:easy", "--out", "o", "--policy", url, code=1).stderr
    assert "answered 401" in said
    assert "SUREFOOT_API_KEY" in said
