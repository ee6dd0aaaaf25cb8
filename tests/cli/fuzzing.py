"""Good rows of every file that a verb reads, what can go wrong with one, and what must not.

A mutated row alone in a file, or between two good ones, goes through every verb that reads such
files, inside this process. However broken it is, the verb ends within `PATIENCE` seconds of CPU
time, with exit code 0, or with 1 and one line that begins with "error: "; and a field that nobody
knows is in the result, or told of.
"""

import copy
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer.main
from click.testing import CliRunner

from surefoot.cli.main import build_app
from surefoot.core.errors import InputError
from surefoot.core.records import labelled_of

PATIENCE = 2.0  # seconds; of CPU time, since the machine may be busy
STUCK = 60.0  # seconds of wall time in which nothing waits for ever
STRANGER = "a_field_that_nobody_knows"
Row = dict[str, Any]

# --- good rows ---------------------------------------------------------------

TEXT = "Tom has 3 apples and buys 4. How many has he?"
STEPS = ["3 + 4 = 7", "The answer is 7"]
PROBLEM = {"id": "p1", "problem": TEXT, "answer": "7", "level": "easy"}
TRACE = {
    "problem": PROBLEM, "steps": STEPS, "ids": [[1, 2], [3]], "logprobs": [[-0.5, -0.25], [-1.0]],
    "answer": "7", "verdict": "correct", "finished": True,
}  # fmt: skip
LABEL = {"kind": "value", "successes": 6, "tries": 8, "by": "rollout-8"}
JUDGED = {"kind": "value", "successes": 1, "tries": 8, "by": "rollout-8", "belief": 0.25}
USAGE = {"policy_tokens": 64, "verifier_tokens": 0, "calls": 16, "seconds": 0.5, "money": 0.0}
LABELS = {**TRACE, "labels": [LABEL, JUDGED], "usage": USAGE, "notes": {"witnesses": "3"}}
SCORES = {"kind": "correctness", "values": [0.9, 0.75], "by": "reader", "tokens": 40}
TREE = {
    "steps": [["", [], []], ["3 + 4 = 7", [1, 2], [-0.5, -0.25]], ["The answer is 7", [3], [-1.0]]],
    "parents": [-1, 0, 1], "visits": [2, 2, 1], "value_sums": [1.5, 1.5, 1.0],
    "finished": [False, False, True], "verdicts": [None, None, "correct"],
    "scores": [None, 0.9, 0.75], "kind": "correctness",
}  # fmt: skip
FOUND = {
    **TRACE, "method": "beam", "usage": USAGE, "tree": TREE, "candidate_scores": [0.75],
    "candidates": [{"answer": "7", "verdict": "correct", "steps": STEPS}],
}  # fmt: skip
POOL = {
    "problem_id": "p1", "n": 2,
    "candidates": [
        {"extracted_answer": "7", "is_correct": True, "steps": STEPS},
        {"extracted_answer": "8", "is_correct": False, "steps": ["The answer is 8"]},
    ],
}  # fmt: skip
POOL_SCORES = [
    {"problem_id": "p1", "candidate_index": 0, "n_steps": 2, "step_scores": [0.9, 0.8]},
    {"problem_id": "p1", "candidate_index": 1, "n_steps": 1, "step_scores": [0.25]},
]
METHOD = {
    "accuracy": 0.7, "low": 0.6, "high": 0.8, "policy_tokens": 500.0, "verifier_tokens": 10.0,
}  # fmt: skip
SUMMARY = {
    "title": "A run", "command": "surefoot run demo", "seed": 0, "policy": "pebble",
    "problems": 10, "seconds": 3.5, "methods": {"majority": METHOD, "beam": METHOD},
    "paired_vs_majority": {"beam": {"diff": 0.1, "low": 0.0, "high": 0.2}},
    "coverage": {"1": 0.5, "8": 0.9}, "greedy": {"accuracy": 0.5},
}  # fmt: skip
DETAILS = {
    "curves": {"majority": [{"tokens": 60.0, "accuracy": 0.5, "low": 0.4, "high": 0.6, "n": 1}]},
    "calibration": {"own": [{"low": 0, "high": 1, "count": 3, "score": 0.5, "outcome": 0.4}]},
}  # fmt: skip
RATED = {
    "completions": [
        {"text": "3 + 4 = 7", "rating": 1, "flagged": False},
        {"text": "3 + 4 = 8", "rating": -1, "flagged": None},
    ],
    "human_completion": None, "chosen_completion": 0,
}  # fmt: skip
PRM800K = {
    "labeler": "a", "timestamp": "2022-07-30", "generation": None,
    "is_quality_control_question": False, "is_initial_screening_question": False,
    "question": {
        "problem": TEXT, "ground_truth_solution": "7", "ground_truth_answer": "7",
        "pre_generated_steps": STEPS, "pre_generated_answer": "7",
        "pre_generated_verifier_score": 0.9,
    },
    "label": {"steps": [RATED, RATED], "total_time": 9, "finish_reason": "solution"},
}  # fmt: skip
LEAF = {"text": "The answer is 7", "mc_value": 1.0, "children": []}
DEEP = {"text": TEXT, "mc_value": 0.75, "children": [
    {"text": "3 + 4 = 7", "mc_value": 0.5, "children": [LEAF]},
]}  # fmt: skip
FORMAT_ROWS: dict[str, Row] = {
    "labels": LABELS,
    "traces": TRACE,
    "prm800k": PRM800K,
    "math_shepherd": {
        "input": f"{TEXT} Step 1: 3 + 4 = 7 ки\nStep 2: The answer is 7 ки",
        "label": f"{TEXT} Step 1: 3 + 4 = 7 +\nStep 2: The answer is 7 -", "task": "GSM8K",
    },
    "trl_stepwise": {"prompt": TEXT, "completions": STEPS, "labels": [True, False]},
    "process_bench": {
        "id": "gsm8k-1", "generator": "g", "problem": TEXT, "steps": STEPS,
        "final_answer_correct": True, "label": -1,
    },
    "prm_bench": {
        "original_question": TEXT, "modified_question": TEXT, "ground_truth": "7",
        "original_process": STEPS, "modified_process": STEPS, "modified_steps": [1],
        "error_steps": [1], "reason": "r", "idx": "i1", "question": TEXT,
        "classification": "redundency",
    },
    "big_bench_mistake": {
        "input": TEXT, "steps": STEPS, "target": "7", "answer": "7", "mistake_index": None,
    },
    "rlhflow": {
        "conversations": [
            {"role": "user", "content": f"{TEXT} Step 1: 3 + 4 = 7"},
            {"role": "assistant", "content": "+"},
            {"role": "user", "content": "Step 2: The answer is 7"},
            {"role": "assistant", "content": "-"},
        ]
    },
    "math_aps": {
        "question": TEXT, "final_answer": "7", "gt": "7",
        "reasoning_steps": [
            {"solution_prefix": f"{TEXT}\n3 + 4 = 7", "mc_value": 0.5},
            {"solution_prefix": f"{TEXT}\n3 + 4 = 7\nThe answer is 7", "mc_value": 1.0},
        ],
    },
    "math_aps_tree": {"question": TEXT, "final_answer": "7", "reasoning_steps": DEEP},
    "openrlhf": {"input": "q Step 1: a ки\nStep 2: b ки", "value": ["+", "-"]},
    "step_dpo": {"prompt": TEXT, "initial_reason_steps": "", "chosen": "a", "rejected": "b"},
    "preference": {"prompt": TEXT, "chosen": STEPS[1], "rejected": "The answer is 8"},
    "prompt_completion": {"prompt": TEXT, "completion": "\n".join(STEPS), "label": True},
    "messages": {
        "messages": [
            {"role": "user", "content": TEXT}, {"role": "assistant", "content": "\n".join(STEPS)},
        ]
    },
}  # fmt: skip
OWN_ROWS: dict[str, Row] = {
    "problems": PROBLEM,
    "gsm8k": {"question": TEXT, "answer": "3 + 4 = <<3+4=7>>7\n#### 7"},
    "scores": {**TRACE, "scores": SCORES},
    "found": FOUND,
    "unfinished": {
        "problem": PROBLEM, "method": "beam", "usage": USAGE, "tree": TREE, "unfinished": "budget",
    },
    "pool": POOL,
    "pool_scores": POOL_SCORES[0],
    "summary": SUMMARY,
    "details": DETAILS,
    "predictions": {"id": "gsm8k-1", "prediction": -1},
}  # fmt: skip
ROWS = {**FORMAT_ROWS, **OWN_ROWS}
FILES = {"process_bench": "gsm8k", "gsm8k": "problems_gsm8k", "prm_bench": "redundency"}


