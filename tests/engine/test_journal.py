"""What was paid for is never paid for twice: after an error, a kill, between runs."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import StorageError
from surefoot.core.types import Kind, Problem, Step, StepScores, Trace
from surefoot.engine import Crew, Journal
from surefoot.engine import journal as journal_module
from surefoot.engine.calls import (
    decode_floats,
    encode_floats,
    policy_calls,
    scorer_calls,
    trace_key,
)


def made(path):
    """Number of calls by how often each was made."""
    with sqlite3.connect(path) as db:
        return Counter(row[0] for row in db.execute("select made from calls"))


def test_a_second_run_calls_nothing_and_answers_the_same(tmp_path, squares, recorded):
    path = tmp_path / "new" / "folder" / "calls.sqlite"
    for run in range(2):
        journal, stream = Journal(path), squares()
        complete = recorded(journal, stream)
        assert complete([3, 1, 3, 2]) == [9, 1, 9, 4]
        assert complete([1, 5]) == [1, 25]
        assert stream.asked == ([[3, 1, 2], [5]] if run == 0 else [])
        assert journal.count() == 4
        assert journal.hits + journal.misses == 6
        assert journal.made_twice() == 0
        journal.close()
    assert made(path) == {1: 4}


@given(st.lists(st.lists(st.integers(0, 20), max_size=12), max_size=6))
def test_every_call_is_made_once_whatever_is_asked(tmp_path_factory, recorded, squares, batches):
    journal = Journal(tmp_path_factory.mktemp("j") / "calls.sqlite")
    stream = squares()
    complete = recorded(journal, stream)
    assert [complete(batch) for batch in batches] == [[n * n for n in batch] for batch in batches]
    asked = [n for batch in stream.asked for n in batch]
    assert sorted(asked) == sorted({n for batch in batches for n in batch})
    journal.close()


def test_stored_before_used(journal, recorded, monkeypatch):
    """Whoever gets an answer finds it in the file, also in mid-stream."""
    monkeypatch.setattr(journal_module, "COMMIT_SECONDS", -1.0)  # commit at every answer
    seen = []

    def stream(requests):
        for index, request in enumerate(requests):
            with sqlite3.connect(journal.path) as db:
                seen.append(db.execute("select count(*) from calls").fetchone()[0])
            yield index, request

    decoded = []

    def decode(value):
        decoded.append(journal_count(journal.path))
        return value

    complete = journal.recorded(
        stream,
        kind="k",
        model="m",
        key=lambda n: str(n).encode(),
        encode=lambda r: r,
        decode=decode,
    )
    assert complete([7, 8, 9]) == [7, 8, 9]
    assert seen == [0, 1, 2]
    assert decoded == [3, 3, 3]
    assert made(journal.path) == {1: 3}


def journal_count(path):
    with sqlite3.connect(path) as db:
        return db.execute("select count(*) from calls").fetchone()[0]


@pytest.mark.parametrize("seconds", [-1.0, 1000.0])
def test_a_stream_that_breaks_half_way_keeps_what_it_finished(
    journal, recorded, squares, monkeypatch, seconds
):
    monkeypatch.setattr(journal_module, "COMMIT_SECONDS", seconds)
    with pytest.raises(RuntimeError, match="broke at 3"):
        recorded(journal, squares(fails_at=3))([1, 2, 3, 4])
    assert journal.count() == 2
    again = squares()
    assert recorded(journal, again)([1, 2, 3, 4]) == [1, 4, 9, 16]
    assert again.asked == [[3, 4]]
    assert made(journal.path) == {1: 4}


def test_another_model_kind_or_request_is_another_call(journal, recorded, squares):
    stream = squares()
    asks = [
        recorded(journal, stream),
        recorded(journal, stream, model="m2"),
        recorded(journal, stream, kind="cube"),
        recorded(journal, stream, key=lambda n: b"key" + str(n).encode()),
        recorded(journal, stream, kind="squa", model="re"),
    ]
    for ask in asks:
        assert ask([6]) == [36]
    assert stream.asked == [[6]] * len(asks)


def test_fresh_and_replayed_answers_are_the_same_value(journal):
    """Both pass through JSON: a tuple that became a list would be one in both runs."""

    def ask(stream):
        return journal.recorded(
            stream, kind="k", model="m", key=bytes, encode=lambda r: r, decode=lambda v: v
        )

    fresh = ask(lambda requests: ((i, (1, "ä", None)) for i, _ in enumerate(requests)))([b"x"])
    assert fresh == [[1, "ä", None]] == ask(lambda _: iter(()))([b"x"])


def test_more_requests_than_one_query_takes(journal, recorded, squares):
    complete = recorded(journal, squares())
    assert complete(range(1234)) == complete(range(1234))
    assert journal.count() == 1234


# --- a kill, and two processes ---------------------------------------------

WORK = """
    import os, sys, time
    from surefoot.engine import Crew, Journal, journal as module
    module.COMMIT_SECONDS = 0.01
    path, log, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])

    def stream(requests):
        for index, request in enumerate(requests):
            time.sleep(pause)
            yield index, request * 3 % 1009

    journal, crew = Journal(path), Crew(4)
    ask = crew.merged(journal.recorded(stream, kind="k", model="m",
        key=lambda n: str(n).encode(), encode=int, decode=int))

    def work(item):
        for _ in range(6):
            [item] = ask([item])
        return item

    print(crew.map(work, range(1, 9)), journal.count(), journal.made_twice())
