"""`surefoot serve`: names of searches, what each option does, and the real command."""

import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip("fastapi", reason="needs surefoot[serve]")

import httpx
from fastapi.testclient import TestClient

from surefoot.cli._searches import METHODS, search_of, written_out
from surefoot.core.errors import InputError

ASKED = {"messages": [{"role": "user", "content": "Ann has 3 coins."}], "seed": 1, "max_tokens": 8}


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("vote8", "majority:n=8"),
        ("majority8", "majority:n=8"),
        ("best_of_16", "best_of_n:n=16"),
        ("best_of_n16", "best_of_n:n=16"),
        ("beam4x2", "beam:beams=4,width=2"),
        ("beam_4", "beam:beams=4"),
        ("lookahead2x3x4", "lookahead:ahead=2,beams=3,width=4"),
        ("mcts32", "mcts:simulations=32"),
        ("rebase", "rebase"),
        ("beam:beams=3", "beam:beams=3"),
        ("nothing8", "nothing8"),
    ],
)
def test_short_names(short, long):
    assert written_out(short, METHODS) == long


def test_every_search_with_sizes_has_a_short_name():
    for name in METHODS:
        assert search_of("--search", written_out(f"{name}3", METHODS), METHODS)[0] == name


def test_more_numbers_than_sizes():
    with pytest.raises(InputError, match=r"majority has only the settings n"):
        written_out("vote8x8", METHODS)


@pytest.fixture
def served(cli, tiny, monkeypatch):
    """Runs the command as far as it would listen; there `use` asks the app instead."""
    monkeypatch.setenv("SUREFOOT_TOKENS", "secret, other")

    def run(*options, use, headers=None):
        def listen(app, host, port, names):
            with TestClient(app) as client:
                client.headers = headers or {"Authorization": "Bearer other"}
                found.append(use(client))
            found.append((host, port, names))

        found = []
        monkeypatch.setattr("surefoot.cli.serve._listen", listen)
        cli("serve", "--policy", tiny, "--verifier", "", "--search", "vote2", *options)
        return found

    return run


def chat(client, model="tiny0", **more):
    return client.post("/v1/chat/completions", json={**ASKED, "model": model, **more})


def test_it_serves_what_it_is_told(served, tiny, verifier, tmp_path):
    def use(client):
        cut = chat(client, "it+beam:beams=1,width=2,rounds=1")
        steps = ["Ann has 3 coins", "The answer is 3"]
        trace = {"problem": {"problem": "Ann has 3 coins.", "answer": "3"}, "steps": steps}
        scores = client.post("/v1/score", json={"traces": [trace]}).json()
        labels = client.post("/v1/label", json={"traces": [trace], "method": "monte_carlo"}).json()
        return cut, scores, labels, client.get("/view/index.json"), client.get("/view")

    runs = tmp_path / "runs.jsonl"
    runs.write_text('{"problem":{"id":"p","problem":"?"},"steps":["a"],"method":"beam"}\n')
    options = ["--search", "beam:beams=1,width=2,rounds=1", "--verifier", verifier]
    options += ["--name", "it", "--completions", 3, "--runs", runs]
    [(cut, scores, labels, index, page), listened] = served(*options, use=use)
    assert listened == ("127.0.0.1", 8000, ["it", "it+vote2", "it+beam:beams=1,width=2,rounds=1"])
    assert cut.json()["usage"]["surefoot"]["verifier_tokens"] > 0
    assert len(scores["data"][0]["values"]) == 2
    assert labels["data"][0]["labels"][0]["by"] == "rollout-3"
    assert index.status_code == 200
    assert "text/html" in page.headers["content-type"]


def test_what_holds_where_a_request_says_nothing(served):
    def use(client):
        silent = {**ASKED, "max_tokens": None}
        answers = [client.post("/v1/chat/completions", json={**silent, "model": "t"})]
        return [a.json()["usage"]["completion_tokens"] for a in answers], chat(client, "t").json()

    def said(*options):
        [(tokens, answer), _] = served("--name", "t", *options, use=use)
        return tokens, answer["choices"][0]["message"]["content"]

    usual = said("--max-tokens", 5)
    assert usual[0] == [5]
    for change in ("--temperature", "--top-p"):
        assert said("--max-tokens", 5, change, 0.01)[1] != usual[1]


