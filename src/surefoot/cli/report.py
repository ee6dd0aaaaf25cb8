"""`surefoot report`: one HTML file that shows a run."""

from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli._common import say
from surefoot.core.records import read_object


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
        surefoot report runs/compare/summary.json runs/compare/report.json --out report.html
    """
    from surefoot.report.html import write_report

    write_report(out, read_object(summary), read_object(details) if details else None)
    say(f"wrote {out}")