"""


def start(*arguments):
    code = textwrap.dedent(WORK)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def test_killed_in_mid_run_and_started_again(tmp_path):
    """kill -9, twice; then every call was made once and the answers are those of a quiet run."""
    quiet = finished(start(tmp_path / "quiet.sqlite", "-", 0))
    path, counts = tmp_path / "calls.sqlite", [0]
    for _ in range(2):
        process = start(path, "-", 0.05)
        wait_for(lambda: path.exists() and counted(path) >= counts[-1] + 5)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        counts.append(counted(path))
    total = sum(made(tmp_path / "quiet.sqlite").values())
    assert 0 < counts[1] < counts[2] < total, "the kill came too late to mean anything"
    assert finished(start(path, "-", 0)) == quiet
    assert made(path) == {1: total}


def counted(path):
    try:
        return journal_count(path)
    except sqlite3.Error:  # still being made
        return 0


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


def test_two_processes_share_a_journal(tmp_path):
    path = tmp_path / "calls.sqlite"
    answers = [finished(p).split("]")[0] for p in [start(path, "-", 0.005) for _ in range(2)]]
    assert answers[0] == answers[1]
    assert set(made(path)) <= {1, 2}  # at worst both were at the same call at the same time
    third = finished(start(path, "-", 100))  # all is known: no sleep of 100 s
    assert third.split("]")[0] == answers[0]


def test_threads_share_a_journal(journal, recorded, squares):
    complete = recorded(journal, squares())
    results = Crew(8).map(lambda i: complete([i % 5]), range(40))
    assert results == [[(i % 5) ** 2] for i in range(40)]


# --- storage that fails ----------------------------------------------------


def test_a_file_that_is_no_journal_is_named_with_a_cure(tmp_path):
    path = tmp_path / "calls.sqlite"
    path.write_text("this is not a database, " * 100)
    with pytest.raises(StorageError, match=r"calls\.sqlite.*move it away") as caught:
        Journal(path)
    assert isinstance(caught.value, OSError)
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("create table calls (something text)")
    with pytest.raises(StorageError, match="move it away"):
        Journal(path).recorded(
            lambda r: iter(()), kind="k", model="m", key=bytes, encode=str, decode=str
        )([b"x"])


def test_a_folder_in_its_place_and_a_file_in_its_folder(tmp_path):
    with pytest.raises(StorageError):
        Journal(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        Journal(tmp_path / "file" / "calls.sqlite")


def test_a_damaged_page_is_a_storage_error(tmp_path, recorded, squares):
    path = tmp_path / "calls.sqlite"
    journal = Journal(path)
    recorded(journal, squares())(range(2000))
    journal.close()
    data = bytearray(path.read_bytes())
    data[4096 : len(data) - 4096] = b"\xff" * (len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises(StorageError):
        recorded(Journal(path), squares())(range(2000))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a tiny file system needs root on Linux")
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_says_so_and_loses_nothing(small_disk):
    journal = Journal(small_disk / "calls.sqlite")

    def ask(stream):
        return journal.recorded(
            stream, kind="k", model="m", key=bytes, encode=lambda r: r, decode=lambda v: v
        )

    def long_answers(requests):
        for index, _ in enumerate(requests):
            yield index, "x" * 20_000

    def fill():
        for number in range(100):
            ask(long_answers)([bytes([number])])

    with pytest.raises(StorageError, match="disk is full, free some room"):
        fill()
    stored = journal.count()
    assert 1 < stored < 100
    known = [bytes([number]) for number in range(stored)]
    assert ask(lambda _: iter(()))(known) == ["x" * 20_000] * stored


# --- the calls of policies and scorers -------------------------------------


@given(st.lists(st.floats(width=32, allow_nan=False)))
def test_float32_log_probabilities_keep_their_bits(values):
    assert decode_floats(encode_floats(values)) == tuple(values)


def test_a_scorer_replays_without_its_model(journal):
    calls = []

    def stream(traces):
        calls.append(len(traces))
        for index, trace in enumerate(traces):
            yield index, StepScores(Kind.VALUE, (0.1 + 0.2,) * len(trace.steps), "v", tokens=7)

    crew = Crew(4)
    traces = [Trace(Problem("p", "Why?"), (Step(str(i)), Step("so"))) for i in range(3)]
    score = scorer_calls(stream, "v1", journal, crew)
    fresh = score(traces)
    assert fresh == score(traces) == [StepScores(Kind.VALUE, (0.1 + 0.2,) * 2, "v", 7)] * 3
    assert calls == [3]
    scorer_calls(stream, "v2", journal, crew)(traces)
    assert calls == [3, 3]


def test_a_trace_is_keyed_by_what_a_verifier_reads():
    problem = Problem("p", "Why?")

    def key(*texts, problem=problem):
        return trace_key(Trace(problem, tuple(map(Step, texts))))

    assert key("a", "b") == key("a", "b", problem=Problem("other id", "Why?"))
    different = [key("a", "b"), key("a\nb"), key("ab"), key("a"), key(problem=Problem("p", "a"))]
    assert len(set(different)) == len(different)


def test_policy_calls_differ_by_ids_seed_and_stop(journal):
    decode = pytest.importorskip("surefoot.policy.local_decode")
    asked = []

    def stream(requests):
        for index, request in enumerate(requests):
            asked.append(request)
            yield index, decode.Reply((request.seed % 100, 2), (-0.1, -1e-7), True)

    ask = policy_calls(stream, "m", journal, Crew(2), reply=decode.Reply)
    requests = [
        decode.Request((1, 2), 0, "end"),
        decode.Request((1, 2), 1, "end"),
        decode.Request((1, 2), 0, "step"),
        decode.Request((1, 2, 3), 0, "end"),
        decode.Request((2, 1), 0, "end"),
    ]
    fresh = ask(requests)
    assert asked == requests
    assert ask(requests) == fresh
    assert len(asked) == 5
