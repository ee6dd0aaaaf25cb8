"""`surefoot evaluate BENCHMARK`: scorers and files of predictions side by side."""

import importlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

from surefoot.cli._common import at_least_one, chosen, say
from surefoot.cli._work import Work
from surefoot.core.errors import InputError
from surefoot.core.records import Record, scores_record, write_all
from surefoot.core.seeds import rng_for
from surefoot.core.types import Step, Trace
from surefoot.formats.files import foreign_rows

BENCHMARKS = {  # name -> module of evaluate.benchmarks, and what it is called there
    "process_bench": ("process_bench", "PROCESS_BENCH"),
    "prm_bench": ("prm_bench", "PRM_BENCH"),
    "big_bench_mistake": ("big_bench_mistake", "BIG_BENCH_MISTAKE"),
    "mr_gsm8k": ("mr_gsm8k", "MR_GSM8K"),
    "proc_bench": ("proc_bench", "PROC_BENCH"),
    "who_and_when": ("who_and_when", "WHO_AND_WHEN"),
    "agent_process_bench": ("agent_process_bench", "AGENT_PROCESS_BENCH"),
    "critic_bench_google": ("critic_bench", "CRITIC_BENCH_GOOGLE"),
    "critic_bench_tsinghua": ("critic_bench", "CRITIC_BENCH_TSINGHUA"),
    "real_critic": ("real_critic", "REAL_CRITIC"),
    "realmistake": ("realmistake", "REALMISTAKE"),
    "reward_bench": ("reward_bench", "REWARD_BENCH"),
    "tool_comp": ("tool_comp", "TOOL_COMP"),
}
BASELINES = ("random", "always-right", "oracle")
ID_FIELDS = ("id", "record_id", "uuid")
PARSERS = ("robust", "official")
MISSING = ("wrong", "official")


@dataclass(frozen=True, slots=True)
class Run:
    """What was asked for; fields are the options of `surefoot evaluate`."""

    data: Path | None
    scorers: Sequence[str]
    family: str | None
    predictions: Sequence[Path]
    parser: str
    missing: str
    threshold: float | None
    chosen_on: str | None
    flatten: bool
    limit: int | None
    out: Path | None
    batch: int
    journal: Path | None
    device: str
    seed: int


def measure_benchmark(name: str, run: Run) -> Record:
    """Measures every entry, tells the table on stderr, writes --out; returns the summary."""
    from surefoot.evaluate.benchmarks import compare
    from surefoot.report.benchmark import benchmark_table

    at_least_one(limit=run.limit, batch=run.batch)
    chosen("--parser", run.parser, dict.fromkeys(PARSERS))
    chosen("--missing", run.missing, dict.fromkeys(MISSING))
    module, place = BENCHMARKS[name]
    benchmark = getattr(importlib.import_module(f"surefoot.evaluate.benchmarks.{module}"), place)
    if run.data is None:
        raise InputError(f"--data is missing: the file or folder of {benchmark.title}'s cases")
    if not run.scorers and not run.predictions:
        raise InputError("nothing to measure: give --scorer or --predictions, once or more")
    if run.missing == "official":
        benchmark = _as_its_authors_count(benchmark)
    every = benchmark.load(run.data)
    cases = _drawn(every, run.limit, run.seed)
    journal = run.journal or (run.out and run.out / "journal.sqlite")
    with Work("evaluate", "-", journal, in_flight=1) as work:
        entries = [_of_scorer(benchmark, cases, scorer, run, work) for scorer in run.scorers]
        entries += [_of_file(benchmark, every, cases, path, run) for path in run.predictions]
        measured = compare(benchmark, cases, entries, seed=run.seed)
        summary = {**measured, "missing": run.missing, "cost": work.cost()}
    for entry in entries:
        _tell_refusals(entry, len(cases))
    say(benchmark_table(summary))
    if run.out is not None:
        _write(run.out, summary, cases, entries)
    return summary


def _write(out: Path, summary: Record, cases: Sequence[Any], entries: Sequence[Any]) -> None:
    from surefoot.core.files import write_whole
    from surefoot.report.benchmark import write_benchmark

    for entry in entries:
        write_all(out / f"{_file_name(entry.name)}.predictions.jsonl", _rows(cases, entry))
    write_whole(out / "summary.json", json.dumps(summary, indent=1) + "\n")
    write_benchmark(out / "report.html", summary)
    say(f"wrote summary.json, predictions and report.html to {out}")


def _as_its_authors_count(benchmark: Any) -> Any:
    if benchmark.count_official is None:
        raise InputError(
            f"{benchmark.title} has no way of its own to count what has no verdict; "
            "leave --missing out"
        )
    return replace(benchmark, count=benchmark.count_official)


