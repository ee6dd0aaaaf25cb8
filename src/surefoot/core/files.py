"""Whole files or none, whoever else writes; and one command at a time per result.

    with replacing(path) as partial:     fill `partial`; at the end it is at `path`
    with claimed(path, "surefoot label"):    a second one is told who is at work

A file is written under a name of its own beside its place, brought to disk, and renamed, which
POSIX makes atomic: a reader sees the old file or the new one, and of two writers the later wins
with all its rows. Both the half-written file and the claim are held by `flock`, which the kernel
lets go of when a process dies, however it dies: so what a dead process left is known for
it, is no obstacle, and is removed by the next writer of the same file. Without `flock` (Windows,
some network file systems) files are still whole; claims and the tidying fall away.
"""

import errno
import glob
import os
import secrets
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from surefoot.core.errors import StorageError, SurefootError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PARTIAL = ".partial"


def write_whole(path: str | Path, text: str) -> None:
    """Puts a file with this text in place, as UTF-8. Raises StorageError if it cannot."""
    with replacing(path) as partial:
        # A lone surrogate has no UTF-8 form; as a backslash escape it is still valid JSON.
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yields an empty file to fill; at the block's end it is on disk and in the place of `path`.

    If the block fails, what stood there stays and nothing is left beside it. Folders that are
    missing are made; a file that stood there hands on its mode. Its OSErrors, such as a full disk,
    become StorageErrors that name `path` and the cure; other errors pass.
    """
    place = place_of(path)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with scratch(path) as partial:
            _take_mode(place, partial)  # first: what is private is so while it is written, too
            yield partial
            _to_disk(partial)
            partial.replace(place)
            with suppress(OSError):  # some file systems cannot; the rename itself is done
                _to_disk(place.parent)
    except OSError as error:
        if isinstance(error, SurefootError):  # from the block, and already explained
            raise
        raise StorageError(
            f"could not write {path}: {error.strerror or error}; {_cure(error)} and run the same "
            "command again (what the journal holds is not lost)"
        ) from error


@contextmanager
def scratch(path: str | Path) -> Iterator[Path]:
    """Yields an empty file beside `path` that nobody else uses; it is gone after the block."""
    place = place_of(path)
    _sweep(place)
    held: int | None = None
    while held is None:  # None: another writer's sweep was quicker than our lock
        partial = place.with_name(f".{place.name}.{secrets.token_hex(4)}{PARTIAL}")
        held = _locked(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        yield partial
    finally:
        with suppress(OSError):  # in place already, if all went well
            partial.unlink()
        os.close(held)


@contextmanager
def claimed(path: str | Path | None, by: str) -> Iterator[None]:
    """While the block runs, nobody else can claim `path`, a file or folder still to be written.

    by: what the others are told of us. None and "-" (standard output) need no claim, and where
    no lock can be had there is none: writing tells what is wrong with the place.
    Raises StorageError that names the process at work.
    """
    if path is None or str(path) == "-":
        yield
        return
    place = Path(os.path.realpath(path))
    lock = place.parent / f".{place.name}.lock"  # (the root folder has no name)
    made = [folder for folder in lock.parents if not folder.exists()]
    try:
        held = _opened(lock)
    except OSError:
        yield
        return
    if held is None:
        raise StorageError(
            f"{path} is being written by {_told_in(lock)}; wait until it is done, or choose "
            "another --out"
        )
    try:
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        told = f"{by} (process {os.getpid()} on {socket.gethostname()}, since {since})"
        with suppress(OSError):  # a full disk: the lock holds, only its owner stays unnamed
            os.ftruncate(held, 0)
            os.write(held, told.encode())
        yield
    finally:
        with suppress(OSError):
            lock.unlink()
        os.close(held)
        with suppress(OSError):  # one that holds the result by now is not empty and stays
            for folder in made:
                folder.rmdir()


# --- locks -------------------------------------------------------------------


def _opened(lock: Path) -> int | None:
    """`_locked`, its folder made if need be: again if whoever ends a claim removes it meanwhile."""
    for _ in range(9):
        with suppress(FileNotFoundError):
            lock.parent.mkdir(parents=True, exist_ok=True)
            return _locked(lock, os.O_RDWR | os.O_CREAT)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(lock))


def _locked(path: Path, flags: int, *, sure: bool = False) -> int | None:
    """A descriptor of the file at `path`, locked until it is closed; None if another has it.

    Where locks are unknown it is not locked, or None if it has to be (`sure`). Raises OSError if
    the file cannot be opened.
    """
    while True:
        descriptor = os.open(path, flags, 0o666)
        got = _lock(descriptor)
        # Between opening and locking, its last owner may have removed the file: then we hold a
        # lock on nothing that others could see.
        if got and not _is_at(descriptor, path):
            os.close(descriptor)
            continue
        if got or (got is None and not sure):
            return descriptor
        os.close(descriptor)
        return None


def _lock(descriptor: int) -> bool | None:
    """Is it ours now? None where locks are unknown."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _sweep(place: Path) -> None:
    """Removes what dead writers of `place` left: nobody holds its lock."""
    for left in place.parent.glob(f".{glob.escape(place.name)}.*{PARTIAL}"):
        with suppress(OSError):
            held = _locked(left, os.O_RDWR, sure=True)
            if held is not None:
                left.unlink()
                os.close(held)


def _told_in(lock: Path) -> str:
    try:
        return lock.read_text(encoding="utf-8", errors="replace") or "another process"
    except OSError:
        return "another process"


# --- places ------------------------------------------------------------------


def place_of(path: str | Path) -> Path:
    """Where a file really goes: a link stays, and what it points at is replaced.

    Raises StorageError for what is no file, such as a folder, a pipe or /dev/null: renaming would
    put a file in its place.
    """
    # Asked of the path itself: what /dev/stdout links to has no name in any folder.
    path = Path(path)
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "no ordinary file"
        raise StorageError(
            f"could not write {path}: it is {what}; choose a place that you may write to, "
            'or "-" for standard output where the verb knows it'
        )
    return Path(os.path.realpath(path))


def _take_mode(place: Path, partial: Path) -> None:
    """Who may read and write the old file may do so with the new one, and nobody else."""
    with suppress(OSError):  # there is none, or the file system knows no modes
        partial.chmod(stat.S_IMODE(place.stat().st_mode))


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cure(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free some room"
    return "choose a place that you may write to"
