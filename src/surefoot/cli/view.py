"""`surefoot view`: runs, their differences and their trees in one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli._common import say


def view(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Files of `search`, `sample`, `label` or `score`, or folders of runs."),
    ],
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("view.html"),
    title: Annotated[str, typer.Option(help="What the page is called.")] = "Surefoot runs",
) -> None:
    """Look at runs in one HTML file: accuracy against budget, two runs side by side, every tree.

    A search's file holds its trees if it ran with --trees; without, the solutions that it kept are
    merged into one tree. Labels and scores of other files are shown on the steps that they share.
    `surefoot serve --runs` shows the same page, of the files as they are then.

    Writes the page to --out, with all data in it.

    Example:
        surefoot view found.jsonl again.jsonl --out view.html
    """
    from surefoot.serve.viewer_page import write_viewer
    from surefoot.serve.viewer_runs import read_runs

    found = read_runs(runs)
    write_viewer(out, found, title=title)
    problems = sum(len(run.attempts) for run in found.runs)
    say(f"wrote {out} (runs: {len(found.runs)}, problems: {problems})")
