"""How far do annotators without a model agree with people's step labels?

    SUREFOOT_DATA=FOLDER python benchmarks/agreement.py

For each data set and annotator, over the steps that people labelled:

    coverage         share of steps about which the annotator says anything
    agreement        share of these where it says what people say; `base`: if all were called right
    alarm_precision  share of its alarms on steps that people call wrong
    alarm_recall     share of people's wrong steps that it alarms on
    error_found      share of erroneous solutions whose first wrong step is its first alarm
    correct_passed   share of solutions without a wrong step in which it raises no alarm
    f1               harmonic mean of the last two, as in ProcessBench

Intervals: 95 %, bootstrap by problem. Neutral ratings of PRM800K count as right; what follows
a first error was not judged and is left out.
"""

import json
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np

from claims import RESULTS
from surefoot.annotate import by_rule, calculator, consensus
from surefoot.annotate.rules import readable
from surefoot.core.records import read_rows
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, LabelledTrace, Step, StepLabel, Trace
from surefoot.evaluate.intervals import interval_of, quotient, resampled_sums
from surefoot.formats import Choices, read_foreign, read_process_bench
from surefoot.formats.big_bench_mistake import big_bench_mistake_labelled, big_bench_mistake_of
from surefoot.formats.nouns import evidence, labelled, problem_for
from surefoot.formats.process_bench import process_bench_labelled
from surefoot.tasks import dyck, prontoqa

Annotate = Callable[[Sequence[Trace]], list[LabelledTrace]]
COUNTS = (
    "steps", "covered", "agreed", "right", "alarms", "true_alarms", "wrong",
    "erroneous", "found", "correct", "passed",
)  # fmt: skip
NONE = Choices()


# --- people's labels ---------------------------------------------------------


def process_bench(path: Path) -> list[LabelledTrace]:
    """One subset of ProcessBench."""
    return [t for row in read_process_bench(path) for t in process_bench_labelled(row, NONE)]


def big_bench(path: Path) -> list[LabelledTrace]:
    """One task of BIG-Bench Mistake."""
    rows = read_foreign(path, big_bench_mistake_of)
    return [t for row in rows for t in big_bench_mistake_labelled(row, NONE)]


def prm800k(path: Path) -> list[LabelledTrace]:
    """The rated paths, each text once."""
    return [
        labelled(
            problem_for(row["problem"]),
            row["steps"][: len(row["ratings"])],
            [evidence(float(r >= 0), Kind.CORRECTNESS, "prm800k") for r in row["ratings"]],
        )
        for _, row in read_rows(path)
        if not row["duplicate_of_earlier_text"]
    ]


def deductions(path: Path) -> list[LabelledTrace]:
    """PrOntoQA's own chains, whose steps are right by construction."""
    return [
        LabelledTrace(t, (StepLabel(Kind.CORRECTNESS, 1, 1, "prontoqa"),) * len(t.steps))
        for t in prontoqa.prontoqa_references(path)
    ]


def samples(path: Path) -> dict[str, list[Trace]]:
    """Problem -> 32 unlabelled solutions, from StrictPRMBench's pool."""
    pool = {}
    for _, row in read_rows(path):
        text = row["candidates"][0]["problem"]["question"].strip()
        solutions = [[Step(s["text"]) for s in c["steps"]] for c in row["candidates"]]
        pool[text] = [Trace(problem_for(text), tuple(steps)) for steps in solutions]
    return pool


# --- annotators ------------------------------------------------------------------


def by_calculator(traces: Sequence[Trace]) -> list[LabelledTrace]:
    """Each trace by itself."""
    return [calculator(trace) for trace in traces]


def by_consensus(traces: Sequence[Trace]) -> list[LabelledTrace]:
    """Each trace against the others of its problem."""
    same = defaultdict(list)
    for trace in traces:
        same[trace.problem.id].append(trace)
    return [consensus(trace, others=same[trace.problem.id]) for trace in traces]


def by_pool(traces: Sequence[Trace], pool: Mapping[str, list[Trace]]) -> list[LabelledTrace]:
    """Each trace against 32 samples of one model for its problem."""
    return [consensus(trace, others=pool[trace.problem.text.strip()]) for trace in traces]


def by_stack(traces: Sequence[Trace]) -> list[LabelledTrace]:
    """The rule of Dyck languages."""
    return [by_rule(trace, rule=dyck.right_steps) for trace in traces]


