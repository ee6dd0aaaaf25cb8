"""JSONL in and out: one record a line, resumable, and errors that name the row.

    problem   {"id", "problem", "answer", "level"}
    trace     {"problem": {...}, "steps": [text], "ids": [[int]], "logprobs": [[float]],
               "answer", "verdict", "finished", "sizes": [int]?, "ended": bool?}
    labels    a trace and {"labels": [{"kind", "successes", "tries", "by", "belief"?}],
               "usage": {...}}
    scores    a trace and {"scores": {"kind", "values", "by", "tokens"}}

Fields that nobody reads are ignored, so files from elsewhere may carry their own.
"""

import errno
import json
import os
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar, overload

from surefoot.core.errors import InputError, StorageError
from surefoot.core.reading import an_object, one_per_line, opened_text, whole_rows
from surefoot.core.types import (
    Kind,
    LabelledTrace,
    Problem,
    Step,
    StepLabel,
    StepScores,
    Trace,
    Usage,
    Verdict,
)

Record = dict[str, Any]
T = TypeVar("T")


# --- files -----------------------------------------------------------------


def read_rows(
    path: str | Path, *, broken: Callable[[int, str], None] | None = None
) -> Iterator[tuple[int, Record]]:
    """Yields (row number from 1, record) of a file of JSON lines; blank lines are skipped.

    One JSON array or pretty-printed objects are read whole, and their objects numbered. For
    encodings and gzip see `core.reading`. Raises InputError for a missing file, one that is no
    text, and a row that is not a JSON object, unless `broken` is there to be told of it: (row
    number, what is wrong with it).
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"expected a JSONL file, but there is none at {path}")
    if not one_per_line(path):
        yield from whole_rows(path)
        return
    for row, line in _numbered_lines(path):
        if not line.strip():
            continue
        try:
            record = _parse_row(line, path, row)
        except InputError as error:
            if broken is None:
                raise
            broken(row, str(error).removeprefix(f"{path} row {row}: "))
            continue
        yield row, record


def read_chosen(path: str | Path, rows: Collection[int]) -> dict[int, Record]:
    """row number from 1 -> the row, of those asked for; the others are passed over unparsed.

    Raises InputError if one is not there, or is not a JSON object.
    """
    wanted, path = set(rows), Path(path)
    if one_per_line(path):
        lines = _numbered_lines(path)
        found = {row: _parse_row(line, path, row) for row, line in lines if row in wanted}
    else:
        found = {row: record for row, record in whole_rows(path) if row in wanted}
    missing = sorted(wanted - found.keys())
    if missing:
        raise InputError(f"{path} has no row {missing[0]}; it is not the file that it was")
    return found


def read_object(path: Path) -> Record:
    """The JSON object in a file. Raises InputError that says what is there instead."""
    if not path.is_file():
        raise InputError(f"expected a JSON file, but there is none at {path}")
    try:
        record = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}; mend it or write it anew") from error
    if not isinstance(record, dict):
        raise InputError(f"{path}: expected a JSON object, got {type(record).__name__}")
    return record


def _numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    row = 0
    try:
        with opened_text(path) as lines:
            for row, line in enumerate(lines, start=1):
                yield row, line
    except (UnicodeDecodeError, EOFError, zlib.error, OSError) as error:
        raise InputError(
            f"{path} cannot be read after row {row} ({error}); expected UTF-8 text, "
            "one JSON object a line"
        ) from error


def _parse_row(line: str, path: Path, row: int) -> Record:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path} row {row}: expected a JSON object, got {line.strip()[:60]!r} ({error.msg}); "
            "mend or delete the row"
        ) from error
    return an_object(record, path, row)


def read_all(path: str | Path, build: Callable[[Record], T]) -> list[T]:
    """Every record of a file through `build`; its InputErrors gain the file and the row."""
    built = []
    for row, record in read_rows(path):
        try:
            built.append(build(record))
        except InputError as error:
            raise InputError(f"{path} row {row}: {error}") from error
    return built


def write_all(path: str | Path, records: Iterable[Record]) -> int:
    """Writes a whole JSONL file at once: it is complete or the old one stands. Returns the rows.

    Raises StorageError if it cannot be written; errors of `records` itself pass unchanged.
    """
    path = Path(path)
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    partial = path.with_name(path.name + ".partial")
    rows = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A lone surrogate has no UTF-8 form; as a backslash escape it is still valid JSON.
        with partial.open("w", encoding="utf-8", errors="backslashreplace") as out:
            for line in lines:
                out.write(line)
                rows += 1
            out.flush()
            os.fsync(out.fileno())
        partial.replace(path)
    except OSError as error:
        if isinstance(error, StorageError):  # from `records`, and already explained
            raise
        raise StorageError(
            f"could not write {path}: {error.strerror or error}; {_cure(error)} and run the same "
            "command again (what the journal holds is not lost)"
        ) from error
    finally:
        _discard(partial)  # gone already if all went well
    return rows


def _discard(partial: Path) -> None:
    """A half-written file would only keep a full disk full."""
    try:
        partial.unlink()
    except OSError:
        return


def _cure(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free some room"
    return "choose a place that you may write to"


# --- reading one field -----------------------------------------------------


@overload
def field_of(record: Record, name: str, kind: type[T]) -> T: ...
@overload
def field_of(record: Record, name: str, kind: tuple[type, ...]) -> Any: ...
def field_of(record: Record, name: str, kind: type | tuple[type, ...]) -> Any:
    """`record[name]`, or an InputError that names the field, what was expected and what came."""
    expected = kind if isinstance(kind, tuple) else (kind,)
    names = " or ".join(k.__name__ for k in expected)
    if name not in record:
        raise InputError(f"field {name!r} is missing; expected {names}, found {sorted(record)}")
    value = record[name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        shown = repr(value)[:60]
        raise InputError(f"field {name!r}: expected {names}, got {type(value).__name__} {shown}")
    return value


# --- nouns as records and back ---------------------------------------------


def problem_record(problem: Problem) -> Record:
    """A problem as a JSON object; "answer" is null where the gold answer is unknown."""
    return {
        "id": problem.id,
        "problem": problem.text,
        "answer": problem.gold,
        "level": problem.level,
    }


def problem_of(record: Record) -> Problem:
    """Inverse of `problem_record`; "answer" and "level" may be absent."""
    text = field_of(record, "problem", str)
    if not text.strip():
        raise InputError("field 'problem' is empty; expected the question's text")
    gold = _optional(record, "answer", (str, int, float), None)
    return Problem(
        id=str(field_of(record, "id", (str, int))),
        text=text,
        gold=None if gold is None else str(gold),
        level=str(_optional(record, "level", (str, int), "")),
    )


def trace_record(trace: Trace) -> Record:
    """A trace as a JSON object, its problem inside it, so that a file stands alone; "sizes" and
    "ended" only where a server's policy wrote it."""
    sizes = [step.size for step in trace.steps]
    served = {"sizes": sizes, "ended": trace.steps[-1].ended} if any(sizes) else {}
    return {
        "problem": problem_record(trace.problem),
        "steps": [step.text for step in trace.steps],
        "ids": [list(step.ids) for step in trace.steps],
        "logprobs": [list(step.logprobs) for step in trace.steps],
        "answer": trace.answer,
        "verdict": trace.verdict.value if trace.verdict else None,
        "finished": trace.finished,
        **served,
    }


