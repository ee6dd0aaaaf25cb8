"""Labelled traces from files in any format, and who made their labels."""

from collections.abc import Sequence
from pathlib import Path

from surefoot.cli._common import say
from surefoot.core.errors import InputError
from surefoot.core.types import LabelledTrace
from surefoot.formats.convert import Account, traces_in
from surefoot.formats.detection import format_of
from surefoot.formats.files import foreign_rows
from surefoot.formats.nouns import Choices
from surefoot.formats.table import FORMATS


def read_labels(path: Path) -> list[LabelledTrace]:
    """Every labelled trace of a file, whatever its format.

    Raises InputError for a row that cannot be read, and for a file without any label.
    """
    account = Account(str(path))
    form = FORMATS[format_of(path)]
    items = [item for _, item in traces_in(foreign_rows(path), form, Choices(), account)]
    for row, why in account.broken:
        raise InputError(f"{path} row {row}: {why}; mend or delete the row")
    for reason, count in account.dropped.most_common():
        say(f"{path}: {count} left out, such as row {account.where[reason][0]}: {reason}")
    if not any(label.value is not None for item in items for label in item.labels):
        raise InputError(f"{path} has no step with a label; label its traces first")
    return items


def makers(items: Sequence[LabelledTrace]) -> str:
    """Who made the labels, e.g. "rollout-8, verdict"."""
    return ", ".join(sorted({label.by for item in items for label in item.labels}))


def mean_label(items: Sequence[LabelledTrace]) -> float | None:
    """Of all labels with evidence; None without any."""
    known = [label.value for item in items for label in item.labels if label.value is not None]
    return sum(known) / len(known) if known else None


def short_names(paths: Sequence[Path]) -> list[str]:
    """A name for each file: without folder and ending where that tells them apart."""
    stems = [Path(p.name.removesuffix(".gz")).stem for p in paths]
    for names in (stems, [p.name for p in paths], [str(p) for p in paths]):
        if len(set(names)) == len(paths):
            return names
    raise InputError(f"the same file was given twice: {', '.join(map(str, paths))}")
