"""`surefoot score`: a verifier's score of every step."""

import math
from typing import Annotated, Any

import typer

from surefoot.cli import _options as o
from surefoot.cli._common import at_least_one, read_traces, tell, write_rows
from surefoot.cli._work import Work
from surefoot.core.records import scored_record
from surefoot.core.types import StepScores, Trace, Verdict


def score(
    traces: o.Traces,
    out: o.Out,
    verifier: o.Verifier = "pebble-verifier",
    family: o.Family = None,
    limit: o.Limit = None,
    batch: Annotated[int, typer.Option(help="Traces scored between two saves.")] = 256,
    journal: o.JournalPath = None,
    device: o.Device = "auto",
    as_json: o.AsJson = False,
) -> None:
    """Score every step of traces with a verifier.

    Writes the traces with "scores" to --out: their kind (correctness, value, progress, logit or
    logratio), one value a step, and the verifier's name. Ends in a summary with the cost.

    Example:
        surefoot score traces.jsonl --verifier pebble-verifier --out scores.jsonl
        surefoot score traces.jsonl --verifier models/my-prm --family qwen-prm --out scores.jsonl
    """
    at_least_one(limit=limit, batch=batch)
    rows: list[Trace] = read_traces(traces, limit)
    with Work("score", out, journal) as work:
        scorer = work.scorer(verifier, device=device, family=family)
        batches = [rows[start : start + batch] for start in range(0, len(rows), batch)]
        scores = [s for part in work.each("score", scorer, batches) for s in part]
        write_rows(out, map(scored_record, rows, scores))
        tell({**_summary(rows, scores), **work.cost(), "out": out}, as_json=as_json)


def _summary(rows: list[Trace], scores: list[StepScores]) -> dict[str, Any]:
    from surefoot.core.kinds import aggregate
    from surefoot.evaluate import within_problem_auc

    known = [
        (row, aggregate(s))
        for row, s in zip(rows, scores, strict=True)
        if row.verdict in (Verdict.CORRECT, Verdict.WRONG)
    ]
    values = [value for s in scores for value in s.values]
    return {
        "traces": len(rows),
        "steps": len(values),
        "kind": scores[0].kind.value,
        "mean_score": math.fsum(values) / len(values),
        "auc_within_problems": within_problem_auc(
            [total for _, total in known],
            [row.verdict is Verdict.CORRECT for row, _ in known],
            [row.problem.id for row, _ in known],
        ),
    }
