"""Every finished call, durably: what was paid for is never paid for twice.

A journal is one SQLite file. A call is keyed by its content (what kind of call,
which model, which request); its answer is on disk before anybody uses it. A run
that was killed is simply started again: the same code asks the same things, the
journal answers what is known, and the run goes on from there. Runs that share a
journal share their calls, and a journal alone replays a result without a model.

    table calls   key, kind, value (JSON), made (how often it was computed: 1), at (unix time),
                  crc (CRC-32 of key, kind and value)

A value that no longer fits its checksum is an error that names the call, never an answer. (A
damaged key is a call that is not found: it is made again.)
"""

import hashlib
import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from surefoot.core.errors import StorageError

Q = TypeVar("Q")
R = TypeVar("R")
Stream = Callable[[Sequence[Q]], Iterator[tuple[int, R]]]

COMMIT_SECONDS = 1.0  # at most this much work is lost to a kill
WAIT_SECONDS = 60.0  # for another process that is writing
_ID = 0x53757265  # "Sure": where SQLite keeps which program a file belongs to
_VERSION = 1  # of the table; journals from before there was an id have 0, and no checksums
_HEADER = b"SQLite format 3\0"
_COLUMNS = ("key", "kind", "value", "made", "at")  # of version 0
_SCHEMA = """
create table calls (
    key blob primary key, kind text not null, value text not null,
    made integer not null default 1, at real not null, crc integer
) without rowid
"""
# As blobs: bytes come as they are, whatever a flipped bit has made of a text or of its type.
_LOAD = """
select key, ifnull(cast(kind as blob), x''), ifnull(cast(value as blob), x''), crc
from calls where key in ({})
"""
_SAVE = """
insert into calls (key, kind, value, at, crc) values (?, ?, ?, ?, ?)
on conflict (key) do update set made = made + 1
"""


class Journal:
    """A file of finished calls. Safe to use from many threads, and from many processes.

    Opening raises StorageError for a file that is not a journal, and leaves it as it is. A journal
    of an earlier version is brought up to date; its old calls stay without a checksum.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0
        self.seconds = 0.0  # spent in the journal itself
        with self._guarded():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = _opened(self.path)

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
            fresh = dict(self._compute(stream, missing, kind, encode))
            return [
                decode(json.loads(fresh[k])) if k in fresh else self._decoded(k, known[k], decode)
                for k in keys
            ]

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

    def _load(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The stored values of these keys. Raises StorageError for any that is damaged."""
        rows: list[tuple[bytes, bytes, bytes, int | None]] = []
        started = time.monotonic()
        with self._lock, self._guarded():
            for start in range(0, len(keys), 500):
                chunk = keys[start : start + 500]
                marks = ",".join("?" * len(chunk))
                rows += self._db.execute(_LOAD.format(marks), chunk).fetchall()
        # Without a checksum: stored by an earlier version.
        damaged = [k for k, kind, value, crc in rows if crc not in (None, _crc(k, kind, value))]
        self.seconds += time.monotonic() - started
        if damaged:
            raise _damage(self.path, damaged, "their values do not fit their checksums")
        return {key: value for key, _, value, _ in rows}

    def _decoded(self, key: bytes, value: bytes, decode: Callable[[Any], R]) -> R:
        try:
            return decode(json.loads(value))
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise _damage(self.path, [key], f"the value cannot be read: {error}") from error

    def _save(self, kind: str, fresh: Sequence[tuple[bytes, str]]) -> None:
        started = time.monotonic()
        with self._lock, self._guarded():
            now = time.time()
            self._db.executemany(
                _SAVE,
                [
                    (key, kind, value, now, _crc(key, kind.encode(), value.encode()))
                    for key, value in fresh
                ],
            )
            self._db.commit()
        self.seconds += time.monotonic() - started

    def _guarded(self) -> "_StorageGuard":
        return _StorageGuard(self.path)


# --- the file ----------------------------------------------------------------


def _opened(path: Path) -> sqlite3.Connection:
    """The database of a journal, made or brought up to date if need be."""
    if not _may_be_a_journal(path):
        raise _not_a_journal(path)
    db = sqlite3.connect(path, check_same_thread=False, timeout=WAIT_SECONDS)
    try:
        _prepare(db, path)
        _wait_for_wal(db)
        db.execute("pragma synchronous = full")
    except BaseException:
        db.close()
        raise
    return db


