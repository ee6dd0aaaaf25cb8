"""`surefoot audit`: how good step labels are, and what they cost."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.annotate.fuse import aligned, trace_key
from surefoot.cli import _options as o
from surefoot.cli._common import is_trails, say
from surefoot.cli._labels_in import makers, read_labels, short_names
from surefoot.core.errors import InputError
from surefoot.core.seeds import rng_for
from surefoot.core.types import LabelledTrace, Trace

Right = bool | None
Truth = Callable[[Trace], list[Right]]
Figures = Mapping[str, Any]
ORACLE = "oracle"


def audit(
    labels: Annotated[
        list[Path], typer.Argument(help="Labelled traces in any format, one file a labelling.")
    ],
    truth: Annotated[
        str | None,
        typer.Option(
            help="What is true of each step: a file of labels in any format, such as people's, "
            "or oracle for the exact checker of trails."
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="An SVG to write: share of true labels against tokens (needs --truth)."),
    ] = None,
    seed: o.Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Audit step labels: error rates, agreement, noise, and the price of a true label.

    Of each file: the share of wrong steps (by --truth where it is given, else by the labels
    themselves) and of wrong answers. Of each two: how often they agree on a step, kappa, and how
    often on the first error. Against --truth: the share of true labels with a 95 % interval over
    problems, wrong steps that were missed, right ones that were blamed, first errors, tokens for
    a true label. Traces are matched by their words; steps whose truth is unknown do not count.
    Prints a table, or JSON with --json.

    Example:
        surefoot audit labels.jsonl fused.jsonl --truth oracle --plot audit.svg
    """
    if plot is not None and truth is None:
        raise InputError("--plot shows labels against the truth; give it with --truth")
    sources = dict(zip(short_names(labels), map(read_labels, labels), strict=True))
    known = _no_truth if truth is None else _truth_of(truth)
    audited = {name: figures_of(items, known, seed) for name, items in sources.items()}
    agreements = _agreements(sources)
    if truth is not None:
        _refuse_strangers(truth, audited)
    if plot is not None:
        _draw(plot, audited)
    if as_json:
        print(json.dumps({"labels": audited, "agreement": agreements}, indent=1))
        return
    tables = (_contents(audited), _against_truth(audited) if truth else "", _agreed(agreements))
    print("\n\n".join(filter(None, tables)))


# --- the truth -------------------------------------------------------------


def _no_truth(trace: Trace) -> list[Right]:
    return [None] * len(trace.steps)


def _truth_of(source: str) -> Truth:
    from surefoot.evaluate import judgements

    if source == ORACLE:
        return by_oracle
    known = {trace_key(item.trace): judgements(item) for item in read_labels(Path(source))}
    return partial(_looked_up, known)


def _refuse_strangers(truth: str, audited: Mapping[str, Figures]) -> None:
    if not any(figures["true_labels"] for figures in audited.values()):
        raise InputError(
            f"--truth {truth} knows nothing of these traces; expected labels of traces with the "
            "same words, or problems of trails"
        )


def by_oracle(trace: Trace) -> list[Right]:
    """[S] what the exact checker of trails says; unknown of other problems."""
    from surefoot.tasks.trails import check_steps

    if not is_trails(trace):
        return _no_truth(trace)
    return [flaw is None for flaw in check_steps(trace.problem, trace)]


def _looked_up(known: Mapping[tuple[str, ...], list[Right]], trace: Trace) -> list[Right]:
    return known.get(trace_key(trace)) or _no_truth(trace)


# --- figures ---------------------------------------------------------------


def figures_of(items: Sequence[LabelledTrace], truth: Truth, seed: int) -> dict[str, Any]:
    """All figures of one labelling."""
    from surefoot.evaluate import audit_labels, error_rates, judgements

    true_N_S = [truth(item.trace) for item in items]
    told = any(right is not None for true_S in true_N_S for right in true_S)
    own_N_S = [judgements(item) for item in items]
    rates = error_rates([item.trace for item in items], true_N_S if told else own_N_S)
    found = audit_labels(items, true_N_S, rng=rng_for(seed, "audit"))
    first = found.first_errors
    return {
        "by": makers(items),
        "traces": len(items),
        "steps": sum(map(len, own_N_S)),
        "without_evidence": sum(own_S.count(None) for own_S in own_N_S),
        "step_error_rate": rates.step,
        "step_errors_by": "truth" if told else "labels",
        "outcome_error_rate": rates.outcome,
        "true_labels": None if found.accuracy is None else asdict(found.accuracy),
        "noise": found.noise,
        "answered": found.answered,
        "missed": found.missed,
        "false_alarms": found.false_alarms,
        "true_to_first_error": found.to_first_error,
        "first_error_traces": first.erroneous + first.correct,
        "first_error_found": first.on_erroneous,
        "correct_passed": first.on_correct,
        "first_error_f1": first.f1,
        "calls": sum(item.usage.calls for item in items),
        "tokens": found.tokens,
        "tokens_per_trace": found.tokens / len(items),
        "tokens_per_true_label": found.tokens_per_true_label,
    }


