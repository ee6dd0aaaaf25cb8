"""`surefoot doctor`: what is in a file of step labels, and what is wrong with it."""

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from surefoot.cli import _options as o
from surefoot.cli import convert as c
from surefoot.cli._common import chosen, problems_of, say, shown
from surefoot.formats.convert import Account
from surefoot.formats.detection import format_of, guessed
from surefoot.formats.files import foreign_rows
from surefoot.formats.nouns import Choices
from surefoot.formats.survey import Keys, problem_key, survey_record, surveyed
from surefoot.formats.table import FORMATS


def doctor(
    rows: c.Rows,
    source: c.From = "auto",
    to: Annotated[
        str, typer.Option(help="What would be dropped and lost on the way to this format.")
    ] = "labels",
    against: Annotated[
        list[Path] | None,
        typer.Option(help="Another file, or one of problems: how many both have. May be repeated."),
    ] = None,
    threshold: c.Threshold = None,
    neutral: c.NeutralIs = "positive",
    kind: c.KindIs = "correctness",
    path_only: c.PathOnly = False,
    separator: o.Separator = "\\n",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Examine a file of step labels in any format.

    Prints the format, rows, problems, steps, the balance and kinds of the labels, duplicates,
    empty steps, what a conversion to --to would drop, change, keep besides and lose (with row
    numbers), and the problems shared with other files (white space aside).

    Example:
        surefoot doctor labels.jsonl --to trl_stepwise --threshold 0.5 --against held-out.jsonl
    """
    target = chosen("--to", to, FORMATS)
    choices = c.choices_of(threshold, neutral, kind, separator, soft=False, path_only=path_only)
    name = source if source != "auto" else format_of(rows)
    form = chosen("--from", name, FORMATS)
    account = Account(str(rows))
    numbered = foreign_rows(rows, broken=account.drop_unparsed)
    survey = surveyed(numbered, form, target, choices, account)
    problems = survey.problems()
    shared = {str(path): len(np.intersect1d(problems, _problems(path))) for path in against or []}
    figures = {"file": str(rows), "format": name, "to": to, **survey_record(survey)}
    figures["shared_problems"] = shared
    print(json.dumps(figures, indent=1) if as_json else _table(figures))


def _problems(path: Path) -> Keys:
    """Keys of the problems of a file in any format, or of one of problems only, in order."""
    account = Account(str(path))
    _, first = next(iter(foreign_rows(path, broken=lambda *_: None)), (0, {}))
    guess = guessed(first)
    if not guess.fit and not guess.doubts:
        keys = [problem_key(p.text) for p in problems_of(str(path), None, need_gold=False)]
        return np.unique(np.array(keys, dtype=np.uint64))
    source = FORMATS[format_of(path)]
    rows = foreign_rows(path, broken=account.drop_unparsed)
    problems = surveyed(rows, source, source, Choices(), account).problems()
    for reason, count in account.dropped.most_common():
        say(
            f"{path}: {count} of {account.rows} rows are not compared: {reason} "
            f"(rows {shown(account.where[reason])})"
        )
    return problems


def _table(figures: dict[str, Any]) -> str:
    """One figure a line; the parts of one that has parts stand below it."""
    lines = []
    for name, value in figures.items():
        lines += _lines(name.replace("_", " "), value)
    return "\n".join(lines)


def _lines(name: str, value: Any) -> list[str]:
    if not isinstance(value, dict):
        return [f"{name:<16}{shown(value)}"]
    if set(value) == {"count", "rows"}:
        return [f"{name:<16}{_counted(value)}"]
    if name == "steps" or not value:
        return [f"{name:<16}{shown(value) or 'none'}"]
    parts = [
        f"  {key}: {_counted(part) if isinstance(part, dict) else shown(part)}"
        for key, part in value.items()
    ]
    return [name, *parts]


def _counted(value: dict[str, Any]) -> str:
    rows = f" (rows {shown(value['rows'])})" if value["rows"] else ""
    return f"{shown(value['count'])}{rows}"
