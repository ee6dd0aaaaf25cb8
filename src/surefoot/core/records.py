"""JSONL in and out: one record a line, resumable, and errors that name the row.

    problem   {"id", "problem", "answer", "level"}
    trace     {"problem": {...}, "steps": [text], "ids": [[int]], "logprobs": [[float]],
               "answer", "verdict", "finished", "sizes": [int]?, "ended": bool?}
    labels    a trace and {"labels": [{"kind", "successes", "tries", "by", "belief"?}],
               "usage": {...}}
    scores    a trace and {"scores": {"kind", "values", "by", "tokens"}}

Fields that nobody reads are ignored, so files from elsewhere may carry their own.
"""

import json
import math
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, fields
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from surefoot.core.errors import InputError
from surefoot.core.fields import Record as Record  # whoever reads rows finds these two here
from surefoot.core.fields import field_of as field_of
from surefoot.core.fields import (
    list_of,
    member_of,
    number_of,
    optional,
    parsed,
    per_step,
    within,
)
from surefoot.core.files import replacing
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

T = TypeVar("T")
RANGES = {  # of what a label or score says, by its kind; of the others any finite number
    Kind.CORRECTNESS: (0.0, 1.0),
    Kind.VALUE: (0.0, 1.0),
    Kind.PROGRESS: (-1.0, 1.0),
}
LIKELY = 1e-3  # a log-probability is at most 0; sums in half precision end a little above it


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
        yield from whole_rows(path, broken=broken)
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
        record = parsed(path.read_text(encoding="utf-8-sig"))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (ValueError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}); expected JSON in UTF-8") from error
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
        record = parsed(line)
    except InputError as error:
        raise InputError(f"{path} row {row}: {error}") from error
    return an_object(record, path, row)


def read_all(
    path: str | Path, build: Callable[[Record], T], *, limit: int | None = None
) -> list[T]:
    """Every record of a file, or the first `limit`, through `build`; its InputErrors gain the
    file and the row. Rows beyond the limit are not read."""
    built = []
    for row, record in islice(read_rows(path), limit):
        try:
            built.append(build(record))
        except InputError as error:
            raise InputError(f"{path} row {row}: {error}") from error
    return built


def write_all(path: str | Path, records: Iterable[Record]) -> int:
    """Writes a whole JSONL file at once: it is complete or the old one stands. Returns the rows.

    Raises StorageError if it cannot be written; errors of `records` itself pass unchanged.
    """
    with replacing(path) as partial:
        return write_lines(partial, records)


def write_lines(path: Path, records: Iterable[Record]) -> int:
    """A JSON object a line, into a file as it stands. Returns the rows."""
    rows = 0
    # A lone surrogate has no UTF-8 form; as a backslash escape it is still valid JSON.
    with path.open("w", encoding="utf-8", errors="backslashreplace") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
            rows += 1
    return rows


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
    gold = optional(record, "answer", (str, int, float), None)
    if isinstance(gold, float):
        number_of(record, "answer")
    return Problem(
        id=str(field_of(record, "id", (str, int))),
        text=text,
        gold=None if gold is None else str(gold),
        level=str(optional(record, "level", (str, int), "")),
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
    texts = list_of(record, "steps", (str,))
    if not texts:
        raise InputError(f"field 'steps' of problem {problem.id!r} is empty; expected one or more")
    ids = per_step(record, "ids", (int,), len(texts))
    logprobs = per_step(record, "logprobs", (int, float), len(texts))
    _refuse_unlikely(logprobs)
    sizes = list_of(record, "sizes", (int,)) if record.get("sizes") else [0] * len(texts)
    if len(sizes) != len(texts):
        raise InputError(f"field 'sizes' has {len(sizes)} entries for {len(texts)} steps")
    for name, counts in (("sizes", sizes), *((f"ids[{i}]", row) for i, row in enumerate(ids))):
        if counts and min(counts) < 0:
            raise InputError(f"field {name!r}: expected 0 or more, got {min(counts)}")
    ended = [False] * (len(texts) - 1) + [optional(record, "ended", (bool,), False)]
    columns = zip(texts, map(tuple, ids), map(tuple, logprobs), sizes, ended, strict=True)
    return Trace(
        problem=problem,
        steps=tuple(Step(*column) for column in columns),
        answer=optional(record, "answer", (str,), None),
        verdict=None if record.get("verdict") is None else member_of(Verdict, record, "verdict"),
        finished=optional(record, "finished", (bool,), True),
    )


def _refuse_unlikely(logprobs: list[list[float]]) -> None:
    """InputError for what is the logarithm of no probability; of 0 it is -Infinity."""
    for step, row in enumerate(logprobs):
        for value in row:
            if math.isnan(value) or value > LIKELY:
                raise InputError(
                    f"field 'logprobs[{step}]': expected log-probabilities, 0 or less, got {value}"
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
    rows = list_of(record, "labels", (dict,))
    if len(rows) != len(trace.steps):
        raise InputError(f"field 'labels' has {len(rows)} entries for {len(trace.steps)} steps")
    labels = tuple(within(f"labels[{i}]", _label_of, row) for i, row in enumerate(rows))
    usage = within("usage", usage_of, optional(record, "usage", (dict,), {}))
    notes: dict[str, str] = optional(record, "notes", (dict,), {})
    for name in notes:
        within("notes", partial(field_of, name=name, kind=str), notes)
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
    kind = member_of(Kind, row, "kind")
    least, most = RANGES.get(kind, (-math.inf, math.inf))
    named_S = {f"values[{i}]": value for i, value in enumerate(field_of(row, "values", list))}
    return StepScores(
        kind=kind,
        values=tuple(number_of(named_S, name, least=least, most=most) for name in named_S),
        by=field_of(row, "by", str),
        tokens=int(number_of({"tokens": 0, **row}, "tokens", least=0, whole=True)),
    )


def scored_record(trace: Trace, scores: StepScores) -> Record:
    """A trace and its scores as one JSON object."""
    return {**trace_record(trace), "scores": scores_record(scores)}


def scored_of(record: Record) -> tuple[Trace, StepScores]:
    """Inverse of `scored_record`; refuses a number of scores other than that of steps."""
    trace = trace_of(record)
    scores = within("scores", scores_of, field_of(record, "scores", dict))
    if len(scores.values) != len(trace.steps):
        raise InputError(
            f"field 'scores' has {len(scores.values)} values for {len(trace.steps)} steps"
        )
    return trace, scores


def _label_of(row: Record) -> StepLabel:
    """Counts that can have been counted, and a value within the range of its kind."""
    kind = member_of(Kind, row, "kind")
    tries = int(number_of(row, "tries", least=0, whole=True))
    least, most = RANGES.get(kind, (-math.inf, math.inf))
    fewest, highest = (tries * least, tries * most) if tries else (0.0, 0.0)
    successes = number_of(row, "successes", least=fewest, most=highest)
    belief = None
    if row.get("belief") is not None:
        belief = number_of(row, "belief", least=least, most=most)
    return StepLabel(kind, successes, tries, field_of(row, "by", str), belief)


def usage_of(row: Record) -> Usage:
    """What something cost; a field that is absent is 0."""
    names = [f.name for f in fields(Usage) if row.get(f.name) is not None]
    costs: dict[str, Any] = {name: number_of(row, name, least=0) for name in names}
    return Usage(**costs)
