"""`surefoot calibrate`: a verifier's scores as probabilities that mean what they say."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from surefoot.cli import _options as o
from surefoot.cli._common import at_least_one, chosen, models, progress, read_traces, tell
from surefoot.core.errors import InputError
from surefoot.core.records import labelled_of
from surefoot.core.types import Kind, LabelledTrace

if TYPE_CHECKING:
    from surefoot.evaluate import CalibrationChange
    from surefoot.verifiers import LocalScorer
    from surefoot.verifiers.calibrate import Pairs

MAPS = ("temperature", "platt", "isotonic")
BATCH = 64  # traces scored between two signs of life


def calibrate(
    labels: Annotated[
        Path,
        typer.Argument(
            help="Labelled traces that the verifier was not trained on, as `surefoot label` "
            "writes them."
        ),
    ],
    verifier: Annotated[
        Path, typer.Option(help="The folder that `surefoot train` or our PRMTrainer wrote.")
    ],
    map_name: Annotated[
        str,
        typer.Option(
            "--map",
            help="temperature: one parameter, for some hundred labelled steps; platt: two, for "
            "scores that are too high or too low throughout; isotonic: from about a thousand.",
        ),
    ] = "platt",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only measure; leave the checkpoint as it is.")
    ] = False,
    seed: o.Seed = 0,
    limit: o.Limit = None,
    device: o.Device = "auto",
    as_json: o.AsJson = False,
) -> None:
    """Make a verifier's scores mean what they say, and keep that with its checkpoint.

    Fits a monotone map from scores to probabilities; whatever loads the verifier applies it from
    now on, in place of an earlier one. Prints Brier score and calibration error (ECE), before and
    after, of problems that the map was not fitted on (five folds); a change below 0 is a gain.

    Example:
        surefoot sample trails:validation:middle --limit 50 --n 4 --out others.jsonl
        surefoot label others.jsonl --method outcome --out held-out.jsonl
        surefoot calibrate held-out.jsonl --verifier verifier --map temperature
    """
    chosen("--map", map_name, dict.fromkeys(MAPS))
    at_least_one(limit=limit)
    rows: list[LabelledTrace] = read_traces(labels, limit, labelled_of)
    models(device)
    from surefoot.verifiers import calibrate as maps
    from surefoot.verifiers.calibration_card import store_calibration

    pairs = maps.pairs_of(_scores(_as_trained(verifier, device), rows), rows)
    fit = partial(getattr(maps, map_name), kind=pairs.kind)
    figures = _figures(_change(pairs, fit, seed))
    if not dry_run:
        kept = {name: value for name, value in figures.items() if isinstance(value, float)}
        store_calibration(verifier, fit(pairs.scores_M, pairs.outcomes_M), kept)
    tell(
        {
            "traces": len(rows),
            "steps": len(pairs.scores_M),
            "problems": len(set(pairs.problems_M)),
            "map": map_name,
            **figures,
            "stored": None if dry_run else str(verifier),
        },
        as_json=as_json,
    )


def _as_trained(folder: Path, device: str) -> "LocalScorer":
    """The folder's scorer without the map that it may have. Raises InputError if it is none."""
    from surefoot.verifiers import load_scorer
    from surefoot.verifiers.checkpoint import SIDECAR

    if not (folder / SIDECAR).is_file():
        raise InputError(
            f"--verifier {folder} has no {SIDECAR} to keep a calibration in; give the folder that "
            "surefoot train or PRMTrainer wrote"
        )
    scorer = load_scorer(str(folder), device=device)
    return scorer.uncalibrated or scorer


def _scores(scorer: "LocalScorer", rows: Sequence[LabelledTrace]) -> list[Any]:
    found = []
    with progress() as update:
        for start in range(0, len(rows), BATCH):
            found += scorer([row.trace for row in rows[start : start + BATCH]])
            update("score", len(found), len(rows))
    return found


def _change(pairs: "Pairs", fit: Any, seed: int) -> "CalibrationChange":
    from surefoot.core.seeds import rng_for
    from surefoot.evaluate import calibration_change

    chances = pairs.kind in (Kind.CORRECTNESS, Kind.VALUE)
    return calibration_change(
        fit,
        pairs.scores_M,
        pairs.outcomes_M,
        pairs.problems_M,
        rng=rng_for(seed, "calibrate"),
        before=list if chances else _logistic,
    )


def _logistic(logits_M: Sequence[float]) -> list[float]:
    return [0.5 * (1 + math.tanh(0.5 * z)) for z in logits_M]


def _figures(change: "CalibrationChange") -> dict[str, Any]:
    """Estimates before and after; the changes with their intervals."""
    return {
        name: found if name.endswith("change") else found["estimate"]
        for name, found in asdict(change).items()
    }
