"""Text files of JSON as people have them, opened for what they are.

What a file is, its first bytes say; its name may be wrong. Read are UTF-8, UTF-16 and UTF-32 with a
byte order mark, UTF-8 without one, each also gzipped; in them one object per line, one array of
objects, or pretty-printed objects one after the other. All else is named.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from surefoot.core.errors import InputError
from surefoot.core.fields import DEEPEST, is_deep, too_long

GZIP = b"\x1f\x8b"
# The mark of UTF-32 starts with that of UTF-16, so it stands first.
BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
OTHER_FILES = (
    (
        LFS_POINTER,
        "a Git LFS pointer, not the data; fetch it with `git lfs pull` in its repository, or "
        "download the file itself",
    ),
    (b"PAR1", "a Parquet file; give it a name that ends in .parquet"),
    (b"ARROW1", "an Arrow file; name the folder that `datasets` saved, or write it as .parquet"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first (gzip is read as it is)"),
    (b"\xfd7zXZ", "compressed with xz; unpack it first (gzip is read as it is)"),
    (b"BZh", "compressed with bzip2; unpack it first (gzip is read as it is)"),
    (b"SQLite format 3", "an SQLite database; export its rows as JSON first"),
)
BLOCK = 1 << 16  # characters that are looked at to tell the layout of a file


@contextmanager
def opened_text(path: Path) -> Iterator[TextIO]:
    """The file as text, decompressed and without its byte order mark.

    Raises InputError for a file that is no text, naming what it is. What reading raises later
    (OSError, EOFError, zlib.error, UnicodeDecodeError) passes through.
    """
    with path.open("rb") as file:
        packed = file.read(len(GZIP)) == GZIP
    opener: Any = gzip.open if packed else open
    with opener(path, "rb") as file:
        start = bytes(file.read(64))
    with opener(path, "rt", encoding=_encoding(path, start)) as text:
        yield text


def _encoding(path: Path, start: bytes) -> str:
    for magic, what in OTHER_FILES:
        if start.startswith(magic):
            raise InputError(f"{path} is {what}")
    for mark, encoding in BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding
    if b"\x00" in start:
        raise InputError(
            f"{path} is no UTF-8 text: it has zero bytes, as UTF-16 without a byte order mark and "
            "binary files do; save it as UTF-8"
        )
    return "utf-8"


def one_per_line(path: Path) -> bool:
    """Does each line hold a value of its own? False for an array and for pretty-printed objects.

    Told from the first `BLOCK` characters. A file that is neither counts as lines, so that its
    error names the line.
    """
    try:
        with opened_text(path) as file:
            text = file.read(BLOCK).lstrip()
    except (UnicodeDecodeError, EOFError, zlib.error, OSError):
        return True  # reading the lines meets the same error, and says after which row
    if text.startswith("["):
        return False
    first, _, rest = text.partition("\n")
    # A line that ends inside its object is pretty-printed, unless the next one starts another:
    # then it is a row that was cut.
    goes_on = rest.strip() and not rest.lstrip().startswith("{")
    return not (text.startswith("{") and goes_on and _ends_early(first.rstrip()))


def _ends_early(line: str) -> bool:
    """Is the line the beginning of a JSON value, and not the whole of it?"""
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        return error.pos >= len(line)
    except (ValueError, RecursionError):  # numbers too long, nesting too deep: reading says so
        return False
    return False


def whole_rows(
    path: Path, *, broken: Callable[[int, str], None] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row number from 1, object) of a file that is one JSON array, or objects one after the other.

    The file is read whole. Raises InputError with the line where it is no JSON, and for a row that
    is no object, unless `broken` is there to be told of it: (row number, what is wrong with it).
    """
    values = _whole_values(path)
    one_array = len(values) == 1 and isinstance(values[0], list)
    for row, value in enumerate(values[0] if one_array else values, start=1):
        try:
            record = an_object(value, path, row)
            if is_deep(record):
                raise InputError(
                    f"{path} row {row}: nested more than {DEEPEST} levels deep; "
                    "mend or delete the row"
                )
        except InputError as error:
            if broken is None:
                raise
            broken(row, str(error).removeprefix(f"{path} row {row}: "))
            continue
        yield row, record


def an_object(record: object, path: Path, row: int) -> dict[str, Any]:
    """The record as it is. Raises InputError, with the row, if it is no JSON object."""
    if not isinstance(record, dict):
        raise InputError(f"{path} row {row}: expected a JSON object, got {type(record).__name__}")
    return record


def _whole_values(path: Path) -> list[Any]:
    try:
        with opened_text(path) as file:
            text = file.read()
    except (ValueError, EOFError, zlib.error, OSError) as error:
        raise InputError(
            f"{path} cannot be read ({error}); expected one JSON array, or one object per line"
        ) from error
    try:
        return list(_values(text))
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path} line {error.lineno} column {error.colno}: {error.msg}; expected one JSON "
            "array, or JSON objects"
        ) from error
    except RecursionError as error:
        raise InputError(f"{path} nests too deeply to be read; expected rows of data") from error
    except ValueError as error:  # the only other one: an integer over Python's limit
        row, what = too_long(text)
        raise InputError(f"{path} row {row}: {what}") from error


def _values(text: str) -> Iterator[Any]:
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        yield value
