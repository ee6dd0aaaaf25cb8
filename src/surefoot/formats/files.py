"""Rows of a file as its publisher left it: JSON in any layout, Parquet, a `datasets` folder.

JSON lines, Parquet and folders stream: memory holds a batch of rows. A JSON array and
pretty-printed objects are read whole.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from surefoot.core.errors import InputError, need
from surefoot.core.files import replacing, scratch
from surefoot.core.reading import LFS_POINTER
from surefoot.core.records import Record, read_rows, write_lines

T = TypeVar("T")
PARQUET = b"PAR1"  # how every Parquet file begins
BATCH = 512  # rows of a Parquet file in memory at once


def foreign_rows(
    path: str | Path, *, broken: Callable[[int, str], None] | None = None
) -> Iterator[tuple[int, Record]]:
    """Yields (row number from 1, record) of JSON (see `core.reading`), of .parquet, or of a folder
    that `datasets` saved.

    broken: is told of every line that is no JSON object, (row number, why), instead of InputError.
    Raises InputError for a missing file and for one that is something else, MissingExtra if
    Parquet or a folder needs a package that is not installed.
    """
    path = Path(path)
    if path.is_dir():
        return _folder_rows(path)
    if path.is_file() and _is_parquet(path):
        return _parquet_rows(path)
    return read_rows(path, broken=broken)


def read_foreign(path: str | Path, build: Callable[[Record], T]) -> list[T]:
    """Every row of a file through `build`; its InputErrors gain the file and the row."""
    return [built_at(path, row, record, build) for row, record in foreign_rows(path)]


def built_at(path: str | Path, row: int, record: Record, build: Callable[[Record], T]) -> T:
    """`build(record)`; its InputErrors gain the file and the row."""
    try:
        return build(record)
    except InputError as error:
        raise InputError(f"{path} row {row}: {error}") from error


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(len(LFS_POINTER))
    named_so = path.suffix == ".parquet" and not start.startswith(LFS_POINTER)
    return named_so or start.startswith(PARQUET)


def _parquet_rows(path: Path) -> Iterator[tuple[int, Record]]:
    pyarrow, parquet = need("pyarrow", "data"), need("pyarrow.parquet", "data")
    row = 0
    try:
        with parquet.ParquetFile(path) as file:
            batches = file.iter_batches(batch_size=BATCH)
            for record in chain.from_iterable(batch.to_pylist() for batch in batches):
                row += 1
                yield row, record
    except pyarrow.ArrowException as error:
        raise InputError(f"{path} cannot be read after row {row} as Parquet ({error})") from error


def _folder_rows(path: Path) -> Iterator[tuple[int, Record]]:
    datasets = need("datasets", "data")
    try:
        loaded = datasets.load_from_disk(str(path))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is not a folder that `datasets` saved ({error}); name one file instead"
        ) from error
    if isinstance(loaded, datasets.DatasetDict):
        raise InputError(
            f"{path} holds the splits {sorted(loaded)}; name one, such as {path}/train"
        )
    for row, record in enumerate(loaded, start=1):
        yield row, dict(record)


def write_parquet(path: str | Path, records: Iterable[Record]) -> int:
    """Writes a Parquet file, whole or not at all; returns the rows. Streams, through a JSONL file
    beside it: the types must hold for all rows, so they are read twice.

    A field that some rows lack is null in them, and so is an object that is empty in every row.
    Raises InputError for rows that no one type fits, StorageError if nothing can be written,
    MissingExtra without pyarrow.
    """
    pyarrow = need("pyarrow", "data")
    try:
        with replacing(path) as table, scratch(path) as rows:
            count = write_lines(rows, records)
            _write_tables(table, rows, pyarrow)
    except (pyarrow.ArrowException, OverflowError, UnicodeError) as error:
        raise InputError(
            f"the rows do not fit a Parquet table ({error}); write .jsonl instead"
        ) from error
    return count


def _write_tables(path: Path, rows: Path, pyarrow: ModuleType) -> None:
    parquet = need("pyarrow.parquet", "data")
    found = [_schema_of(batch, pyarrow) for batch in _batches(rows)]
    unified = pyarrow.unify_schemas(found, promote_options="permissive")
    schema = pyarrow.schema([(each.name, _storable(each.type, pyarrow)) for each in unified])
    with parquet.ParquetWriter(path, schema) as writer:
        for batch in _batches(rows):
            columns = [_column(batch, each, pyarrow) for each in schema]
            writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))


def _schema_of(batch: list[Record], pyarrow: ModuleType) -> Any:
    """The types of the rows' fields. Raises InputError that names a field that no one type fits."""
    names = dict.fromkeys(name for record in batch for name in record)
    types = []
    for name in names:
        with _fitting(name, pyarrow):
            types.append((name, pyarrow.infer_type([record.get(name) for record in batch])))
    return pyarrow.schema(types)


def _column(batch: list[Record], field: Any, pyarrow: ModuleType) -> Any:
    values = [_stored(record.get(field.name), field.type) for record in batch]
    with _fitting(field.name, pyarrow):
        return pyarrow.array(values, type=field.type)


@contextmanager
def _fitting(name: str, pyarrow: ModuleType) -> Iterator[None]:
    """What pyarrow raises for values that have no place in a column, as an InputError."""
    try:
        yield
    except (pyarrow.ArrowException, OverflowError, UnicodeError) as error:
        raise InputError(
            f"the rows do not fit a Parquet table: field {name!r} ({error}); write .jsonl instead"
        ) from error


def _storable(kind: Any, pyarrow: ModuleType) -> Any:
    """The type without objects that have no field in any row: Parquet knows none. They are null."""
    if pyarrow.types.is_struct(kind):
        parts = [(part.name, _storable(part.type, pyarrow)) for part in kind]
        return pyarrow.struct(parts) if parts else pyarrow.null()
    if pyarrow.types.is_list(kind):
        return pyarrow.list_(_storable(kind.value_type, pyarrow))
    return kind


def _stored(value: Any, kind: Any) -> Any:
    """The value with null for every empty object that `_storable` made null."""
    if value == {} and str(kind) == "null":
        return None
    if isinstance(value, dict):
        return {name: _stored(part, kind.field(name).type) for name, part in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict | list | None):
        return [_stored(entry, kind.value_type) for entry in value]
    return value


def _batches(path: Path) -> Iterator[list[Record]]:
    records = (record for _, record in read_rows(path))
    while batch := list(islice(records, BATCH)):
        yield batch