def _may_be_a_journal(path: Path) -> bool:
    """False for what certainly is none, found without SQLite's locks and side files.

    True is not the last word: another process may be making the file at this moment.
    """
    if not path.exists() or path.stat().st_size == 0:
        return True
    with path.open("rb") as file:
        head = file.read(100)
    if not head.startswith(_HEADER):
        return False
    owner = int.from_bytes(head[68:72], "big")
    if owner:
        return owner == _ID
    try:
        # immutable: nothing is locked or made beside the file, and what is in its log is not seen
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as db:
            return _tables(db) in ({}, {"calls": _COLUMNS})
    except sqlite3.DatabaseError:  # half-written by another process, or damaged: SQLite will say
        return True


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Makes the table, or adds what an earlier version did not have.

    One process does it, and the others wait: a write lock is waited for, and under it nobody else
    can be half-way.
    """
    if _owner(db) == (_ID, _VERSION):
        return
    db.execute("begin immediate")
    owner, tables = _owner(db), _tables(db)
    if owner == (_ID, _VERSION):
        db.rollback()
        return
    if owner[0] == _ID:
        db.rollback()
        raise StorageError(
            f"the journal {path} was made by a newer surefoot (version {owner[1]} of its table, "
            f"known here: {_VERSION}); update surefoot, or name another journal"
        )
    if owner[0] or tables not in ({}, {"calls": _COLUMNS}):
        db.rollback()
        raise _not_a_journal(path)
    db.execute("alter table calls add column crc integer" if tables else _SCHEMA)
    db.execute(f"pragma application_id = {_ID}")
    db.execute(f"pragma user_version = {_VERSION}")
    db.commit()


def _wait_for_wal(db: sqlite3.Connection) -> None:
    """Switches to a write-ahead log, once and for all who use the file.

    The switch wants the file for itself and does not wait for it, whatever the time-out: two
    processes that hold it for reading would wait for each other. So it is tried again here.
    """
    ends = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            db.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
        time.sleep(0.005)


def _owner(db: sqlite3.Connection) -> tuple[int, int]:
    [application] = db.execute("pragma application_id").fetchone()
    [version] = db.execute("pragma user_version").fetchone()
    return application, version


def _tables(db: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """The columns of each table, by its name."""
    query = "select name from sqlite_master where name not like 'sqlite@_%' escape '@'"
    names = [name for (name,) in db.execute(query).fetchall()]
    columns = "select name from pragma_table_info(?) order by cid"
    return {name: tuple(c for (c,) in db.execute(columns, [name]).fetchall()) for name in names}


def _crc(key: bytes, kind: bytes, value: bytes) -> int:
    """What each stored call is checked by; it finds every change of up to 32 bits in a row."""
    return zlib.crc32(value, zlib.crc32(kind, zlib.crc32(key)))


# --- what can be wrong with it -------------------------------------------------


def _not_a_journal(path: Path) -> StorageError:
    return StorageError(
        f"{path} is not a journal of surefoot, and was left as it is; name another file for the "
        "journal, or move it away"
    )


def _damage(path: Path, keys: Sequence[bytes], why: str) -> StorageError:
    """Some calls cannot be read; they can be made again."""
    told = ", ".join(f"x'{key.hex()}'" for key in keys[:20])
    more = f" (and {len(keys) - 20} more)" if len(keys) > 20 else ""
    return StorageError(
        f"the journal {path} is damaged at {len(keys)} of the calls asked for: {why}. Delete them, "
        f'sqlite3 "{path}" "delete from calls where key in ({told})"{more}, and run the same '
        "command again: they are made again, all others are kept"
    )


class _StorageGuard:
    """Turns SQLite's and the disk's errors into one that says what to do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, StorageError):  # explained already
            return
        if isinstance(error, (sqlite3.Error, OSError)):
            raise StorageError(
                f"the journal {self.path} cannot be used: {error}. If the disk is full, free some "
                "room; if the file is not a journal, move it away. Then run the same command "
                "again: calls already stored are kept"
            ) from error
