"""The journal's file: opened by many at once, damaged, older, newer, or somebody else's."""

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from surefoot.core.errors import StorageError
from surefoot.core.types import Kind, Problem, Step, StepScores, Trace
from surefoot.engine import Crew, Journal
from surefoot.engine import journal as journal_module
from surefoot.engine.calls import scorer_calls, trace_key

OLD_SCHEMA = """
create table calls (
    key blob primary key, kind text not null, value text not null,
    made integer not null default 1, at real not null
) without rowid
"""


def stored(path, numbers, recorded, squares):
    """A closed journal of these numbers' squares."""
    journal = Journal(path)
    recorded(journal, squares())(numbers)
    journal.close()
    return path


def database(path):
    return closing(sqlite3.connect(path))


# --- many processes --------------------------------------------------------


def race(*options):
    command = [sys.executable, "scripts/journal_race.py", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def test_processes_that_open_a_fresh_journal_at_once_lose_nothing():
    run = race("--tries", "5", "--processes", "2", "--processes", "4")
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("5 tries: 0 deaths, 0 calls lost") == 2


@pytest.mark.slow
def test_200_tries_with_2_4_and_8_processes():
    run = race("--tries", "200")
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("lock", ["begin", "begin immediate", "begin exclusive"])
@pytest.mark.parametrize("made", [False, True])
def test_opening_waits_for_whoever_holds_the_file(tmp_path, recorded, squares, lock, made):
    """SQLite's own time-out does not help: the switch to a write-ahead log fails at once where
    another process is about to write. `made`: the table is there, and the switch is not done."""
    path = tmp_path / "calls.sqlite"
    if made:
        stored(path, [2], recorded, squares)
        with database(path) as db:
            db.execute("pragma journal_mode = delete")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute(lock)
    other.execute("select * from sqlite_master").fetchall()
    free = threading.Timer(0.2, other.rollback)
    free.start()
    assert recorded(Journal(path), squares())([3]) == [9]
    free.join()
    other.close()
    with database(path) as db:
        assert db.execute("pragma journal_mode").fetchone() == ("wal",)


def test_a_file_that_stays_locked_is_an_error_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_module, "WAIT_SECONDS", 0.1)
    path = tmp_path / "calls.sqlite"
    with database(path) as other:
        other.execute("begin exclusive")
        with pytest.raises(StorageError, match="locked"):
            Journal(path)


def test_a_creation_that_was_killed_is_done_again(tmp_path, recorded, squares):
    path = tmp_path / "calls.sqlite"
    path.touch()
    assert recorded(Journal(path), squares())([3]) == [9]


# --- damage ----------------------------------------------------------------


def damaged(path, numbers, recorded, squares, tmp_path, places):
    """How often (right, refused, made again) with one bit flipped at each place."""
    counts = {"right": 0, "refused": 0, "again": 0}
    for place, bit in places:
        copy = Path(shutil.copy(path, tmp_path / "flipped.sqlite"))
        data = bytearray(copy.read_bytes())
        data[place] ^= 1 << bit
        copy.write_bytes(data)
        stream = squares()
        try:
            answers = recorded(Journal(copy), stream)(numbers)
        except StorageError:
            counts["refused"] += 1
            continue
        assert answers == [n * n for n in numbers], (place, bit)
        counts["again" if stream.asked else "right"] += 1
    return counts


def test_a_flipped_bit_in_a_value_is_an_error_and_never_other_data(tmp_path, recorded, squares):
    numbers = [11, 23]
    path = stored(tmp_path / "calls.sqlite", numbers, recorded, squares)
    data = path.read_bytes()
    places = [
        (data.index(text) + i, b)
        for text in (b"[121]", b"[529]")
        for i in range(5)
        for b in range(8)
    ]
    counts = damaged(path, numbers, recorded, squares, tmp_path, places)
    assert counts == {"right": 0, "refused": 80, "again": 0}


def test_a_flipped_bit_anywhere_in_a_row_gives_no_other_data(tmp_path, recorded, squares):
    """Keys and lengths too: then a call may not be found, and is made again."""
    numbers = [11, 23]
    path = stored(tmp_path / "calls.sqlite", numbers, recorded, squares)
    data = path.read_bytes()
    first, last = data.index(b"square["), data.rindex(b"square[")
    rng = np.random.default_rng(0)
    places = [
        (int(rng.integers(min(first, last) - 30, max(first, last) + 20)), int(rng.integers(8)))
        for _ in range(80)
    ]
    counts = damaged(path, numbers, recorded, squares, tmp_path, places)
    assert all(counts.values()), counts


def test_the_error_names_the_calls_and_its_cure_works(tmp_path, recorded, squares):
    path = stored(tmp_path / "calls.sqlite", range(5), recorded, squares)
    with database(path) as db:
        db.execute("update calls set value = '[7]' where value in ('[4]', '[9]')")
        db.commit()
    journal, stream = Journal(path), squares()
    with pytest.raises(StorageError, match=r"2 of the calls.*checksums") as caught:
        recorded(journal, stream)(range(5))
    assert stream.asked == []
    cure = str(caught.value).split(f'sqlite3 "{path}" "')[1].split('"')[0]
    with database(path) as db:
        db.execute(cure)
        db.commit()
    assert recorded(journal, stream)(range(5)) == [0, 1, 4, 9, 16]
    assert stream.asked == [[2, 3]]


