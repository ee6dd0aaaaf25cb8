"""JSONL in and out: one record a line, resumable, and errors that name the row.

problem   {"id", "problem", "answer", "level"}
trace     {"problem": {...}, "steps": [text], "ids": [[int]], "logprobs": [[float]],
           "answer", "verdict", "finished"}
labels    a trace and {"labels": [{"kind", "successes", "tries", "by"}], "usage": {...}}
scores    a trace and {"scores": {"kind", "values", "by"}}
"""

import gzip
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from surefoot.core.errors import InputError, StorageError
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


def read_rows(path: str | Path) -> Iterator[tuple[int, Record]]:
    """Yields (row number from 1, record) of a .jsonl or .jsonl.gz file; blank lines are skipped.

    Raises InputError for a missing file, and for a row that is not a JSON object.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"expected a JSONL file, but there is none at {path}")
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for row, line in enumerate(lines, start=1):
            if line.strip():
                yield row, _parse_row(line, path, row)


def _parse_row(line: str, path: Path, row: int) -> Record:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path} row {row}: expected a JSON object, got {line.strip()[:60]!r} ({error.msg}); "
            "mend or delete the row"
        ) from error
    if not isinstance(record, dict):
        raise InputError(f"{path} row {row}: expected a JSON object, got {type(record).__name__}")
    return record


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
    """Writes a whole JSONL file at once: it is complete or the old one stands. Returns the rows."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    rows = 0
    try:
        with partial.open("w", encoding="utf-8") as out:
            for record in records:
                out.write(json.dumps(record, ensure_ascii=False) + "\n")
                rows += 1
            out.flush()
            os.fsync(out.fileno())
        partial.replace(path)
    except OSError as error:
        raise StorageError(
            f"could not write {path}: {error.strerror}; free some room and run the same command "
            "again (what the journal holds is not lost)"
        ) from error
    return rows


# --- reading one field -----------------------------------------------------


def field_of(record: Record, name: str, kind: type[T] | tuple[type, ...]) -> T:
    """`record[name]`, or an InputError that names the field, what was expected and what came."""
    expected = kind if isinstance(kind, tuple) else (kind,)
    names = " or ".join(k.__name__ for k in expected)
    if name not in record:
        raise InputError(f"field {name!r} is missing; expected {names}, found {sorted(record)}")
    value = record[name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        shown = repr(value)[:60]
        raise InputError(f"field {name!r}: expected {names}, got {type(value).__name__} {shown}")
    return value  # type: ignore[no-any-return]


# --- nouns as records and back ---------------------------------------------


def problem_record(problem: Problem) -> Record:
    return {
        "id": problem.id,
        "problem": problem.text,
        "answer": problem.gold,
        "level": problem.level,
    }


def problem_of(record: Record) -> Problem:
    """Inverse of `problem_record`; "answer" and "level" may be absent."""
    text: str = field_of(record, "problem", str)
    if not text.strip():
        raise InputError("field 'problem' is empty; expected the question's text")
    gold = record.get("answer")
    if gold is not None and not isinstance(gold, (str, int, float)):
        raise InputError(f"field 'answer': expected text or a number, got {gold!r}")
    return Problem(
        id=str(field_of(record, "id", (str, int))),
        text=text,
        gold=None if gold is None else str(gold),
        level=str(record.get("level", "")),
    )


def trace_record(trace: Trace) -> Record:
    return {
        "problem": problem_record(trace.problem),
        "steps": [step.text for step in trace.steps],
        "ids": [list(step.ids) for step in trace.steps],
        "logprobs": [list(step.logprobs) for step in trace.steps],
        "answer": trace.answer,
        "verdict": trace.verdict.value if trace.verdict else None,
        "finished": trace.finished,
    }


def trace_of(record: Record) -> Trace:
    """Inverse of `trace_record`; "ids", "logprobs" and what is known of the end may be absent."""
    problem = problem_of(field_of(record, "problem", dict))
    texts: list[Any] = field_of(record, "steps", list)
    if not texts:
        raise InputError(f"field 'steps' of problem {problem.id!r} is empty; expected one or more")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"field 'steps'[{index}]: expected text, got {text!r}")
    ids, logprobs = (_per_step(record, name, len(texts)) for name in ("ids", "logprobs"))
    steps = (Step(t, tuple(i), tuple(lp)) for t, i, lp in zip(texts, ids, logprobs, strict=True))
    return Trace(
        problem=problem,
        steps=tuple(steps),
        answer=record.get("answer"),
        verdict=_member(Verdict, record, "verdict") if record.get("verdict") else None,
        finished=bool(record.get("finished", True)),
    )


def _per_step(record: Record, name: str, steps: int) -> list[list[Any]]:
    lists: list[list[Any]] = record.get(name) or [[] for _ in range(steps)]
    if len(lists) != steps:
        raise InputError(f"field {name!r} has {len(lists)} entries for {steps} steps")
    return lists


E_ = TypeVar("E_", Kind, Verdict)


def _member(enum: type[E_], record: Record, name: str) -> E_:
    value = record.get(name)
    try:
        return enum(value)
    except ValueError as error:
        choices = sorted(member.value for member in enum)
        raise InputError(f"field {name!r}: expected one of {choices}, got {value!r}") from error


def labelled_record(labelled: LabelledTrace) -> Record:
    labels = [
        {"kind": x.kind.value, "successes": x.successes, "tries": x.tries, "by": x.by}
        for x in labelled.labels
    ]
    return {
        **trace_record(labelled.trace),
        "labels": labels,
        "usage": asdict(labelled.usage),
        "notes": dict(labelled.notes),
    }


def labelled_of(record: Record) -> LabelledTrace:
    """Inverse of `labelled_record`."""
    trace = trace_of(record)
    rows: list[Record] = field_of(record, "labels", list)
    if len(rows) != len(trace.steps):
        raise InputError(f"field 'labels' has {len(rows)} entries for {len(trace.steps)} steps")
    labels = tuple(
        StepLabel(
            kind=_member(Kind, row, "kind"),
            successes=field_of(row, "successes", (int, float)),
            tries=field_of(row, "tries", int),
            by=field_of(row, "by", str),
        )
        for row in rows
    )
    usage = Usage(**record.get("usage", {}))
    return LabelledTrace(trace, labels, usage, dict(record.get("notes", {})))


def scored_record(trace: Trace, scores: StepScores) -> Record:
    return {
        **trace_record(trace),
        "scores": {"kind": scores.kind.value, "values": list(scores.values), "by": scores.by},
    }


def scored_of(record: Record) -> tuple[Trace, StepScores]:
    """Inverse of `scored_record`; refuses a number of scores other than that of steps."""
    trace = trace_of(record)
    row: Record = field_of(record, "scores", dict)
    values: list[float] = field_of(row, "values", list)
    if len(values) != len(trace.steps):
        raise InputError(f"field 'scores' has {len(values)} values for {len(trace.steps)} steps")
    scores = StepScores(_member(Kind, row, "kind"), tuple(values), field_of(row, "by", str))
    return trace, scores
