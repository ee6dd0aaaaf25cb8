"""Whole files or none: what stood before stays until the new one is complete."""

import os
from pathlib import Path

from surefoot.core.errors import StorageError


def write_whole(path: str | Path, text: str) -> None:
    """Writes UTF-8 text beside `path`, then puts it in its place. StorageError if it cannot."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as out:
            out.write(text.encode("utf-8"))
            out.flush()
            os.fsync(out.fileno())
        partial.replace(path)
    except OSError as error:
        raise StorageError(
            f"could not write {path}: {error.strerror}; make room or name another place, "
            "and write it again from the same summary and details"
        ) from error