@pytest.mark.parametrize("value", ["{", "[" * 100_000, '"text"', "[]", "7", "1" * 5000])
def test_a_value_without_a_checksum_that_cannot_be_read_is_an_error(
    tmp_path, recorded, squares, value
):
    path = stored(tmp_path / "calls.sqlite", [3], recorded, squares)
    with database(path) as db:
        db.execute("update calls set value = ?, crc = null", [value])
        db.commit()

    def decode(value):
        [number] = value
        return int(number)

    ask = Journal(path).recorded(
        squares(), kind="square", model="m", key=lambda n: str(n).encode(),
        encode=lambda r: [r], decode=decode,
    )  # fmt: skip
    with pytest.raises(StorageError, match=r"damaged at 1 of .*delete from calls where key in"):
        ask([3])


def test_an_error_of_the_model_is_not_taken_for_damage(journal, recorded):
    """Only what was stored can be damaged: a fresh answer that cannot be decoded is a bug."""

    def ask(decode):
        return journal.recorded(
            lambda requests: enumerate(requests), kind="k", model="m",
            key=lambda n: str(n).encode(), encode=lambda r: r, decode=decode,
        )  # fmt: skip

    with pytest.raises(TypeError):
        ask(len)([1])
    with pytest.raises(StorageError, match="damaged"):
        ask(len)([1])


# --- files of other programs and versions ----------------------------------


def foreign_files(folder):
    texts = {"text.sqlite": b"not a database, " * 300, "short.sqlite": b"x"}
    for name, content in texts.items():
        (folder / name).write_bytes(content)
    schemas = {
        "other.sqlite": "create table people (name text)",
        "alike.sqlite": "create table calls (key blob, number text)",
        "more.sqlite": f"{OLD_SCHEMA}; create table people (name text)",
        "marked.sqlite": f"pragma application_id = 7; {OLD_SCHEMA}",
    }
    for name, schema in schemas.items():
        with database(folder / name) as db:
            db.executescript(schema)
    with database(folder / "logged.sqlite") as db:
        db.executescript("pragma journal_mode = wal; create table people (name text)")
    return [*texts, *schemas, "logged.sqlite"]


def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(tmp_path):
    names = foreign_files(tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    for name in names:
        with pytest.raises(StorageError, match=rf"{name} is not a journal.*name another file"):
            Journal(tmp_path / name)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_table_that_only_a_log_holds_is_seen_too(tmp_path):
    """A program that still runs, or was killed: its tables are not in the file itself yet."""
    path = tmp_path / "people.sqlite"
    other = sqlite3.connect(path)
    other.execute("pragma journal_mode = wal")
    other.execute("create table people (name text)")
    other.commit()
    with pytest.raises(StorageError, match="is not a journal"):
        Journal(path)
    assert other.execute("select name from sqlite_master").fetchall() == [("people",)]
    other.close()


def test_an_old_journal_is_read_and_its_new_calls_are_checked(tmp_path, recorded, squares):
    new = stored(tmp_path / "new.sqlite", [2, 3], recorded, squares)
    path = tmp_path / "calls.sqlite"
    with database(new) as source, database(path) as db:
        db.execute("pragma journal_mode = wal")
        db.execute(OLD_SCHEMA)
        rows = source.execute("select key, kind, value, made, at from calls").fetchall()
        db.executemany("insert into calls values (?, ?, ?, ?, ?)", rows)
        db.commit()
    stream = squares()
    for _ in range(2):
        journal = Journal(path)
        assert recorded(journal, stream)([2, 3, 4]) == [4, 9, 16]
        journal.close()
    assert stream.asked == [[4]]
    with database(path) as db:
        unchecked = db.execute("select count(*) from calls where crc is null").fetchone()
    assert unchecked == (2,)


def test_a_journal_of_a_newer_version_says_so(tmp_path, recorded, squares):
    path = stored(tmp_path / "calls.sqlite", [2], recorded, squares)
    with database(path) as db:
        db.execute("pragma user_version = 9")
    with pytest.raises(StorageError, match=r"newer surefoot.*update surefoot"):
        Journal(path)


# --- keys ------------------------------------------------------------------


def test_a_step_that_holds_the_mark_between_steps_is_another_trace(journal):
    """The mark is a control character that a model may well write."""
    calls = []

    def stream(traces):
        calls.extend(traces)
        for index, trace in enumerate(traces):
            yield index, StepScores(Kind.VALUE, (0.5,) * len(trace.steps), "v")

    def trace(*texts):
        return Trace(Problem("p", "Why?"), tuple(map(Step, texts)))

    score = scorer_calls(stream, "v", journal, Crew(1))
    texts = [("a\x1eb",), ("a", "b"), ("a\x1f1b",), ("a\x1fb",), ("a", "\x1fb"), ("a\x1e", "b")]
    assert [len(s.values) for s in score([trace(*t) for t in texts])] == [len(t) for t in texts]
    assert len(calls) == len(texts)
    assert trace_key(trace("a", "b")) == b"Why?\x1ea\x1eb"  # as in the journals that exist


@pytest.mark.slow
def test_a_checksum_costs_little(tmp_path):
    """Beside what reading and writing JSON cost anyway."""
    value, key = json.dumps([list(range(300)), "A" * 1600, True]).encode(), b"0" * 16

    def seconds(work):
        started = time.perf_counter()
        for _ in range(2000):
            work()
        return time.perf_counter() - started

    crc = seconds(lambda: journal_module._crc(key, b"policy", value))
    assert crc < seconds(lambda: json.dumps(json.loads(value)))
