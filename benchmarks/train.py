"""Training a process reward model: this loop against TRL 1.13.0's PRMTrainer, its last.

    pip download --no-deps trl==1.13.0 && python -m zipfile -e trl-1.13.0-*.whl FOLDER
    OMP_NUM_THREADS=1 python benchmarks/train.py FOLDER

train_tree_vs_trl    seconds of an epoch, theirs / ours, on labelled trees (OmegaPRM, trails) whose
                     paths share prefixes at least fourfold: ours reads packs
train_flat_vs_trl    the same on one solution of each of many problems, where nothing is shared
tree_sharing         tokens of all paths / tokens of the packs
train_tree_memory    peak memory of the process, ours / theirs; train_flat_memory likewise

Both start from the shipped policy, in float32 on CPU without recomputing activations, with the
same rows, hard labels and AdamW, about as many updates an epoch, and forward passes of alike size.
Ours is the default kind: unlike theirs it also reads the tokens' log-probabilities and trains
on the language-model loss. Every run is a process of its own, of which one epoch is timed (after
loading and encoding); pairs of runs in turn, the value is the median, low and high the range.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from claims import Claim, publish
from surefoot.annotate import omega, oracle
from surefoot.core.budget import Budget
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, LabelledTrace, Problem, Step, StepLabel, Trace, Verdict
from surefoot.policy.local import SHIPPED, load_policy
from surefoot.policy.local_decode import Sampling
from surefoot.steps import Rollouts
from surefoot.tasks import trails
from surefoot.trees import counted, labelled_traces

TREES, SOLUTIONS, PAIRS = 2, 150, 3
BATCH_TOKENS = {"tree": 2048, "flat": 4096}  # places of packs, and padded tokens of rows
MICRO_TOKENS = 2048  # of one forward pass; about what 8 rows take, the default of theirs
ROWS = 8


# --- data --------------------------------------------------------------------


def labelled_trees() -> list[LabelledTrace]:
    """All solutions in some OmegaPRM trees; steps that were not probed have no label."""
    policy = load_policy("pebble", sampling=Sampling(0.8, max_tokens=200), device="cpu")
    found: list[list[LabelledTrace]] = []
    for problem in trails.problems("train", 40, level="hard"):
        rollouts = Rollouts(problem, sample=policy, check=trails.check)
        tree = omega(problem, rollouts=rollouts, budget=Budget(calls=160)).tree
        if len(tree) > 200:
            found.append(labelled_traces(problem, tree, counted(tree, "omega")))
        if len(found) == TREES:
            break
    return [item for items in found for item in items]


def labelled_solutions() -> list[LabelledTrace]:
    """One solution of each problem, easy to hard, labelled step by step."""
    policy = load_policy("pebble", sampling=Sampling(0.8, max_tokens=200), device="cpu")
    problems = [
        p for level in trails.LEVELS for p in trails.problems("train", SOLUTIONS // 3, level=level)
    ]
    items = []
    for problem in problems:
        [[end]] = policy(problem, [()], count=1, rng=rng_for(0, "flat", problem.id))
        trace = Trace(problem, end.steps)
        trace = Trace(problem, end.steps, None, trails.check(problem, trace))
        items.append(oracle(trace, check_steps=trails.check_steps))
    return items


def rows_of(items: Sequence[LabelledTrace]) -> list[dict[str, Any]]:
    """What both sides train on; labels are 0, 1 or None."""
    return [
        {
            "prompt": item.trace.problem.text + "\n",
            "steps": [step.text for step in item.trace.steps],
            "labels": [None if label.hard is None else int(label.hard) for label in item.labels],
            "right": item.trace.verdict is Verdict.CORRECT,
        }
        for item in items
    ]


# --- the two sides -----------------------------------------------------------


def ours(rows: list[dict[str, Any]], case: str) -> dict[str, float]:
    """One epoch of the default kind."""
    from surefoot.verifiers import (
        TrainConfig,
        by_prefix,
        examples_of,
        hard_target,
        new_network,
        packed,
        sharing,
        train,
    )
    from surefoot.verifiers.data import by_length

    network, encoder = new_network("pebble", device="cpu")
    items = []
    for row in rows:
        trace = Trace(
            Problem("p", row["prompt"].removesuffix("\n")),
            tuple(map(Step, row["steps"])),
            None,
            Verdict.CORRECT if row["right"] else Verdict.WRONG,
        )
        labels = (
            StepLabel(Kind.CORRECTNESS, y or 0, int(y is not None), "b") for y in row["labels"]
        )
        items.append(LabelledTrace(trace, tuple(labels)))
    _, examples, _ = examples_of(items, encoder, hard_target)
    read, batches = (packed(network), by_prefix) if case == "tree" else (network, by_length)
    config = TrainConfig(epochs=1, batch_tokens=BATCH_TOKENS[case], micro_tokens=MICRO_TOKENS)
    started = time.perf_counter()
    history = train(read, examples, config=config, pad=0, batches=batches)
    spent = time.perf_counter() - started
    saved = sharing(examples, config.batch_tokens)
    return {
        "seconds": spent,
        "updates": len(history),
        "tokens": saved.apart,
        "sharing": saved.ratio,
    }


def theirs(rows: list[dict[str, Any]], updates: int, folder: str) -> dict[str, float]:
    """One epoch of TRL's trainer."""
    sys.path.insert(0, folder)
    from datasets import Dataset
    from transformers import AutoModelForTokenClassification, AutoTokenizer
    from trl.experimental.prm import PRMConfig, PRMTrainer

    tokenizer = AutoTokenizer.from_pretrained(SHIPPED["pebble"])
    model = AutoModelForTokenClassification.from_pretrained(SHIPPED["pebble"], num_labels=2)
    data = Dataset.from_list(
        [
            {
                "prompt": row["prompt"],
                "completions": row["steps"],
                "labels": [-100 if y is None else y for y in row["labels"]],
            }
            for row in rows
        ]
    )
    with tempfile.TemporaryDirectory() as output:
        config = PRMConfig(
            output_dir=output,
            num_train_epochs=1,
            per_device_train_batch_size=ROWS,
            gradient_accumulation_steps=round(len(rows) / updates / ROWS) or 1,
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        trainer = PRMTrainer(
            model=model.float(), args=config, train_dataset=data, processing_class=tokenizer
        )
        started = time.perf_counter()
        done = trainer.train()
        spent = time.perf_counter() - started
    tokens = sum(map(len, trainer.train_dataset["input_ids"]))
    return {"seconds": spent, "updates": done.global_step, "tokens": tokens}


# --- measuring ---------------------------------------------------------------


def one(side: str, case: str, data: Path, updates: int, folder: str) -> dict[str, float]:
    """A run in a process of its own, with its peak memory in MiB."""
    command = [sys.executable, __file__, folder, "--run", side, case, str(data), str(updates)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{case}, {side}: " + ", ".join(f"{k} {v:.5g}" for k, v in found.items()))
    return found


def run(side: str, case: str, data: str, updates: str, folder: str) -> None:
    """What the process of `one` does."""
    rows = [json.loads(line) for line in Path(data).read_text().splitlines()]
    rows = [row for row in rows if any(y is not None for y in row["labels"])]
    found = ours(rows, case) if side == "ours" else theirs(rows, int(updates), folder)
    found["mebibytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


def measure(case: str, data: Path, folder: str) -> list[tuple[dict[str, float], dict[str, float]]]:
    """Pairs of runs, ours and theirs; the first of ours tells the number of updates."""
    updates = int(one("ours", case, data, 0, folder)["updates"])
    return [
        (one("ours", case, data, updates, folder), one("theirs", case, data, updates, folder))
        for _ in range(PAIRS)
    ]


def main() -> None:
    """Measures and publishes all claims."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="the unpacked wheel of trl 1.13.0")
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run(*options.run, options.folder)
        return
    import torch

    claims = []
    goals = {"tree": 3.0, "flat": 1.3}
    for case, items in (("tree", labelled_trees()), ("flat", labelled_solutions())):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "rows.jsonl"
            data.write_text("".join(json.dumps(row) + "\n" for row in rows_of(items)))
            pairs = measure(case, data, options.folder)
        speed = [b["seconds"] / a["seconds"] for a, b in pairs]
        memory = [a["mebibytes"] / b["mebibytes"] for a, b in pairs]
        shared = [a["sharing"] for a, _ in pairs]
        claims.append(_claim(f"train_{case}_vs_trl", speed, goals[case], "at least"))
        claims.append(_claim(f"train_{case}_memory", memory, 1.0, "at most"))
        if case == "tree":
            claims.append(_claim("tree_sharing", shared, 4.0, "at least"))
    command = "OMP_NUM_THREADS=1 python benchmarks/train.py FOLDER"
    publish("train", command, claims, threads=torch.get_num_threads())


def _claim(name: str, values: list[float], goal: float, direction: Any) -> Claim:
    return Claim(name, statistics.median(values), min(values), max(values), goal, direction)


if __name__ == "__main__":
    main()