def _drawn(cases: Sequence[Any], limit: int | None, seed: int) -> Sequence[Any]:
    """`limit` cases of each group, drawn by `seed` (published files put the erroneous first)."""
    if limit is None:
        return cases
    places: dict[str, list[int]] = {}
    for i, case in enumerate(cases):
        places.setdefault(case.group, []).append(i)
    kept = {
        place
        for group, of_group in places.items()
        for place in rng_for(seed, "limit", group).permutation(of_group)[:limit].tolist()
    }
    return [case for i, case in enumerate(cases) if i in kept]


# --- entries ---------------------------------------------------------------


def _of_scorer(benchmark: Any, cases: Sequence[Any], name: str, run: Run, work: Work) -> Any:
    from surefoot.evaluate.benchmarks import entries

    if name == "oracle":
        return entries.oracle(benchmark, cases)
    entries.rule_of(benchmark)
    score = _scorer(name, run, work)
    flat = run.flatten and name not in BASELINES
    shown = [_flat(case) for case in cases] if flat else cases
    batches = [shown[i : i + run.batch] for i in range(0, len(shown), run.batch)]

    def batch(part: Sequence[Any]) -> Any:
        return entries.scores_or_refusals(part, score)

    parts = work.each(name, batch, batches)
    return entries.scored(
        benchmark,
        cases,
        name,
        [scores for found, _ in parts for scores in found],
        threshold=run.threshold,
        chosen_on=run.chosen_on,
        refused={key: why for _, refused in parts for key, why in refused.items()},
    )


def _scorer(name: str, run: Run, work: Work) -> Callable[..., Any]:
    from surefoot.evaluate.benchmarks import entries

    if name == "random":
        return entries.random_scorer(run.seed)
    if name == "always-right":
        return entries.always_right
    scorer: Callable[..., Any] = work.scorer(name, device=run.device, family=run.family)
    return scorer


def _flat(case: Any) -> Any:
    """The case with each step on one line."""

    def flat(trace: Trace) -> Trace:
        return trace.with_steps(tuple(Step(" ".join(s.text.split("\n"))) for s in trace.steps))

    return replace(case, traces=tuple(map(flat, case.traces)))


def _of_file(
    benchmark: Any, every: Sequence[Any], cases: Sequence[Any], path: Path, run: Run
) -> Any:
    from surefoot.evaluate.benchmarks import entries

    read = benchmark.read_official if run.parser == "official" else benchmark.read
    if read is None:
        raise InputError(f"{benchmark.title} has no official way to read replies: robust it is")
    known = {case.id for case in every}
    rows: dict[str, Record] = {}
    for row, record in foreign_rows(path):
        key = _id_of(record, path, row)
        if key not in known:
            raise InputError(f"{path} row {row}: no case of {benchmark.title} has the id {key!r}")
        if key in rows:
            raise InputError(f"{path} row {row}: a second row for {key!r}; keep one")
        rows[key] = record
    try:
        return entries.predicted(
            benchmark,
            cases,
            path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".predictions"),
            rows,
            read=read,
            threshold=run.threshold,
            chosen_on=run.chosen_on,
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _id_of(record: Record, path: Path, row: int) -> str:
    """A row's case: "id", or what benchmarks call it, or the problem's id in a scored trace."""
    problem = record.get("problem")
    inner = problem.get("id") if isinstance(problem, dict) else None
    key = next((record[name] for name in ID_FIELDS if name in record), inner)
    if not isinstance(key, str | int) or isinstance(key, bool):
        raise InputError(f"{path} row {row}: field 'id': expected a case's id, got {key!r}")
    return str(key)


# --- what comes out --------------------------------------------------------


def _rows(cases: Sequence[Any], entry: Any) -> list[Record]:
    """One row a case, as `--predictions` reads it back."""
    scores = entry.scores_M or [None] * len(cases)
    rows = []
    for case, prediction, found in zip(cases, entry.predictions_M, scores, strict=True):
        is_record = is_dataclass(prediction) and not isinstance(prediction, type)
        told = asdict(prediction) if is_record else prediction
        row: Record = {"id": case.id, "group": case.group, "prediction": told}
        if found:
            row["scores"] = [scores_record(s) for s in found]
        if case.id in entry.refused:
            row["refused"] = entry.refused[case.id]
        rows.append(row)
    return rows


def _tell_refusals(entry: Any, cases: int) -> None:
    if entry.refused:
        case, why = next(iter(entry.refused.items()))
        say(
            f"{entry.name} could not score {len(entry.refused):,} of {cases:,} cases, which count "
            f"as without prediction; the first, {case}: {why}"
        )


def _file_name(name: str) -> str:
    """A scorer's name as a file's: org/model is org--model."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name.replace("/", "--"))
