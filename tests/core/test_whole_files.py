"""Files are whole whoever writes them, and a second writer is told who is at work."""

import errno
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from surefoot.core.errors import StorageError
from surefoot.core.files import claimed, replacing, write_whole

ROWS = 400
WRITER = """
import sys
from surefoot.core.records import write_all
path, name, times, rows = sys.argv[1:]
sys.stdin.readline()  # all begin together
for _ in range(int(times)):
    write_all(path, ({"by": name, "row": i, "pad": "x" * 300} for i in range(int(rows))))
"""


def started(*command, **options):
    return subprocess.Popen(
        [sys.executable, "-c", *map(str, command)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def together(path, writers, times):
    """Processes that all write `path`, `times` times each; what is there at the end."""
    running = [started(WRITER, path, name, times, ROWS) for name in range(writers)]
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait(timeout=120) for process in running] == [0] * writers
    for process in running:
        process.stdin.close()
        process.stdout.close()
    return [json.loads(line) for line in path.read_text().splitlines()]


def is_whole(rows):
    return [row["row"] for row in rows] == list(range(ROWS)) and len({r["by"] for r in rows}) == 1


@pytest.mark.parametrize("times", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_of_writers_at_the_same_time_one_wins_whole(tmp_path, times):
    assert is_whole(together(tmp_path / "out.jsonl", 2, times))
    assert os.listdir(tmp_path) == ["out.jsonl"]


@pytest.mark.slow
def test_sixty_tries_of_two_processes_mix_nothing(tmp_path):
    for _ in range(60):
        assert is_whole(together(tmp_path / "out.jsonl", 2, 1))
    assert os.listdir(tmp_path) == ["out.jsonl"]


def test_a_reader_sees_the_old_file_until_the_new_one_is_there(tmp_path):
    path = tmp_path / "x.txt"
    write_whole(path, "old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
        assert partial.parent == tmp_path, "a rename is atomic within one file system only"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["x.txt"]


@pytest.mark.parametrize("error", [KeyError("x"), KeyboardInterrupt()])
def test_a_block_that_fails_leaves_what_was_there(tmp_path, error):
    write_whole(tmp_path / "x.txt", "old")

    def half_written():
        with replacing(tmp_path / "x.txt") as partial:
            partial.write_text("half")
            raise error

    with pytest.raises(type(error)):
        half_written()
    assert (tmp_path / "x.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["x.txt"]


def test_content_and_name_reach_the_disk_before_the_end(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync

    def noted(descriptor):
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).suffix)
        fsync(descriptor)

    if not os.path.exists("/proc/self/fd"):
        pytest.skip("no /proc here")
    monkeypatch.setattr(os, "fsync", noted)
    write_whole(tmp_path / "x.txt", "new")
    assert synced == [".partial", ""], "the file, then its folder"


def test_a_full_disk_is_one_error_with_a_cure(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    write_whole(tmp_path / "x.txt", "old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device; free some room and run"):
        write_whole(tmp_path / "x.txt", "new")
    assert (tmp_path / "x.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["x.txt"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "big").mkdir()
    (tmp_path / "x.txt").symlink_to(tmp_path / "big" / "x.txt")
    write_whole(tmp_path / "x.txt", "new")
    assert (tmp_path / "x.txt").is_symlink()
    assert (tmp_path / "big" / "x.txt").read_text() == "new"


def test_devices_and_folders_are_not_replaced(tmp_path):
    with pytest.raises(StorageError, match="it is a folder; choose"):
        write_whole(tmp_path, "x")
    if os.path.exists("/dev/null"):
        with pytest.raises(StorageError, match="no ordinary file; choose"):
            write_whole("/dev/null", "x")
        assert not Path("/dev/null").is_file()


def test_files_are_as_readable_as_others(tmp_path):
    (tmp_path / "plain").write_text("x")
    write_whole(tmp_path / "x.txt", "x")
    assert (tmp_path / "x.txt").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_new_file_is_as_private_as_the_old_one_from_its_first_byte(tmp_path, mode):
    path = tmp_path / "x.txt"
    path.write_text("old")
    path.chmod(mode)
    with replacing(path) as partial:
        assert stat.S_IMODE(partial.stat().st_mode) == mode
        partial.write_text("new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", mode)


def test_a_pipe_behind_dev_stdout_is_named_as_none(tmp_path):
    if not os.path.exists("/dev/stdout"):
        pytest.skip("no /dev/stdout here")
    code = "from surefoot.core.files import write_whole\nwrite_whole('/dev/stdout', 'x')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "StorageError: could not write /dev/stdout: it is no ordinary file" in run.stderr


HALF = """
import sys, time
from surefoot.core.files import claimed, replacing
with claimed(sys.argv[1], "surefoot label"), replacing(sys.argv[1]) as partial:
    partial.write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_is_told_who_is_at_work_until_it_dies(tmp_path):
    out = tmp_path / "out.jsonl"
    process = started(HALF, out)
    assert process.stdout.readline() == "ready\n"
    told = rf"out.jsonl is being written by surefoot label \(process {process.pid} on .*wait"
    with pytest.raises(StorageError, match=told), claimed(out, "me"):
        pytest.fail("claimed twice")

    write_whole(out, "mine")
    [left] = tmp_path.glob(".*.partial")
    assert left.read_text() == "half", "a living writer's file is not swept"

    process.kill()
    process.communicate()
    assert len(os.listdir(tmp_path)) == 3, "the result, a dead lock and a dead half"
    with claimed(out, "me"):
        write_whole(out, "mine again")
    assert os.listdir(tmp_path) == ["out.jsonl"]


def test_a_claim_is_one_at_a_time(tmp_path):
    """Locks are removed and made all the time here, which is where lock files race."""
    inside, failed = tmp_path / "inside", []

    def claims():
        for _ in range(100):
            try:
                with claimed(tmp_path / "deep" / "out", "x"):
                    inside.touch(exist_ok=False)
                    inside.unlink()
            except StorageError:
                continue  # another was quicker
            except OSError as error:
                failed.append(error)

    threads = [threading.Thread(target=claims) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert list(tmp_path.rglob("*lock*")) == []


def test_standard_output_and_places_without_locks_need_no_claim(tmp_path):
    (tmp_path / "file").touch()
    for path in (None, "-", tmp_path / "file" / "x"):
        with claimed(path, "a"), claimed(path, "b"):
            pass
    with claimed("/", "a"):  # has no name
        pass


def test_a_claim_on_a_full_disk_holds_without_a_name(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with claimed(tmp_path / "out", "me"):
        told = "written by another process"
        with pytest.raises(StorageError, match=told), claimed(tmp_path / "out", "them"):
            pytest.fail("claimed twice")


def test_a_claim_leaves_the_result_and_nothing_else(tmp_path):
    with claimed(tmp_path / "new" / "er" / "out.jsonl", "me"):
        pass
    assert os.listdir(tmp_path) == [], "a folder made for a lock alone goes with it"
    with claimed(tmp_path / "new" / "out.jsonl", "me"):
        (tmp_path / "new" / "out.jsonl").touch()
    assert os.listdir(tmp_path / "new") == ["out.jsonl"], "with a result in it the folder stays"


def test_an_error_that_is_explained_already_passes_as_it_is(tmp_path):
    told = StorageError("the other disk is full; free some room")
    with pytest.raises(StorageError) as caught, replacing(tmp_path / "x.txt"):
        raise told
    assert caught.value is told