# --- what can go wrong -------------------------------------------------------

DIGITS, LEVELS = "9" * 5000, 300
HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 500, 0.5, 70, -500, 1e308, -1e-9, 10**30, 10**400,
    float("nan"), float("inf"), float("-inf"), "", " ", "7", "\ud800", "a\udc00b", "\x00", "\n",
    "x" * 5000, "\u202e\u2028", [], [[]], [None], [1, "a"], {}, {"a": {}}, {"": None}, [{}],
    [float("nan")], ["\ud83d"], "a\nb", "ки ки", "+", "Step 1: ", "</script>", [0.5, 70],
)  # fmt: skip


def mutated(row: Row, rng: random.Random) -> bytes:
    """The row as a line, one to three things wrong with it; sometimes no JSON any more."""
    record = copy.deepcopy(row)
    if rng.random() < 0.3:
        record[STRANGER] = "kept, or told of"
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        _change(record, rng)
    text = json.dumps(record, ensure_ascii=rng.random() < 0.5)
    return _damaged(text, rng).encode("utf-8", "surrogatepass")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key) of everything inside."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])


def _change(record: Row, rng: random.Random) -> None:
    places = list(_places(record))
    if not places:
        return
    inside, key = rng.choice(places)
    what = rng.random()
    if what < 0.6:
        inside[key] = copy.deepcopy(rng.choice(HOSTILE))
    elif what < 0.75:
        del inside[key]
    elif what < 0.85 and isinstance(inside, list):
        inside.insert(key, copy.deepcopy(inside[key]))
    elif isinstance(inside, dict):
        inside[rng.choice(("", "problem", "labels", "a" * 300, "\ud800"))] = rng.choice(HOSTILE)
    else:
        inside[key] = [inside[key]]


