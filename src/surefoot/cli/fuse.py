"""`surefoot fuse`: the labels of several sources made one."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.annotate.fuse import (
    aligned,
    by_consensus,
    by_dawid_skene,
    by_label_model,
    by_metric,
    by_posterior_of_all,
    by_step_dawid_skene,
)
from surefoot.cli import _options as o
from surefoot.cli._common import chosen, tell, write_rows
from surefoot.cli._labels_in import makers, mean_label, read_labels
from surefoot.core.errors import InputError
from surefoot.core.records import labelled_record
from surefoot.core.types import LabelledTrace

Fusion = Callable[[list[list[LabelledTrace | None]], list[str]], list[LabelledTrace]]

FUSIONS: dict[str, Fusion] = {
    "consensus": by_consensus,
    "dawid_skene": by_dawid_skene,
    "step_dawid_skene": by_step_dawid_skene,
    "label_model": by_label_model,
    "metric": by_metric,
    "posterior": by_posterior_of_all,
}


def fuse(
    labels: Annotated[
        list[Path], typer.Argument(help="Labelled traces, one file a source, in any format.")
    ],
    out: o.Out,
    method: Annotated[str, typer.Option(help="How they are fused, see above.")] = "dawid_skene",
    shared: Annotated[
        list[Path] | None,
        typer.Option(help="One of the files that rest on the same rollouts or judge. Repeat it."),
    ] = None,
    as_json: o.AsJson = False,
) -> None:
    """Fuse the labels that several sources gave to the same traces.

    consensus: keep a trace if all name the same first error, drop the others.

    dawid_skene: how each source misses, misplaces and imagines first errors is estimated from
    their disagreements; every trace is kept, with P(no error so far) as its steps' belief.

    posterior: the same, but counts of rollouts (of monte_carlo) go by their likelihood, with a
    success rate before and a lower one after the error; one other source is enough.

    metric: the same by distances, where sources differ in the step that shows an error.

    step_dawid_skene, label_model: every step by itself.

    All but consensus and posterior need three independent sources. Files that share their
    evidence count as one: those whose labels have the same makers, and those named with --shared.
    Traces are matched by their words. Writes labelled traces to --out.

    Example:
        surefoot fuse labels.jsonl calculator.jsonl --method posterior --out fused.jsonl
    """
    fused_by = chosen("--method", method, FUSIONS)
    if len(labels) < 2:
        raise InputError("expected two files of labels or more, one a source; got one")
    sources = [read_labels(path) for path in labels]
    groups = _groups(labels, list(map(makers, sources)), shared or [])
    rows = aligned(sources)
    fused = fused_by(rows, groups)
    write_rows(out, map(labelled_record, fused))
    tell({**_summary(rows, groups, fused), "out": out}, as_json=as_json)


def _groups(labels: list[Path], made_by: list[str], shared: list[Path]) -> list[str]:
    """[J] equal for files that share their evidence."""
    unknown = [str(path) for path in shared if path not in labels]
    if unknown:
        raise InputError(f"--shared {unknown[0]} is not one of the files to fuse")
    joined = [made_by[labels.index(path)] for path in shared]
    return [joined[0] if name in joined else name for name in made_by]


def _summary(
    rows: list[list[LabelledTrace | None]], groups: list[str], fused: list[LabelledTrace]
) -> dict[str, Any]:
    shared = {group: n for group, n in Counter(groups).items() if n > 1}
    return {
        "traces": len(rows),
        "labelled_by_all": sum(None not in row for row in rows),
        "independent_sources": len(set(groups)),
        **({"sources_that_count_as_one": shared} if shared else {}),
        "fused": len(fused),
        "mean_label": mean_label(fused),
    }
