"""Every finished call, durably: what was paid for is never paid for twice.

A journal is one SQLite file. A call is keyed by its content (what kind of call,
which model, which request); its answer is on disk before anybody uses it. A run
that was killed is simply started again: the same code asks the same things, the
journal answers what is known, and the run goes on from there. Runs that share a
journal share their calls, and a journal alone replays a result without a model.

    table calls   key, kind, value (JSON), made (how often it was computed: 1), at (unix time)
"""

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from surefoot.core.errors import StorageError

Q = TypeVar("Q")
R = TypeVar("R")
Stream = Callable[[Sequence[Q]], Iterator[tuple[int, R]]]

COMMIT_SECONDS = 1.0  # at most this much work is lost to a kill
_SCHEMA = """
create table if not exists calls (
    key blob primary key, kind text not null, value text not null,
    made integer not null default 1, at real not null
) without rowid
"""
_SAVE = """
insert into calls (key, kind, value, at) values (?, ?, ?, ?)
on conflict (key) do update set made = made + 1
"""


class Journal:
    """A file of finished calls. Safe to use from many threads of one process."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0
        self.seconds = 0.0  # spent in the journal itself
        with self._guarded():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, check_same_thread=False, timeout=60)
            try:
                self._db.execute("pragma journal_mode = wal")
                self._db.execute("pragma synchronous = full")
                self._db.execute(_SCHEMA)
                self._db.commit()
            except BaseException:
                self._db.close()
                raise

    def recorded(
        self,
        stream: Stream[Q, R],
        *,
        kind: str,
        model: str,
        key: Callable[[Q], bytes],
        encode: Callable[[R], Any],
        decode: Callable[[Any], R],
    ) -> Callable[[Sequence[Q]], list[R]]:
        """`stream` as a function that answers a list, each request computed once for ever.

        kind, model: belong to the key; `model` must change whenever answers would.
        key: the rest of the key, of one request.
        encode, decode: an answer to JSON values and back; fresh answers pass through
          both, so that a replayed run sees exactly what the first one saw.
        """
        prefix = f"{kind}\x1f{model}\x1f".encode()

        def complete(requests: Sequence[Q]) -> list[R]:
            keys = [hashlib.blake2b(prefix + key(r), digest_size=16).digest() for r in requests]
            known = self._load(keys)
            missing: dict[bytes, Q] = {}
            for k, request in zip(keys, requests, strict=True):
                if k not in known:
                    missing.setdefault(k, request)
            with self._lock:  # served policies ask from many threads
                self.hits += len(requests) - len(missing)
                self.misses += len(missing)
            for k, value in self._compute(stream, missing, kind, encode):
                known[k] = value
            return [decode(json.loads(known[k])) for k in keys]

        return complete

    def count(self) -> int:
        """How many calls are stored."""
        with self._lock, self._guarded():
            return int(self._db.execute("select count(*) from calls").fetchone()[0])

    def made_twice(self) -> int:
        """How many calls were computed more than once; 0 unless two runs shared no time."""
        with self._lock, self._guarded():
            query = "select count(*) from calls where made > 1"
            return int(self._db.execute(query).fetchone()[0])

    def close(self) -> None:
        """Ends all use; a second call does nothing."""
        self._db.close()

    def _compute(
        self,
        stream: Stream[Q, R],
        missing: dict[bytes, Q],
        kind: str,
        encode: Callable[[R], Any],
    ) -> Iterator[tuple[bytes, str]]:
        """Yields key and value of each missing call, stored before it is yielded."""
        if not missing:
            return
        keys = list(missing)
        fresh: list[tuple[bytes, str]] = []
        saved_at = time.monotonic()
        try:
            for index, reply in stream(list(missing.values())):
                fresh.append((keys[index], json.dumps(encode(reply))))
                if time.monotonic() - saved_at > COMMIT_SECONDS:
                    stored, fresh = fresh, []  # first, so that nothing is stored twice
                    self._save(kind, stored)
                    saved_at = time.monotonic()
                    yield from stored
        finally:  # what a failing stream did finish is kept
            self._save(kind, fresh)
        yield from fresh

    def _load(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        known: dict[bytes, str] = {}
        started = time.monotonic()
        with self._lock, self._guarded():
            for start in range(0, len(keys), 500):
                chunk = keys[start : start + 500]
                marks = ",".join("?" * len(chunk))
                query = f"select key, value from calls where key in ({marks})"
                known.update(self._db.execute(query, chunk).fetchall())
        self.seconds += time.monotonic() - started
        return known

    def _save(self, kind: str, fresh: Sequence[tuple[bytes, str]]) -> None:
        started = time.monotonic()
        with self._lock, self._guarded():
            now = time.time()
            self._db.executemany(_SAVE, [(key, kind, value, now) for key, value in fresh])
            self._db.commit()
        self.seconds += time.monotonic() - started

    def _guarded(self) -> "_StorageGuard":
        return _StorageGuard(self.path)


class _StorageGuard:
    """Turns SQLite's and the disk's errors into one that says what to do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (sqlite3.Error, OSError)):
            raise StorageError(
                f"the journal {self.path} cannot be used: {error}. If the disk is full, free some "
                "room; if the file is not a journal, move it away. Then run the same command "
                "again: calls already stored are kept"
            ) from error
