"""`surefoot convert`: step labels from one format to another."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, get_args

import typer

from surefoot.cli import _options as o
from surefoot.cli._common import chosen, tell, unescaped, write_rows
from surefoot.core.errors import InputError
from surefoot.core.records import Record
from surefoot.formats.convert import Account, converted
from surefoot.formats.detection import format_of
from surefoot.formats.files import foreign_rows, write_parquet
from surefoot.formats.nouns import UNIT_KINDS, Choices, Neutral
from surefoot.formats.survey import account_record
from surefoot.formats.table import FORMATS, Format

KINDS = {kind.value: kind for kind in UNIT_KINDS}
NEUTRALS: dict[str, Neutral] = {name: name for name in get_args(Neutral)}

Rows = Annotated[
    Path,
    typer.Argument(
        help="Rows: JSON lines or an array, gzipped or not, Parquet, a `datasets` folder."
    ),
]
From = Annotated[
    str,
    typer.Option(
        "--from", help="The rows' format; auto looks at them, and asks if it is not sure."
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(help="Soft labels count as right from here on, where a format has hard ones."),
]
NeutralIs = Annotated[
    str,
    typer.Option("--neutral", help="A rating of 0 is: positive, negative or ignore (no label)."),
]
KindIs = Annotated[
    str,
    typer.Option("--kind", help="Labels of formats that do not say it are: correctness or value."),
]
PathOnly = Annotated[
    bool, typer.Option("--path-only", help="PRM800K: leave out the rated alternatives.")
]


def convert(
    rows: Rows,
    out: Annotated[
        str, typer.Argument(help='The file to write, .jsonl or .parquet; "-" is standard output.')
    ],
    to: Annotated[str, typer.Option(help="The format to write; `labels` is our own.")] = "labels",
    source: From = "auto",
    threshold: Threshold = None,
    neutral: NeutralIs = "positive",
    kind: KindIs = "correctness",
    soft: Annotated[
        bool, typer.Option("--soft", help="Labels stay numbers, where the format holds them.")
    ] = False,
    path_only: PathOnly = False,
    separator: o.Separator = "\\n",
    as_json: o.AsJson = False,
) -> None:
    """Convert step labels between formats; nothing is lost without a word.

    Formats: labels and traces (our own), prm800k, math_shepherd, trl_stepwise, process_bench,
    prm_bench, big_bench_mistake, rlhflow, math_aps, math_aps_tree, openrlhf, step_dpo,
    preference, prompt_completion and messages. Writes OUT whole or not at all, and ends in what
    was dropped (with row numbers), changed, kept besides and lost: every field of a row is one of
    these or in the result. Within one format rows stay as they are.

    Example:
        surefoot convert labels.jsonl trl.jsonl --to trl_stepwise --threshold 0.5
    """
    target = chosen("--to", to, FORMATS)
    choices = choices_of(threshold, neutral, kind, separator, soft=soft, path_only=path_only)
    name = source if source != "auto" else format_of(rows)
    reads = chosen("--from", name, FORMATS)
    refuse_unfit(to, target, reads, out, soft=soft)
    account = Account(str(rows))
    numbered = foreign_rows(rows, broken=account.drop_unparsed)
    records = checked(converted(numbered, reads, target, choices, account), account)
    write = write_parquet if out.endswith(".parquet") else write_rows
    write(out, records)
    figures = {"from": name, "to": to, **account_record(account), "out": out}
    tell({key: part for key, part in figures.items() if part not in ({}, [])}, as_json=False)
    if as_json:
        print(json.dumps(figures, indent=1))


def choices_of(
    threshold: float | None, neutral: str, kind: str, separator: str, *, soft: bool, path_only: bool
) -> Choices:
    """The options as `Choices`; InputError for one that is out of range."""
    if threshold is not None and not 0 < threshold <= 1:
        raise InputError(f"--threshold must be over 0 and at most 1, got {threshold}")
    return Choices(
        threshold=threshold,
        soft=soft,
        neutral=chosen("--neutral", neutral, NEUTRALS),
        kind=chosen("--kind", kind, KINDS),
        alternatives=not path_only,
        separator=unescaped(separator),
    )


def refuse_unfit(name: str, target: Format, source: Format, out: str, *, soft: bool) -> None:
    """InputError for what cannot be written, before anything is read."""
    if target is not source and target.make is None:
        able = ", ".join(other for other, form in FORMATS.items() if form.make)
        raise InputError(f"--to {name}: such rows can be kept, not made; choose one of {able}")
    if soft and name not in ("openrlhf", "labels"):
        raise InputError(f"--soft: {name} holds no soft labels; give a --threshold instead")
    if out.endswith(".gz"):
        raise InputError(f"OUT must be .jsonl, .parquet or -, got {out!r}; compress it afterwards")


def checked(records: Iterator[Record], account: Account) -> Iterator[Record]:
    """The records; instead of an empty file InputError, with the reasons."""
    yield from records
    if account.written:
        return
    if not account.rows:
        raise InputError(f"{account.source} has no rows; expected one a line")
    reasons = [
        f"{reason} ({count}, such as row {account.where[reason][0]})"
        for reason, count in account.dropped.most_common()
    ]
    first = [f"row {row}: {why}" for row, why in account.broken[:1]]
    raise InputError(
        f"{account.source}: nothing can be converted of {account.rows} rows: "
        + "; ".join([*reasons, *first])
    )
