"""`surefoot run` and `surefoot recipes`: whole jobs from one small config."""

from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli._common import interruptible, models, progress, say
from surefoot.cli.report import read_object
from surefoot.core.errors import InputError

RECIPES = {
    "demo": "sample, label, train, search, compare and report on trails with Pebble; no download",
}


def run(
    config: Annotated[str, typer.Argument(help="A JSON file of settings, or the name demo.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("runs/demo"),
    seed: Annotated[int | None, typer.Option(help="Overrides the seed of the config.")] = None,
) -> None:
    """Run a whole job: sample, label, train, search, compare, report.

    Writes journal.sqlite, verifier/, summary.json, report.json and report.html into --out and
    prints the table of methods. Interrupted, the same command goes on. A config holds only what
    differs from the demo's settings, such as {"level": "easy", "samples": 8}.

    Example:
        surefoot run demo --out runs/demo
    """
    settings = _settings(config)
    if seed is not None:
        settings["seed"] = seed
    models()
    from surefoot.recipes.demo import DemoConfig, run_demo
    from surefoot.report.html import write_report
    from surefoot.report.tables import methods_table

    demo = DemoConfig.from_json(settings)
    command = f"surefoot run {config} --out {out}" + ("" if seed is None else f" --seed {seed}")
    kept = f"finished calls and the training state are kept in {out}"
    with interruptible(kept), progress() as update:
        summary = run_demo(demo, out, progress=update, command=command)
    write_report(out / "report.html", summary, read_object(out / "report.json"))
    print(methods_table(summary))
    say(f"wrote {out / 'summary.json'} and {out / 'report.html'} in {summary['seconds']:.0f} s")


def recipes() -> None:
    """List the recipes that `surefoot run` knows by name.

    Prints a name and what it does, one a line, on stdout.

    Example:
        surefoot recipes
    """
    for name, what in RECIPES.items():
        print(f"{name:<10} {what}")


def _settings(config: str) -> dict[str, Any]:
    if config in RECIPES:
        return {}
    if not Path(config).is_file():
        raise InputError(
            f"{config!r} is neither a file nor a recipe; the recipes are {', '.join(RECIPES)}"
        )
    return read_object(Path(config))