def _damaged(text: str, rng: random.Random) -> str:
    """The text, in one of ten cases with what no JSON writer would have written."""
    if rng.random() < 0.9:
        return text
    at = rng.randrange(len(text))
    digits = [i for i, letter in enumerate(text) if letter.isdigit()]
    place = rng.choice(digits) if digits else at
    return rng.choice((
        text[:at],
        text[:at] + "\x00" + text[at:],
        text[:at] + "\udcff" + text[at:],
        text[:place] + DIGITS + text[place + 1 :],
        text[:place] + "[" * LEVELS + "1" + "]" * LEVELS + text[place + 1 :],
        text[:place] + "[" * 100_000 + text[place + 1 :],
        text[:place] + "1e999" + text[place + 1 :],
        text + text,
        "\ufeff" + text,
        f"[{text}]",
    ))  # fmt: skip


# --- verbs that read -----------------------------------------------------------

NOWHERE = "http://[::1/v1"  # no address: refused, but only after the rows are read
Verb = tuple[str, ...]  # {file}: the mutated one, {good}: a folder of good files, {out}: a new name


def verbs_of(name: str) -> list[Verb]:
    """Command lines of every verb that reads a kind of file; a policy is refused after the rows are
    read."""
    out = ("--out", "{out}.jsonl")
    traced: list[Verb] = [
        ("label", "{file}", "--method", "outcome", *out),
        ("label", "{file}", "--method", "calculator", *out),
        ("label", "{file}", "--method", "consensus", *out),
        ("label", "{file}", "--method", "oracle", *out),
        ("view", "{file}", "--out", "{out}.html"),
    ]
    foreign: list[Verb] = [
        ("convert", "{file}", "{out}.jsonl", "--json"),
        (
            "convert",
            "{file}",
            "{out}.jsonl",
            "--to",
            "trl_stepwise",
            "--threshold",
            "0.5",
            "--json",
        ),
        ("convert", "{file}", "{out}.jsonl", "--from", name, "--to", name),
        ("convert", "{file}", "{out}.parquet", "--from", name),
        ("convert", "{file}", "-", "--from", name),
        ("doctor", "{file}", "--json"),
        ("audit", "{file}"),
        ("fuse", "{file}", "{good}/labels.jsonl", "--method", "consensus", *out),
    ]
    own: dict[str, list[Verb]] = {
        "labels": [*traced, ("evaluate", "{good}/scores.jsonl", "--labels", "{file}")],
        "traces": traced,
        "scores": [("evaluate", "{file}"), *traced],
        "problems": [
            ("label", "{file}", "--method", "omega", "--policy", NOWHERE, *out),
            ("doctor", "{file}"),
        ],
        "gsm8k": [("sample", "{file}", "--policy", NOWHERE, *out)],
        "found": [
            ("reselect", "{file}", *out),
            ("reselect", "{file}", "--by", "majority", *out),
            ("view", "{file}", "--out", "{out}.html"),
        ],
        "pool": [
            ("select", "{file}", "--scores", "{good}/pool_scores.jsonl", "--n", "2"),
            ("select", "{file}", "--scores", "{good}/pool_scores.jsonl", "--n", "2", "--curves"),
        ],
        "pool_scores": [("select", "{good}/pool.jsonl", "--scores", "{file}", "--n", "2")],
        "summary": [("report", "{file}", "--out", "{out}.html")],
        "details": [("report", "{good}/summary.jsonl", "{file}", "--out", "{out}.html")],
        "process_bench": [
            ("evaluate", "process_bench", "--data", "{file}", "--scorer", "always-right"),
        ],
        "prm_bench": [("evaluate", "prm_bench", "--data", "{file}", "--scorer", "random")],
        "predictions": [
            ("evaluate", "process_bench", "--data", "{good}/gsm8k.jsonl",
             "--predictions", "{file}"),
        ],
    }  # fmt: skip
    own["unfinished"] = own["found"]
    own["problems"].append(own["gsm8k"][0])
    return [*(foreign if name in FORMAT_ROWS else ()), *own.get(name, [])]


