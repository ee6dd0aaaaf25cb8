"""`surefoot run` and `surefoot recipes`: whole jobs by name, or from one small config."""

from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli import _options as o
from surefoot.cli._common import (
    at_least_one,
    interruptible,
    models,
    progress,
    say,
    unescaped,
)
from surefoot.cli._run_labels import Asked, run_labels
from surefoot.cli._searches import REFINING
from surefoot.core.errors import InputError
from surefoot.core.files import claimed
from surefoot.core.records import read_object
from surefoot.recipes import labelling, refinement

DEMO = "demo"
ABOUT_DEMO = "sample, label, train, search, compare and report on trails with Pebble; no download"
LABELLING = {recipe.name: recipe for recipe in labelling.RECIPES}
OF_ALL = {"config", "out", "seed"}  # the other options are for recipes that label


def run(
    ctx: typer.Context,
    config: Annotated[
        str,
        typer.Argument(help="A name that `surefoot recipes` lists, or a JSON file of settings."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The folder to write (default: runs/RECIPE, runs/demo for a file)."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Decides every draw (default: the config's, or 0).")
    ] = None,
    problems: Annotated[str, typer.Option(help="As for `surefoot sample`.")] = "trails:middle",
    policy: o.Policy = "pebble",
    judge: Annotated[
        str | None, typer.Option(help="The model that judges; named as a --policy is.")
    ] = None,
    verifier: o.Verifier = "pebble-verifier",
    n: Annotated[int, typer.Option(help="Solutions of each problem to label.")] = 16,
    limit: o.Limit = None,
    temperature: o.Temperature = 0.8,
    max_tokens: o.MaxTokens = 512,
    separator: o.Separator = "\\n",
) -> None:
    """Run a whole job: the demo, or a published system that labels steps.

    demo, or a file with what differs from its settings, such as {"level": "easy", "samples": 8}:
    sample, label, train, search, compare, report. Writes journal.sqlite, verifier/, summary.json,
    report.json and report.html into --out and prints the table of methods.

    A labelling recipe samples --n solutions of each problem, labels them as its paper has it,
    and audits the labels where an exact checker knows better. Writes labels.jsonl, summary.json
    and journal.sqlite. Interrupted, the same command goes on.

    Example:
        surefoot run math_shepherd --problems trails:easy --limit 20 --n 4 --out runs/math_shepherd
    """
    place = out or Path("runs") / (config if config in LABELLING else DEMO)
    with claimed(None if out else place, "surefoot run"):  # a given --out is claimed already
        if config not in LABELLING:
            _refuse_labelling_options(ctx, config)
            _run_demo(config, place, seed)
            return
        at_least_one(n=n)
        asked = Asked(
            problems, policy, judge, verifier, n, limit, temperature, max_tokens,
            unescaped(separator), seed or 0,
        )  # fmt: skip
        run_labels(LABELLING[config], asked, place)


def recipes() -> None:
    """List the recipes: those that `surefoot run` knows by name, then those that refine.

    Prints a name, the paper (an arXiv id) and what it does, one a line, on stdout; what it asks
    for beside problems and a policy stands behind it in brackets. Those that refine solutions run
    as `surefoot search --method NAME`, or make training records in Python (recipes/refinement).

    Example:
        surefoot recipes
    """
    rows = [(DEMO, "", ABOUT_DEMO)]
    for labels in labelling.RECIPES:
        needs = f" [{', '.join(labels.needs)}]" if labels.needs else ""
        rows.append((labels.name, labels.paper, labels.about + needs))
    for recipe in refinement.RECIPES:
        use = "[search --method]" if recipe.name in REFINING else "[from Python]"
        rows.append((recipe.name, recipe.paper, f"{recipe.about} {use}"))
    width = max(len(name) for name, _, _ in rows)
    for name, paper, about in rows:
        print(f"{name:<{width}}  {paper:<10}  {about}")


def _refuse_labelling_options(ctx: typer.Context, config: str) -> None:
    """InputError for an option that was given and would do nothing."""
    for option in ctx.params.keys() - OF_ALL:
        source = ctx.get_parameter_source(option)
        if source is not None and source.name != "DEFAULT":
            raise InputError(
                f"--{option.replace('_', '-')} does nothing for {config}; put settings into a "
                "JSON file, or name a recipe that labels (see `surefoot recipes`)"
            )


def _run_demo(config: str, out: Path, seed: int | None) -> None:
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


def _settings(config: str) -> dict[str, Any]:
    if config == DEMO:
        return {}
    if not Path(config).is_file():
        raise InputError(
            f"{config!r} is neither a file nor a recipe; the recipes are "
            f"{', '.join([DEMO, *LABELLING])}"
        )
    return read_object(Path(config))