def by_deduction(traces: Sequence[Trace]) -> list[LabelledTrace]:
    """The rules of PrOntoQA."""
    rule = readable(prontoqa.check_steps, {prontoqa.Flaw.FORM})
    return [by_rule(trace, rule=rule) for trace in traces]


RATED = "prm800k/prm800k_1818_trajectories_decoded.jsonl.gz"
POOL = "strictprmbench/gsm8k_500x32_samples.jsonl.gz"
GSM8K = "processbench/gsm8k.jsonl.gz"
RUNS: tuple[tuple[str, Callable[[Path], list[LabelledTrace]], Annotate], ...] = (
    (GSM8K, process_bench, by_calculator),
    ("processbench/math.jsonl.gz", process_bench, by_calculator),
    (RATED, prm800k, by_calculator),
    (RATED, prm800k, by_consensus),
    ("big_bench_mistake/multistep_arithmetic.jsonl.gz", big_bench, by_calculator),
    ("big_bench_mistake/dyck_languages.jsonl.gz", big_bench, by_stack),
    ("prontoqa/345hop_test_500.jsonl.gz", deductions, by_deduction),
)


# --- figures ---------------------------------------------------------------------


def counts(people: LabelledTrace, ours: LabelledTrace) -> list[int]:
    """What one trace adds to COUNTS."""
    pairs = [(p.hard, o.hard) for p, o in zip(people.labels, ours.labels, strict=True)]
    known = [(p, o) for p, o in pairs if p is not None]
    said = [(p, o) for p, o in known if o is not None]
    alarms = [p for p, o in said if not o]
    wrong_at = [i for i, (p, _) in enumerate(pairs) if p is False]
    first = next((i for i, (_, o) in enumerate(pairs) if o is False), None)
    found = bool(wrong_at) and first == wrong_at[0]
    return [
        len(known), len(said), sum(p == o for p, o in said), sum(p for p, _ in said),
        len(alarms), alarms.count(False), sum(not p for p, _ in known),
        bool(wrong_at), found, not wrong_at, not wrong_at and first is None,
    ]  # fmt: skip


def figures(people: list[LabelledTrace], ours: list[LabelledTrace]) -> dict[str, object]:
    """Every figure with its interval; None where it is undefined."""
    rows = [counts(p, o) for p, o in zip(people, ours, strict=True)]
    clusters = [item.trace.problem.id for item in people]
    sums = resampled_sums(rows, clusters, rng=rng_for(0, "agreement"))
    k = dict(zip(COUNTS, sums.T, strict=True))
    found, passed = quotient(k["found"], k["erroneous"]), quotient(k["passed"], k["correct"])
    values = {
        "coverage": quotient(k["covered"], k["steps"]),
        "agreement": quotient(k["agreed"], k["covered"]),
        "base": quotient(k["right"], k["covered"]),
        "alarm_precision": quotient(k["true_alarms"], k["alarms"]),
        "alarm_recall": quotient(k["true_alarms"], k["wrong"]),
        "error_found": found,
        "correct_passed": passed,
        "f1": quotient(2 * found * passed, found + passed),
    }
    sizes = {name: int(k[name][0]) for name in ("steps", "alarms", "erroneous", "correct")}
    return {"problems": len(set(clusters)), **sizes} | {
        name: None
        if (i := interval_of(v)) is None
        else np.round([i.estimate, i.low, i.high], 4).tolist()
        for name, v in values.items()
    }


def main(data: Path) -> None:
    """Measures every run, prints it, and writes benchmarks/results/agreement.json."""
    table = []
    for name, load, annotate in RUNS:
        people = load(data / name)
        ours = annotate([item.trace for item in people])
        table.append({"data": name, "annotator": annotate.__name__, **figures(people, ours)})
    pool = samples(data / POOL)
    people = [t for t in process_bench(data / GSM8K) if t.trace.problem.text.strip() in pool]
    ours = by_pool([item.trace for item in people], pool)
    table.append({"data": GSM8K, "annotator": "by_pool", **figures(people, ours)})
    for row in table:
        print(json.dumps(row))
    report = {"command": "python benchmarks/agreement.py", "date": str(date.today()), "rows": table}
    (RESULTS / "agreement.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    if "SUREFOOT_DATA" in os.environ:
        main(Path(os.environ["SUREFOOT_DATA"]))
    else:
        print("skipped: set SUREFOOT_DATA to the folder that holds processbench/, prm800k/, ...")
