"""The `surefoot` command: its table of verbs, and how each one fails.

Whatever goes wrong on purpose is one line on stderr and exit code 1; set
SUREFOOT_DEBUG=1 to see where it came from.
"""

import ast
import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surefoot.core.errors import MissingExtra, SurefootError, need
from surefoot.core.files import claimed

if TYPE_CHECKING:
    import typer

VERBS = {
    "sample": "surefoot.cli.sample:sample",
    "label": "surefoot.cli.label:label",
    "fuse": "surefoot.cli.fuse:fuse",
    "audit": "surefoot.cli.audit:audit",
    "train": "surefoot.cli.train:train",
    "calibrate": "surefoot.cli.calibrate:calibrate",
    "score": "surefoot.cli.score:score",
    "search": "surefoot.cli.search:search",
    "reselect": "surefoot.cli.reselect:reselect",
    "compare": "surefoot.cli.compare:compare",
    "select": "surefoot.cli.select:select",
    "evaluate": "surefoot.cli.evaluate:evaluate",
    "convert": "surefoot.cli.convert:convert",
    "doctor": "surefoot.cli.doctor:doctor",
    "probe": "surefoot.cli.probe:probe",
    "report": "surefoot.cli.report:report",
    "view": "surefoot.cli.view:view",
    "run": "surefoot.cli.run:run",
    "recipes": "surefoot.cli.run:recipes",
    "serve": "surefoot.cli.serve:serve",
}

ABOUT = """Process supervision you can check.

Label every step of a model's reasoning, train verifiers on the labels, search with them.
Each verb reads files and writes files; results go to --out, words to the terminal.

Example:
    surefoot run demo
"""


def main() -> None:
    """The console script."""
    try:
        for package in ("typer", "rich"):
            need(package, "cli")
    except MissingExtra as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    build_app(called=sys.argv[1:2])(prog_name="surefoot")


def build_app(called: Collection[str] = VERBS.keys()) -> "typer.Typer":
    """The application: every verb of the table, guarded.

    called: the verbs that may be run. The others are listed in the help with what their file
    says of them, and not imported: they would cost half a second that one verb does not need.
    """
    import typer

    app = typer.Typer(
        name="surefoot",
        help=laid_out(ABOUT),
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for name, place in VERBS.items():
        module, _, function = place.partition(":")
        if name in called:
            verb = guarded(getattr(importlib.import_module(module), function))
            app.command(name, help=laid_out(inspect.getdoc(verb) or ""))(verb)
        else:
            app.command(name, help=_written(module, function))(_listed)
    return app


def _listed() -> None:
    """Stands for a verb that is not called."""


def _written(module: str, function: str) -> str:
    """The first line of a verb's docstring, read from its file."""
    path = Path(__file__).with_name(module.rpartition(".")[2] + ".py")
    definitions = ast.parse(path.read_text(encoding="utf-8")).body
    [verb] = [d for d in definitions if isinstance(d, ast.FunctionDef) and d.name == function]
    return (ast.get_docstring(verb) or "").partition("\n")[0]


def laid_out(text: str) -> str:
    """Help text whose paragraph "Example:" keeps its lines."""
    return text.replace("Example:\n", "\b\nExample:\n")


def guarded(verb: Callable[..., Any]) -> Callable[..., Any]:
    """`verb`, alone with its --out, and with errors raised on purpose told in one line."""
    import typer

    @functools.wraps(verb)
    def run(*args: Any, **kwargs: Any) -> None:
        # Under `accelerate launch` several processes write one result together: the first claims.
        first = os.environ.get("RANK", "0") == "0"
        try:
            with claimed(kwargs.get("out") if first else None, f"surefoot {verb.__name__}"):
                verb(*args, **kwargs)
        except BrokenPipeError:  # the reader of our output has gone: typer ends quietly
            raise
        except (SurefootError, OSError) as error:
            if os.environ.get("SUREFOOT_DEBUG"):
                raise
            told = " ".join([str(error), *getattr(error, "__notes__", [])])
            typer.echo("error: " + " ".join(told.split()), err=True)
            raise typer.Exit(1) from None

    return run