def trace_of(record: Record) -> Trace:
    """Inverse of `trace_record`; "ids", "logprobs" and what is known of the end may be absent."""
    problem = problem_of(field_of(record, "problem", dict))
    texts = _list_of(record, "steps", (str,))
    if not texts:
        raise InputError(f"field 'steps' of problem {problem.id!r} is empty; expected one or more")
    ids = _per_step(record, "ids", (int,), len(texts))
    logprobs = _per_step(record, "logprobs", (int, float), len(texts))
    sizes = _list_of(record, "sizes", (int,)) if record.get("sizes") else [0] * len(texts)
    if len(sizes) != len(texts):
        raise InputError(f"field 'sizes' has {len(sizes)} entries for {len(texts)} steps")
    ended = [False] * (len(texts) - 1) + [_optional(record, "ended", (bool,), False)]
    columns = zip(texts, map(tuple, ids), map(tuple, logprobs), sizes, ended, strict=True)
    return Trace(
        problem=problem,
        steps=tuple(Step(*column) for column in columns),
        answer=_optional(record, "answer", (str,), None),
        verdict=None if record.get("verdict") is None else _member(Verdict, record, "verdict"),
        finished=_optional(record, "finished", (bool,), True),
    )


def label_record(label: StepLabel) -> Record:
    """A step's label as a JSON object; "belief" only where there is one."""
    counts = {
        "kind": label.kind.value,
        "successes": label.successes,
        "tries": label.tries,
        "by": label.by,
    }
    return counts if label.belief is None else {**counts, "belief": label.belief}


