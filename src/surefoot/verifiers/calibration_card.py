"""Calibration and checkpoint: stored in the verifier's card, applied whenever it is loaded."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from surefoot.core.errors import ModelError
from surefoot.core.types import Kind
from surefoot.verifiers.calibrate import Calibration, record_of
from surefoot.verifiers.checkpoint import read_card, write_card

HEADING = "\n## Calibration\n"


def store_calibration(
    folder: str | Path, calibration: Calibration | None, metrics: Mapping[str, float] | None = None
) -> None:
    """Writes a map into a checkpoint's verifier.json and README; None takes it out again.

    folder: of `surefoot train` or of our `PRMTrainer`. metrics: for both, such as the ECE
      before and after. The map replaces an earlier one, so fit it on uncalibrated scores.
    Raises ModelError if the folder is none, or the map is for scores of another kind.
    """
    folder = Path(folder)
    card = read_card(folder)
    if calibration is not None and calibration.kind is not Kind(card.kind):
        raise ModelError(
            f"the verifier at {folder} gives {card.kind} scores, and the calibration is for "
            f"{calibration.kind.value} ones"
        )
    record = {} if calibration is None else record_of(calibration)
    card = replace(card, calibration=record, metrics={**card.metrics, **(metrics or {})})
    readme = (folder / "README.md").read_text(encoding="utf-8").split(HEADING)[0]
    if calibration is not None:
        rows = "".join(f"- {name}: {value:.4g}\n" for name, value in (metrics or {}).items())
        readme += f"{HEADING}\nScores are mapped when Surefoot loads this: `{record}`.\n\n{rows}"
    write_card(folder, card, readme)
