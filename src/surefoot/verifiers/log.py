"""Training figures to TensorBoard, Weights & Biases or trackio, through accelerate's trackers."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from accelerate import PartialState, tracking

from surefoot.core.errors import InputError, need

Log = Callable[[Mapping[str, Any]], None]
PACKAGES = ("tensorboard", "wandb", "trackio")


def log_with(name: str, run: str, folder: Path) -> tuple[Log, Callable[[], None]]:
    """log(row), for rows of a training's history, and a function that ends it.

    name: one of PACKAGES. run: what the run is called there. folder: for what writes files.
    Raises InputError for another name, MissingExtra if the package is not there.
    """
    if name not in PACKAGES:
        raise InputError(f"logs go to one of {', '.join(PACKAGES)}, got {name!r}")
    need(name, "train")
    PartialState()  # the trackers ask it which process they are in
    kind = tracking.LOGGER_TYPE_TO_CLASS[name]
    place = {"logging_dir": str(folder)} if kind.requires_logging_directory else {}
    tracker = kind(run, **place)
    tracker.start()

    def log(row: Mapping[str, Any]) -> None:
        figures = {k: v for k, v in row.items() if v is not None and k not in ("step", "steps")}
        tracker.log(figures, step=row["step"])

    return log, tracker.finish