def labelled_record(labelled: LabelledTrace) -> Record:
    """A labelled trace as a JSON object, the raw counts of every label kept."""
    labels = [label_record(label) for label in labelled.labels]
    return {
        **trace_record(labelled.trace),
        "labels": labels,
        "usage": asdict(labelled.usage),
        "notes": dict(labelled.notes),
    }


def labelled_of(record: Record) -> LabelledTrace:
    """Inverse of `labelled_record`; "usage" and "notes" may be absent."""
    trace = trace_of(record)
    rows = _list_of(record, "labels", (dict,))
    if len(rows) != len(trace.steps):
        raise InputError(f"field 'labels' has {len(rows)} entries for {len(trace.steps)} steps")
    labels = tuple(_within(f"labels[{i}]", _label_of, row) for i, row in enumerate(rows))
    usage = _within("usage", usage_of, _optional(record, "usage", (dict,), {}))
    notes: dict[str, str] = dict(_optional(record, "notes", (dict,), {}))
    return LabelledTrace(trace, labels, usage, notes)


def scores_record(scores: StepScores) -> Record:
    """Scores as a JSON object, without their trace."""
    return {
        "kind": scores.kind.value,
        "values": list(scores.values),
        "by": scores.by,
        "tokens": scores.tokens,
    }


def scores_of(row: Record) -> StepScores:
    """Inverse of `scores_record`; "tokens" may be absent."""
    return StepScores(
        kind=_member(Kind, row, "kind"),
        values=tuple(_list_of(row, "values", (int, float))),
        by=field_of(row, "by", str),
        tokens=_optional(row, "tokens", (int,), 0),
    )


def scored_record(trace: Trace, scores: StepScores) -> Record:
    """A trace and its scores as one JSON object."""
    return {**trace_record(trace), "scores": scores_record(scores)}


def scored_of(record: Record) -> tuple[Trace, StepScores]:
    """Inverse of `scored_record`; refuses a number of scores other than that of steps."""
    trace = trace_of(record)
    scores = _within("scores", scores_of, field_of(record, "scores", dict))
    if len(scores.values) != len(trace.steps):
        raise InputError(
            f"field 'scores' has {len(scores.values)} values for {len(trace.steps)} steps"
        )
    return trace, scores


def _label_of(row: Record) -> StepLabel:
    tries = field_of(row, "tries", int)
    if tries < 0:
        raise InputError(f"field 'tries': expected 0 or more, got {tries}")
    return StepLabel(
        kind=_member(Kind, row, "kind"),
        successes=field_of(row, "successes", (int, float)),
        tries=tries,
        by=field_of(row, "by", str),
        belief=_optional(row, "belief", (int, float), None),
    )


def usage_of(row: Record) -> Usage:
    """What something cost; a field that is absent is 0."""
    return Usage(**{f.name: _optional(row, f.name, (int, float), f.default) for f in fields(Usage)})


def _within(name: str, build: Callable[[Record], T], row: Record) -> T:
    """`build(row)`; its InputErrors gain the name of the field that `row` stands in."""
    try:
        return build(row)
    except InputError as error:
        raise InputError(f"in {name}: {error}") from error


def _optional(record: Record, name: str, kinds: tuple[type, ...], default: Any) -> Any:
    """`field_of`, or `default` where the field is absent or null."""
    return default if record.get(name) is None else field_of(record, name, kinds)


def _list_of(record: Record, name: str, kinds: tuple[type, ...]) -> list[Any]:
    """A list field, each entry of one of `kinds`; the error names the first that is not."""
    values = field_of(record, name, list)
    for index, value in enumerate(values):
        field_of({f"{name}[{index}]": value}, f"{name}[{index}]", kinds)
    return values


def _per_step(record: Record, name: str, kinds: tuple[type, ...], steps: int) -> list[list[Any]]:
    """[S] a list of `kinds` for each step; empty lists where the field is absent, null or []."""
    if not record.get(name):
        return [[] for _ in range(steps)]
    lists = _list_of(record, name, (list,))
    if len(lists) != steps:
        raise InputError(f"field {name!r} has {len(lists)} entries for {steps} steps")
    return [_list_of({f"{name}[{i}]": row}, f"{name}[{i}]", kinds) for i, row in enumerate(lists)]


E_ = TypeVar("E_", Kind, Verdict)


def _member(enum: type[E_], record: Record, name: str) -> E_:
    value = record.get(name)
    try:
        return enum(value)
    except ValueError as error:
        choices = sorted(member.value for member in enum)
        raise InputError(f"field {name!r}: expected one of {choices}, got {value!r}") from error