def test_the_separator_cuts_steps(served):
    """The text stays; each of its steps is a delta of its own."""

    def use(client):
        events = chat(client, "t", max_tokens=40, stream=True).text.split("data: {")
        return sum('"content": "' in event for event in events)

    [usual, _] = served("--name", "t", use=use)
    [words, _] = served("--name", "t", "--separator", " ", use=use)
    assert words > usual


def test_limits(served):
    def use(client):
        return [
            chat(client, "t", max_tokens=9).status_code,
            chat(client, "t", n=3).status_code,
            chat(client, "t", user="x" * 500).status_code,
            chat(client, "t", n=2).status_code,
        ]

    [statuses, _] = served("--name", "t", use=use)
    assert statuses == [200] * 4
    limits = ["--most-tokens", 8, "--most-choices", 2, "--most-bytes", 400]
    [statuses, _] = served("--name", "t", *limits, "--in-flight", 1, "--waiting", 0, use=use)
    assert statuses == [400, 400, 413, 429]


def test_no_time_at_all(served):
    [answer, _] = served("--name", "t", "--seconds", 0, use=lambda client: chat(client, "t"))
    assert answer.status_code == 504


def test_an_aggregation_that_does_not_fit_is_told(served, verifier):
    options = ["--name", "t", "--verifier", verifier, "--search", "best_of_2"]
    [right, _] = served(*options, use=lambda client: chat(client, "t+best_of_2"))
    wrong = [*options, "--aggregation", "sum"]
    trace = {"problem": "?", "steps": ["a"]}
    [answer, _] = served(*wrong, use=lambda c: c.post("/v1/score", json={"traces": [trace]}))
    assert right.status_code == 200
    assert (answer.status_code, "not by 'sum'" in answer.text) == (400, True)


def test_the_journal_answers_again(served, tmp_path):
    path = tmp_path / "calls.sqlite"
    options = ["--name", "t", "--journal", path]
    [first, _] = served(*options, use=lambda client: chat(client, "t+vote2"))
    size = path.stat().st_size
    [again, _] = served(*options, use=lambda client: chat(client, "t+vote2"))
    [free, _] = served("--name", "t", use=lambda client: chat(client, "t+vote2"))
    assert first.json()["choices"] == again.json()["choices"] == free.json()["choices"]
    assert size == path.stat().st_size


def test_tokens(served, refused, monkeypatch):
    def models(client):
        return client.get("/v1/models").status_code

    assert served(use=models)[0] == 200
    assert served(use=models, headers={"Authorization": "Bearer secret"})[0] == 200
    assert served(use=models, headers={"Authorization": "Bearer secret, other"})[0] == 401
    assert "leave one of them out" in refused("serve", "--no-token")
    monkeypatch.delenv("SUREFOOT_TOKENS")
    assert "set SUREFOOT_TOKENS" in refused("serve")
    assert served("--no-token", use=models, headers={"X-None": "1"})[0] == 200


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--search", "magic"], "--search must be one of"),
        (["--search", "beam:size=3"], "beam has no numeric setting 'size'"),
        (["--verifier", "", "--search", "beam4x4"], "a --search needs one"),
        (["--in-flight", "0"], "--in-flight must be 1 or more"),
        (["--temperature", "-1"], "temperature must be 0 or more"),
        (["--policy", "no/such/model", "--search", "vote8"], "no/such/model"),
    ],
)
def test_bad_options(refused, monkeypatch, options, told):
    monkeypatch.setenv("SUREFOOT_TOKENS", "secret")
    assert told in refused("serve", *options)


@pytest.mark.slow
def test_the_command_serves_and_ends_by_ctrl_c(tiny):
    """The real process, on a port of its own, with the dtype and device as they are by default."""
    command = [sys.executable, "-m", "surefoot", "serve", "--policy", str(tiny), "--verifier", ""]
    command += ["--search", "vote8", "--name", "t", "--port", "0", "--host", "127.0.0.1"]
    command += ["--dtype", "float32", "--device", "cpu"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "SUREFOOT_TOKENS": "secret"}
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    assert "serving t, t+vote8 at http://127.0.0.1:" in line, line + process.stderr.read()
    address = line.split(" at ")[1].split(";")[0]
    body = {**ASKED, "model": "t+vote8"}
    headers = {"Authorization": "Bearer secret"}
    answer = httpx.post(f"{address}/chat/completions", json=body, headers=headers, timeout=60)
    assert answer.json()["usage"]["surefoot"]["calls"] == 8
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0  # torch takes its time to end on a busy machine
    assert process.stderr.read() == ""
