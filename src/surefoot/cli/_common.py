"""What the verbs share: words and progress on stderr, arguments, files.

stdout carries data only where it was asked for (`--json`, `--out -`).
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from surefoot.core.errors import InputError, need
from surefoot.core.records import Record, read_all, trace_of, write_all
from surefoot.core.types import Problem, Trace, Verdict

T = TypeVar("T")


# --- words and progress ----------------------------------------------------


def say(text: str) -> None:
    """One line for people."""
    print(text, file=sys.stderr, flush=True)


def tell(summary: Mapping[str, Any], *, as_json: bool) -> None:
    """The end of a verb: the summary as lines on stderr, and as JSON on stdout if asked for."""
    width = max(map(len, summary), default=0)
    for name, value in summary.items():
        say(f"  {name:<{width}}  {shown(value)}")
    if as_json:
        print(json.dumps(summary, indent=1))


def shown(value: Any) -> str:
    """A value as people read it: None as "unknown", thousands with commas."""
    if value is None:
        return "unknown"
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yields tell(stage, done, total): a bar a stage on stderr; safe in any thread."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    stages: dict[str, Any] = {}
    lock = threading.Lock()
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def update(stage: str, done: int, total: int) -> None:
            with lock:
                if stage not in stages:
                    stages[stage] = bars.add_task(stage, total=total)
            bars.update(stages[stage], completed=done, total=total)

        yield update


@contextmanager
def interruptible(kept: str) -> Iterator[None]:
    """Ctrl-C ends at once and says what was kept: all that matters is on disk already."""

    def leave(*_: object) -> None:
        cursor = "\x1b[?25h\n" if sys.stderr.isatty() else ""
        os.write(2, f"{cursor}interrupted: {kept}; run the same command again to go on\n".encode())
        os._exit(130)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# --- arguments -------------------------------------------------------------


def chosen(option: str, name: str, table: Mapping[str, T]) -> T:
    """table[name], or an InputError that lists the choices."""
    if name not in table:
        raise InputError(f"{option} must be one of {', '.join(table)}, got {name!r}")
    return table[name]


def at_least_one(**given: int | None) -> None:
    """InputError for a number below 1; the names are those of the options."""
    for name, value in given.items():
        if value is not None and value < 1:
            raise InputError(f"--{name.replace('_', '-')} must be 1 or more, got {value}")


def unescaped(separator: str) -> str:
    r"""A separator as typed in a shell: \n and \t are what they mean."""
    text = separator.replace("\\n", "\n").replace("\\t", "\t")
    if not text:
        raise InputError(r"--separator must be some text, such as \n for a line break, got ''")
    return text


# --- files -----------------------------------------------------------------


def write_rows(out: str, records: Iterable[Record]) -> int:
    """Records to a JSONL file, or to stdout for "-". Returns how many."""
    if out != "-":
        return write_all(out, records)
    rows = [json.dumps(record, ensure_ascii=False) for record in records]
    text = "".join(f"{row}\n" for row in rows)
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    return len(rows)


def read_traces(
    path: Path,
    limit: int | None = None,
    build: Callable[[Record], T] = trace_of,  # type: ignore[assignment]
) -> list[T]:
    """All (or the first `limit`) rows of a file of traces through `build`.

    Raises InputError with file and row, also for a step without text and an empty file.
    """

    def whole(record: Record) -> T:
        texts = record.get("steps")
        for index, text in enumerate(texts if isinstance(texts, list) else []):
            if isinstance(text, str) and not text.strip():
                raise InputError(f"field 'steps'[{index}] is empty; give it text or drop the row")
        return build(record)

    rows = read_all(path, whole, limit=limit)
    if not rows:
        raise InputError(f"{path} has no rows; expected a trace a line")
    return rows


def accuracy_of(verdicts: Sequence[Verdict | None]) -> float | None:
    """Share of right traces among the checked; None if none was checked."""
    known = [verdict for verdict in verdicts if verdict is not None]
    return sum(v is Verdict.CORRECT for v in known) / len(known) if known else None


# --- what is there ---------------------------------------------------------


def models(device: str = "auto") -> None:
    """Raises MissingExtra unless models can be run, InputError unless the device can be used.

    Silences the libraries: what they have to say would hide what we do.
    """
    for package in ("torch", "transformers", "safetensors", "accelerate"):
        need(package, "models")
    import torch
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if device == "auto":
        return
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"--device {device} cannot be used ({reason}); try cpu, or leave it out"
        ) from error


def problems_of(source: str, limit: int | None, *, need_gold: bool) -> list[Problem]:
    """The problems of a source."""
    from surefoot.tasks.load import load_problems

    at_least_one(limit=limit)
    return load_problems(source, count=limit, need_gold=need_gold)


def is_trails(trace: Trace) -> bool:
    """Is the problem one whose steps can be checked exactly?"""
    from surefoot.tasks.trails import read

    try:
        read(trace.problem.text)
    except ValueError:
        return False
    return True
