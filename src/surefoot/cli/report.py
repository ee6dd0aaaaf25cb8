"""`surefoot report`: one HTML file that shows a run."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli._common import say
from surefoot.core.errors import InputError


def report(
    summary: Annotated[Path, typer.Argument(help="summary.json of a run.")],
    details: Annotated[
        Path | None, typer.Argument(help="report.json of the same run: curves and traces.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("report.html"),
) -> None:
    """Show a run in one HTML file that needs nothing else.

    Writes curves with intervals, tables, calibration and coloured traces to --out.

    Example:
        surefoot report runs/demo/summary.json runs/demo/report.json --out report.html
    """
    from surefoot.report.html import write_report

    write_report(out, read_object(summary), read_object(details) if details else None)
    say(f"wrote {out}")


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises InputError that says what is there instead."""
    if not path.is_file():
        raise InputError(f"expected a JSON file, but there is none at {path}")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}; mend it or write it anew") from error
    if not isinstance(record, dict):
        raise InputError(f"{path}: expected a JSON object, got {type(record).__name__}")
    return record
