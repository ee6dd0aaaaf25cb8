"""`surefoot evaluate`: how good a verifier is, on a benchmark or on traces it has scored."""

import json
from pathlib import Path

from surefoot.cli import _evaluate_options as e
from surefoot.cli import _options as o
from surefoot.cli._common import tell
from surefoot.cli._evaluate_benchmark import BENCHMARKS, Run, measure_benchmark
from surefoot.cli._evaluate_scores import measure_scores
from surefoot.core.errors import InputError


def evaluate(
    what: e.What,
    data: e.Data = None,
    scorer: e.Scorers = None,
    family: o.Family = None,
    predictions: e.Predictions = None,
    parser: e.Parser = "robust",
    missing: e.Missing = "wrong",
    threshold: e.Threshold = None,
    threshold_from: e.ThresholdFrom = None,
    flatten: e.Flatten = False,
    limit: e.Limit = None,
    labels: e.Labels = None,
    bins: e.Bins = 10,
    aggregation: o.Aggregation = None,
    out: e.Out = None,
    batch: e.Batch = 64,
    journal: o.JournalPath = None,
    device: o.Device = "auto",
    seed: o.Seed = 0,
    as_json: o.AsJson = False,
) -> None:
    """Measure verifiers on a benchmark, or one verifier on traces it has scored.

    A benchmark: every --scorer and --predictions side by side on the same cases, with 95 %
    intervals over problems and paired differences to the first. Scores are kept in a journal
    (OUT/journal.sqlite; evaluate.journal.sqlite without --out), so the same command goes on where
    it was interrupted. Prints a table on stderr, the same as
    JSON on stdout with --json. Writes to --out: summary.json, NAME.predictions.jsonl (which
    --predictions reads back), report.html.

    Scored traces: first errors against the exact step checker of trails, or against --labels (a
    step without a success is wrong), with a threshold chosen on each half of the problems and used
    on the other. Calibration of the whole trace's score against its verdict. Best-of-n, votes and
    coverage over the traces of each problem. "unknown" means nothing to measure it by.

    Example:
        surefoot evaluate process_bench --data processbench --scorer models/my-prm --out study
        surefoot evaluate scores.jsonl --json
    """
    if what not in BENCHMARKS:
        refuse("a benchmark", data=data, scorer=scorer, predictions=predictions, out=out)
        refuse("a benchmark", limit=limit, threshold_from=threshold_from, journal=journal)
        told = measure_scores(
            _file(what), labels, threshold=threshold, bins=bins, aggregation=aggregation, seed=seed
        )
        tell(told, as_json=as_json)
        return
    refuse("scored traces", labels=labels, aggregation=aggregation)
    run = Run(
        data=data,
        scorers=scorer or (),
        family=family,
        predictions=predictions or (),
        parser=parser,
        missing=missing,
        threshold=threshold,
        chosen_on=threshold_from,
        flatten=flatten,
        limit=limit,
        out=out,
        batch=batch,
        journal=journal,
        device=device,
        seed=seed,
    )
    summary = measure_benchmark(what, run)
    if as_json:
        print(json.dumps(summary, indent=1))


def refuse(only_for: str, **given: object) -> None:
    """InputError if an option was given that has a meaning only for the other use of the verb."""
    for name, value in given.items():
        if value is not None:
            raise InputError(f"--{name.replace('_', '-')} is only for {only_for}; leave it out")


def _file(what: str) -> Path:
    path = Path(what)
    if not path.is_file():
        raise InputError(
            f"expected a file of scored traces or one of {', '.join(BENCHMARKS)}, got {what!r}"
        )
    return path
