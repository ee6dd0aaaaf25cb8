"""The options of `surefoot evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli._evaluate_benchmark import BENCHMARKS

What = Annotated[
    str,
    typer.Argument(
        help=f"A benchmark ({', '.join(BENCHMARKS)}), or scored traces as `surefoot score` "
        "writes them."
    ),
]
Data = Annotated[
    Path | None, typer.Option(help="The benchmark's file, or folder of files by subset.")
]
Scorers = Annotated[
    list[str] | None,
    typer.Option(
        help="A verifier (as in `surefoot score`), or random, oracle, always-right. Repeat it."
    ),
]
Predictions = Annotated[
    list[Path] | None,
    typer.Option(help="A file of predictions, scores or critics' replies by case id. Repeat it."),
]
Parser = Annotated[str, typer.Option(help="How critics' replies are read: robust, or official.")]
Missing = Annotated[
    str,
    typer.Option(
        help="What a case without a verdict counts as: wrong, or official (as the benchmark's own "
        "script has it: realmistake)."
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        help="A step scored below it is called wrong (default: on a benchmark 0.5 for "
        "probabilities, on scored traces cross-fitted)."
    ),
]
ThresholdFrom = Annotated[
    str | None,
    typer.Option(help="Choose the threshold on this subset and keep it for the others."),
]
Flatten = Annotated[
    bool,
    typer.Option(
        "--flatten",
        help="Line breaks inside steps become spaces, for a verifier that ends steps by them.",
    ),
]
Limit = Annotated[
    int | None, typer.Option(help="Only so many cases of each subset, drawn by --seed.")
]
Labels = Annotated[
    Path | None,
    typer.Option(help="Labelled traces that hold the truth (default: the oracle of trails)."),
]
Bins = Annotated[int, typer.Option(help="Bins of the calibration error.")]
Out = Annotated[
    Path | None, typer.Option(help="A folder for summary.json, predictions and report.html.")
]
Batch = Annotated[int, typer.Option(help="Cases scored between two saves.")]