# --- what must not happen ----------------------------------------------------


@dataclass
class Findings:
    """runs: of how many commands. refused: how many ended in their one error. faults: what must
    not happen, by what it is, with an example of each (command and row). lost: commands that lost
    a field without a word."""

    rows: int = 0
    runs: int = 0
    refused: int = 0
    slowest: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[Verb, bytes]] = field(default_factory=dict)
    lost: list[tuple[Verb, bytes]] = field(default_factory=list)

    def fault(self, what: str, verb: Verb, line: bytes) -> None:
        self.faults[what] += 1
        self.examples.setdefault(what, (verb, line))


class TooSlow(BaseException):
    """No `except Exception` may catch it."""


@contextmanager
def watched(seconds: float) -> Iterator[None]:
    """Raises TooSlow in the block after so much CPU time, or where nothing moves at all."""

    def stop(*_: object) -> None:
        raise TooSlow

    before = [(s, signal.signal(s, stop)) for s in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, STUCK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before:
            signal.signal(number, handler)


def good_files(folder: Path) -> None:
    """A good file of each kind, for what a verb reads beside the mutated one."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {name: [row] for name, row in ROWS.items()} | {"pool_scores": POOL_SCORES}
    for name, many in rows.items():
        text = "".join(json.dumps(row) + "\n" for row in many)
        (folder / f"{FILES.get(name, name)}.jsonl").write_text(text)


class Fuzzer:
    """folder: of all files. The same seed mutates the same rows."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.good = folder, folder / "good"
        good_files(self.good)
        self.app, self.runner = typer.main.get_command(build_app()), CliRunner()

    def fuzz(self, name: str, rows: int, seed: int, findings: Findings) -> None:
        """`rows` mutated rows of a kind through every verb that reads it."""
        rng = random.Random(f"{seed} {name}")
        verbs = verbs_of(name)
        whole = name in ("summary", "details")
        for verb in verbs:  # the first command of a kind imports much, which takes seconds
            self._invoke(verb, self.good / f"{FILES.get(name, name)}.jsonl", "warm")
        self._taken()
        for number in range(rows):
            line = mutated(ROWS[name], rng)
            good = json.dumps(ROWS[name]).encode()
            if name == "pool_scores":
                good = json.dumps(POOL_SCORES[1]).encode()
            alone = whole or rng.random() < 0.5
            path = self.folder / f"{FILES.get(name, name)}.jsonl"
            path.write_bytes(line if alone else b"\n".join((good, line, good)))
            findings.rows += 1
            for verb in verbs:
                self._run(verb, path, line, f"{name}-{number}", findings)

    def _taken(self) -> dict[str, bytes]:
        """What a command wrote, removed."""
        files = list((self.folder / "out").glob("*"))
        left = {file.name: file.read_bytes() for file in files}
        for file in files:
            file.unlink()
        return left

    def _invoke(self, verb: Verb, path: Path, out: str) -> Any:
        places = {"file": path, "good": self.good, "out": self.folder / "out" / out}
        return self.runner.invoke(self.app, [part.format(**places) for part in verb])

    def _run(self, verb: Verb, path: Path, line: bytes, out: str, findings: Findings) -> None:
        began = time.process_time()
        try:
            with watched(PATIENCE):
                result = self._invoke(verb, path, out)
        except TooSlow:
            findings.fault("over 2 s", verb, line)
            return
        finally:
            findings.runs += 1
            findings.slowest = max(findings.slowest, time.process_time() - began)
            left = self._taken()
        if any(name.startswith(".") for name in left):
            findings.fault("left a temporary file", verb, line)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            kind = "over 2 s" if isinstance(result.exception, TooSlow) else "traceback"
            findings.fault(f"{kind}: {result.exception!r:.90}", verb, line)
            return
        errors = [said for said in result.stderr.splitlines() if said.startswith("error: ")]
        if result.exit_code == 1 and len(errors) == 1:
            findings.refused += 1
            if [name for name in left if ".journal." not in name]:  # a journal is no result
                findings.fault("an error, and a result", verb, line)
        elif result.exit_code != 0 or errors:
            findings.fault(f"exit code {result.exit_code}, {len(errors)} errors", verb, line)
        elif "--json" in verb and verb[0] == "convert":
            self._account(verb, line, result.stdout, left, findings)

    def _account(
        self, verb: Verb, line: bytes, stdout: str, left: dict[str, bytes], findings: Findings
    ) -> None:
        """What was converted can be read again, and no field is gone without a word."""
        if "--to" not in verb:
            try:
                [labelled_of(json.loads(row)) for row in b"".join(left.values()).splitlines()]
            except InputError as error:
                findings.fault(f"labels that cannot be read: {error!s:.90}", verb, line)
        if STRANGER.encode() in line:
            told = b"".join(left.values()) + stdout.encode("utf-8", "replace")
            dropped = json.loads(stdout)["dropped"]  # a row that is told of is no loss
            if STRANGER.encode() not in told and not dropped:
                findings.lost.append((verb, line))


def table(findings: dict[str, Findings]) -> str:
    """A line for each kind of file."""
    head = (
        f"{'file':18} {'rows':>6} {'commands':>9} {'refused':>8} {'slowest, s':>11} {'faults':>7}"
    )
    lines = [
        f"{name:18} {f.rows:6} {f.runs:9} {f.refused:8} {f.slowest:11.2f} {f.faults.total():7}"
        f" {len(f.lost):5}"
        for name, f in findings.items()
    ]
    return "\n".join([head, *lines])
