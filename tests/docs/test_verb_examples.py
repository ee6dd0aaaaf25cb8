"""The example of every verb, in order, in one folder, as a reader would try them."""

import shlex
import subprocess
import sys

import pytest
import typer
from stages import save_prm, served, solutions, write_rows
from typer.testing import CliRunner

from surefoot.cli.main import VERBS, build_app

pytest.importorskip("torch", reason="needs surefoot[models]")

COMMANDS = typer.main.get_command(build_app()).commands
SMALL = {"--limit": "3", "--n": "4", "--completions": "2"}  # of the quick run


def examples(verb):
    """The lines of the verb's example, in words; `export` lines are the server's."""
    text = COMMANDS[verb].help.split("Example:\n")[1]
    lines = [shlex.split(line) for line in text.splitlines() if line.strip()]
    return [words for words in lines if words[0] == "surefoot"]


@pytest.fixture(params=["small", pytest.param("as printed", marks=pytest.mark.slow)])
def size(request, tmp_path, monkeypatch):
    """How much is asked for; the folder holds what `score`, `select` and `evaluate` read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUREFOOT_API_KEY", "secret")
    save_prm(tmp_path / "models/my-prm")
    a_pool(tmp_path)
    rows = [
        {"id": f"gsm8k-{i}", "problem": s.trace.problem.text, "label": -1 if i % 2 == 0 else 0,
         "steps": [step.text for step in s.trace.steps], "final_answer_correct": i % 2 == 0,
         "generator": "pebble"}
        for i, s in enumerate(solutions(6))
    ]  # fmt: skip
    write_rows(tmp_path / "processbench/gsm8k.jsonl", rows)
    return request.param


def a_pool(place):
    """Candidates and step scores of two verifiers, as StrictPRMBench publishes them."""
    pool, scores = [], []
    for i, problem in enumerate(solutions(4)[::2]):
        candidates = [
            {"extracted_answer": str(n % 5), "is_correct": n % 5 == i, "steps": ["a", "b"]}
            for n in range(32)
        ]
        pool.append({"problem_id": problem.trace.problem.id, "candidates": candidates})
        scores += [
            {"problem_id": problem.trace.problem.id, "candidate_index": n, "n_steps": 2,
             "step_scores": [0.5, n / 32], "is_correct": n % 5 == i}
            for n in range(32)
        ]  # fmt: skip
    for name, rows in {"pool": pool, "scores": scores, "a": scores, "b": scores}.items():
        write_rows(place / f"{name}.jsonl.gz", rows)


def test_every_example_runs_in_order_in_one_folder(size):
    """`serve` and `probe` come last, together: one is asked by the other."""
    for verb in VERBS:
        for words in examples(verb) if verb not in ("serve", "probe") else ():
            run(size, words[1:])
    [serve], [probe] = examples("serve"), examples("probe")
    options = [*serve[2 : serve.index("--port")], "--name", "qwen"]
    with served(*options, environment={"SUREFOOT_TOKENS": "secret"}) as address:
        run(size, [word.replace("http://localhost:8000", address) for word in probe[1:]])


def smaller(words):
    """The command for fewer problems, solutions and rollouts."""
    if "trails:validation:middle" in words:  # a calibration is measured in five folds
        return [w if w != "50" else "10" for w in words]
    return [SMALL.get(option, w) for option, w in zip(["", *words], words, strict=False)]


def run(size, words):
    """One command; the quick run asks for less, in this process, which has loaded torch."""
    if size == "small":
        words = [w.replace("simulations=20", "simulations=4") for w in smaller(words)]
        done = CliRunner().invoke(build_app(), words)
        assert done.exit_code == 0, f"surefoot {shlex.join(words)}\n{done.output}"
        return
    done = subprocess.run(
        [sys.executable, "-m", "surefoot", *words], capture_output=True, text=True
    )
    assert done.returncode == 0, f"surefoot {shlex.join(words)}\n{done.stderr}"
