"""What a page takes for granted: the reader's own files, models from the Hub, a running server.

A stage prepares the current folder and yields what the page's code uses without defining it. A
Hub name is a tiny local checkpoint in a folder of that name, which transformers and datasets
open in the same way; a server is a real one, on a free port in place of the page's.
"""

import gzip
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from surefoot.annotate import oracle, outcome
from surefoot.core.records import trace_record, write_all
from surefoot.core.types import LabelledTrace, Step, Trace
from surefoot.tasks import trails

START_S = 60  # for a server to start; a loaded machine needs a few seconds


@dataclass(frozen=True)
class Stage:
    """names: what the code may use. address: stands in place of http://127.0.0.1:8000."""

    names: dict[str, Any] = field(default_factory=dict)
    address: str = "http://127.0.0.1:8000"


@contextmanager
def nothing() -> Iterator[Stage]:
    """The page stands on its own."""
    yield Stage()


@contextmanager
def a_trl_script() -> Iterator[Stage]:
    """migrate-from-trl.md: a base model and a data set of the Hub, and a trace to score."""
    from tiny_hub import causal, qwen_tokenizer, save

    save(Path("Qwen/Qwen2.5-0.5B"), causal("qwen2", qwen_tokenizer()), qwen_tokenizer())
    rows = [
        {"prompt": "What is 2 + 2?", "completions": ["2 + 2 = 4", f"The answer is {4 + i % 2}"],
         "labels": [True, i % 2 == 0]}
        for i in range(16)
    ]  # fmt: skip
    Path("trl-lib/math_shepherd").mkdir(parents=True)
    write_rows(Path("trl-lib/math_shepherd/train.jsonl"), rows)
    yield Stage({"trace": solutions(1)[0].trace})


@contextmanager
def verifiers_of_ones_own() -> Iterator[Stage]:
    """verifiers-calibration.md: three verifiers, and labelled solutions that they have not seen."""
    from surefoot.verifiers import load_scorer
    from surefoot.verifiers.checkpoint import SHIPPED

    for name in ("my-prm", "prm-a", "prm-b"):
        copytree(SHIPPED["pebble-verifier"], name)
    held_out = [outcome(item.trace) for item in solutions(12)]
    [scores] = load_scorer("prm-a")([held_out[0].trace])
    yield Stage({"held_out": held_out, "scores_a": scores, "scores_b": scores})


@contextmanager
def models_of_the_hub() -> Iterator[Stage]:
    """verifiers.md: a PRM in Qwen's layout, a base to train, and a policy that writes critiques."""
    from surefoot.policy.local import Sampling, load_policy
    from tiny_hub import causal, mistral_tokenizer, qwen_tokenizer, save

    save_prm(Path("Qwen/Qwen2.5-Math-PRM-7B"))
    save(Path("mistral"), causal("mistral", mistral_tokenizer()), mistral_tokenizer())
    critic = causal("qwen2", qwen_tokenizer())
    critic.config.max_position_embeddings = 2048  # its instruction is long
    save(Path("critic"), critic, qwen_tokenizer())
    policy = load_policy("critic", device="cpu", sampling=Sampling(max_tokens=16))
    yield Stage({"FOLDER": "mistral", "traces": [s.trace for s in solutions(1)], "policy": policy})


@contextmanager
def a_gateway() -> Iterator[Stage]:
    """serve.md: the server that its first command starts."""
    searches = ["--search", "vote8", "--search", "best_of_16", "--search", "beam4x4"]
    with served(*searches, environment={"SUREFOOT_TOKENS": "secret"}) as address:
        yield Stage(address=address)


@contextmanager
def a_run() -> Iterator[Stage]:
    """viewer.md: a run to look at, and the reader's own guard."""
    write_all(Path("runs/compare/found.jsonl"), [trace_record(s.trace) for s in solutions(2)])
    yield Stage({"check_token": lambda: None})


STAGES = {
    "migrate-from-trl.md": a_trl_script,
    "verifiers-calibration.md": verifiers_of_ones_own,
    "verifiers.md": models_of_the_hub,
    "serve.md": a_gateway,
    "viewer.md": a_run,
}


def solutions(problems: int, *, level: str = "easy") -> list[LabelledTrace]:
    """A right and a wrong solution of each of some held-out problems, labelled by the oracle."""
    found = []
    for problem in trails.problems("validation", problems, level=level):
        right = trails.solve(trails.read(problem.text))
        for lines in (right, [*right[:-2], f"{right[-2]}1", f"{right[-1]}1"]):
            trace = Trace(problem, tuple(map(Step, lines)), trails.answer_of("\n".join(lines)))
            trace = Trace(problem, trace.steps, trace.answer, trails.check(problem, trace))
            found.append(oracle(trace, check_steps=trails.check_steps))
    return found


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    """JSON Lines, compressed if the name ends in .gz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (gzip.open if path.suffix == ".gz" else open)(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def save_prm(folder: Path) -> Path:
    """A random process reward model, laid out like Qwen2.5-Math-PRM-7B."""
    import torch

    from tiny_hub import causal, qwen_tokenizer, save

    tokenizer = qwen_tokenizer()
    head = torch.nn.Sequential(torch.nn.Linear(32, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    extra = {f"score.{name}": weight for name, weight in head.state_dict().items()}
    network = causal("qwen2", tokenizer)
    architecture = "Qwen2ForProcessRewardModel"
    return save(folder, network, tokenizer, architecture=architecture, extra=extra, drop="lm_head")


@contextmanager
def served(*options: str, environment: dict[str, str]) -> Iterator[str]:
    """`surefoot serve` on a free port, in a process of its own; its address."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "surefoot", "serve", "--port", str(port), *options]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_S
        while not answers(f"{address}/health"):
            assert process.poll() is None, "the server has ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=START_S)


def answers(address: str) -> bool:
    """Does somebody listen there?"""
    try:
        with urlopen(address, timeout=5) as reply:
            return bool(reply.status == 200)
    except (URLError, ConnectionError):
        return False