def _agreements(sources: Mapping[str, Sequence[LabelledTrace]]) -> list[Figures]:
    """Of every two labellings, on the traces that both have."""
    rows = aligned(list(sources.values()))
    return [
        {"a": a, "b": b, **_agreement([(row[i], row[j]) for row in rows])}
        for (i, a), (j, b) in combinations(enumerate(sources), 2)
    ]


def _agreement(pairs: Sequence[tuple[LabelledTrace | None, LabelledTrace | None]]) -> Figures:
    from surefoot.evaluate import agreement, first_error_in, judgements

    said = [(judgements(x), judgements(y)) for x, y in pairs if x is not None and y is not None]
    steps = agreement([s for x, _ in said for s in x], [s for _, y in said for s in y])
    same = _same([(first_error_in(x), first_error_in(y)) for x, y in said])
    return {
        "traces": len(said),
        "steps": steps.both,
        "raw": steps.raw,
        "kappa": steps.kappa,
        "same_first_error": same,
    }


def _same(pairs: Sequence[tuple[int | None, int | None]]) -> float | None:
    """Share of equal pairs among those that are known."""
    known = [x == y for x, y in pairs if x is not None and y is not None]
    return sum(known) / len(known) if known else None


# --- what people see -------------------------------------------------------


def _contents(audited: Mapping[str, Figures]) -> str:
    head = ("labels", "traces", "steps", "unlabelled", "wrong steps, %", "wrong answers, %")
    rows = [
        (
            _plain(name),
            *(f"{f[key]:,}" for key in ("traces", "steps", "without_evidence")),
            *(_share(f[key]) for key in ("step_error_rate", "outcome_error_rate")),
        )
        for name, f in audited.items()
    ]
    return _table(head, rows)


def _against_truth(audited: Mapping[str, Figures]) -> str:
    from surefoot.report.looks import bracketed, doubts

    head = (
        "against the truth", "true, %", "interval", "missed, %", "false alarms, %",
        "first error F1, %", "tokens", "tokens per true label",
    )  # fmt: skip
    rows = []
    for name, f in audited.items():
        true = f["true_labels"] or dict.fromkeys(("estimate", "low", "high"))
        row = (
            _plain(name),
            _share(true["estimate"]),
            bracketed(_share(true["low"]), _share(true["high"]), true.get("note") or ""),
            *(_share(f[key]) for key in ("missed", "false_alarms", "first_error_f1")),
            f"{f['tokens']:,}",
            _number(f["tokens_per_true_label"], ",.1f"),
        )
        rows.append(row)
    told = doubts([f["true_labels"] for f in audited.values()])
    return _table(head, rows) + (f"\n{told}" if told else "")


def _agreed(agreements: Sequence[Figures]) -> str:
    """Of the labellings that meet in some trace; "" if none do."""
    head = ("agreement", "traces", "steps", "same label, %", "kappa", "same first error, %")
    rows = [
        (
            f"{_plain(pair['a'])} / {_plain(pair['b'])}",
            *(f"{pair[key]:,}" for key in ("traces", "steps")),
            _share(pair["raw"]),
            _number(pair["kappa"], ".2f"),
            _share(pair["same_first_error"]),
        )
        for pair in agreements
        if pair["traces"]
    ]
    return _table(head, rows) if rows else ""


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    from surefoot.report.tables import aligned as table

    return table(head, rows, left=(head[0], "interval"))


def _plain(name: str) -> str:
    from surefoot.report.tables import plain

    return plain(name)


def _share(value: float | None) -> str:
    from surefoot.report.looks import percent

    return percent(value)


def _number(value: float | None, form: str) -> str:
    from surefoot.report.looks import UNKNOWN

    return UNKNOWN if value is None else format(value, form)


def _draw(path: Path, audited: Mapping[str, Figures]) -> None:
    """A point for each labelling; the axis of tokens is a logarithm, so free ones have no place."""
    from surefoot.core.files import write_whole
    from surefoot.report import accuracy_svg
    from surefoot.report.data import CurvePoint

    known = {name: f for name, f in audited.items() if f["true_labels"] is not None}
    priced = {name: f for name, f in known.items() if f["tokens"]}
    for name in known.keys() - priced.keys():
        say(f"  {name} cost no tokens and is not in the plot")
    if not priced:
        raise InputError("--plot needs labels that cost tokens and whose truth is known; none did")
    points = {
        name: [
            CurvePoint(
                tokens=f["tokens_per_trace"],
                accuracy=f["true_labels"]["estimate"],
                low=f["true_labels"]["low"],
                high=f["true_labels"]["high"],
                n=f["traces"],
            )
        ]
        for name, f in priced.items()
    }
    picture = accuracy_svg(points, standalone=True, against="tokens per labelled trace")
    write_whole(path, picture)
