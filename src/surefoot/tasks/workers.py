"""Long-lived child processes that can be killed: for work that may hang or eat all memory.

A child reads one JSON request a line and writes one JSON reply a line. A request has
`seconds`. A child that can stop by itself then does, and goes on; one that does not
reply soon after is killed, and another, already warm, takes its place. A child's
start (its imports) is not counted.

Children get no secrets from the environment, at most `MEMORY` bytes, and may
neither write files nor start programs nor open sockets once they are warm. That
last rule is a second fence, not a sandbox: nothing here may run foreign code.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Self

from surefoot.core.errors import MissingExtra, SurefootError

Message = dict[str, Any]

MEMORY = 2 << 30  # bytes of address space for a child
WARM_UP = 120.0  # seconds a child may take to start
GRACE = 0.25  # seconds in which a child may say that it was too slow before it is killed
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")
_FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.spawn", "os.remove",
    "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
    "os.kill", "os.putenv", "subprocess.", "socket.", "shutil.", "ctypes.", "pty.", "webbrowser.",
)  # fmt: skip


class TookTooLong(SurefootError):
    """A request was not answered in time. reply: what a child that stopped by itself says."""

    def __init__(self, message: str, reply: Message | None = None) -> None:
        super().__init__(message)
        self.reply = reply or {}


class WorkerDied(SurefootError):
    """The child ended during a request (out of memory, or a crash in C code)."""


# --- the parent's side -----------------------------------------------------


class Worker:
    """One child process. It starts at once; `ready` waits until it is warm."""

    def __init__(self, module: str) -> None:
        source = str(Path(__file__).resolve().parents[2])
        paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
        kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        self.served = 0
        self._warm = False
        self._replies: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-B", "-P", "-W", "ignore", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={
                **kept,
                "PYTHONPATH": os.pathsep.join(paths),
                "PYTHONHASHSEED": "0",
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            },
            text=True,
            encoding="utf-8",
        )
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    def _read(self, replies: IO[str]) -> None:
        for line in replies:
            self._replies.put(line)
        self._replies.put(None)  # the child is gone

    @property
    def alive(self) -> bool:
        """False once the child has ended, whoever ended it."""
        return self._process.poll() is None or not self._warm  # `ready` says why it never warmed

    def ready(self, seconds: float = WARM_UP) -> bool:
        """Is the child warm within `seconds`? Raises MissingExtra if it lacks a package.

        After `WARM_UP` it will never be: then it is killed, and this raises TookTooLong.
        """
        if self._warm:
            return True
        try:
            line = self._replies.get(timeout=min(seconds, WARM_UP))
        except queue.Empty:
            if seconds < WARM_UP:
                return False
            self.kill()
            raise TookTooLong(f"no worker process was ready within {WARM_UP:g} s") from None
        reply = self._read_reply(line)
        if "missing" in reply:
            self.kill()
            raise MissingExtra(reply["missing"])
        self._warm = True
        return True

    def ask(self, request: Message, seconds: float) -> Message:
        """The reply of a warm child; kills it and raises if it takes too long or dies.

        {"late": True} of a child that stopped by itself, and can be asked again.
        """
        assert self._process.stdin is not None
        self.served += 1
        try:
            self._process.stdin.write(json.dumps({**request, "seconds": seconds}) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            self.kill()
            raise WorkerDied(f"the worker process ended before a request ({error})") from error
        try:
            line = self._replies.get(timeout=seconds + GRACE)
        except queue.Empty:
            self.kill()
            raise TookTooLong(f"no reply within {seconds:g} s") from None
        return self._read_reply(line)

    def _read_reply(self, line: str | None) -> Message:
        if line is None:
            self.kill()
            raise WorkerDied(f"the worker process ended (status {self._process.returncode})")
        message: Message = json.loads(line)
        return message

    def kill(self) -> None:
        """Ends the child now. May be called twice."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None and not self._process.stdin.closed:
            try:
                self._process.stdin.close()
            except OSError:  # what was still buffered for a dead child
                return


class Workers:
    """A few workers of one kind, shared by any number of threads; one of them is a warm spare.

    module: run as `python -m module`; it calls `serve`.
    seconds: the most one request may take.
    count: how many children to keep.
    recycle: requests after which a child is replaced, for what libraries' caches keep.

    They start with the first request, and end with `close`, a `with` block or the program.
    """

    def __init__(
        self, module: str, *, seconds: float = 1.5, count: int = 2, recycle: int = 1000
    ) -> None:
        self.seconds = seconds
        self._module = module
        self._count = count
        self._recycle = recycle
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()
        self._all: set[Worker] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._ever_warm = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ready(self) -> None:
        """Waits until a child is warm, if none ever was. Raises as `ask` does."""
        if self._ever_warm:
            return
        worker = self._take(WARM_UP)
        try:
            worker.ready()
        except BaseException:
            self._discard(worker)
            raise
        self._ever_warm = True
        self._idle.put(worker)

    def ask(
        self, request: Message, *, seconds: float | None = None, wait: float = WARM_UP
    ) -> Message:
        """One reply within `seconds` (by default those of all requests). Safe in any thread.

        wait: the most seconds until a warm child is free, which are not part of `seconds`.
        Raises TookTooLong, WorkerDied or MissingExtra.
        """
        limit = self.seconds if seconds is None else seconds
        start = time.perf_counter()
        worker = self._take(wait)
        try:
            if not worker.ready(max(0.0, wait - (time.perf_counter() - start))):
                self._idle.put(worker)
                raise TookTooLong(f"no worker process was free within {wait:g} s")
            reply = worker.ask(request, limit)
        except (TookTooLong, WorkerDied):
            if not worker.alive:
                self._replace(worker)
            raise
        except BaseException:  # an interrupt: its late reply must not reach another request
            self._discard(worker)
            raise
        self._ever_warm = True
        if worker.served >= self._recycle:
            self._replace(worker)
        else:
            self._idle.put(worker)
        if "late" in reply:
            raise TookTooLong(f"no reply within {limit:g} s", reply)
        return reply

    def close(self) -> None:
        """Ends all children; a request in flight raises WorkerDied. May be called twice."""
        with self._lock:
            self._closed = True
            workers, self._all = self._all, set()
        for worker in workers:
            worker.kill()

    def _take(self, wait: float) -> Worker:
        self._start()
        end = time.perf_counter() + wait
        while True:
            try:
                worker = self._idle.get(timeout=max(0.001, min(1.0, end - time.perf_counter())))
            except queue.Empty:
                self._start()  # raises if somebody closed us meanwhile
                if time.perf_counter() >= end:
                    raise TookTooLong(f"no worker process was free within {wait:g} s") from None
                continue
            if worker.alive:
                return worker
            self._replace(worker)

    def _start(self) -> None:
        """Fills the house up to `count` children."""
        with self._lock:
            if self._closed:
                raise WorkerDied("these workers are closed; make new ones")
            while len(self._all) < self._count:
                worker = Worker(self._module)
                self._all.add(worker)
                self._idle.put(worker)

    def _replace(self, worker: Worker) -> None:
        self._discard(worker)
        self._start_below()

    def _discard(self, worker: Worker) -> None:
        worker.kill()
        with self._lock:
            self._all.discard(worker)

    def _start_below(self) -> None:
        """Starts a substitute that is used only when no warm worker is idle."""
        with self._lock:
            if self._closed or len(self._all) >= self._count:
                return
            worker = Worker(self._module)
            self._all.add(worker)
            warm: list[Worker] = []
            while not self._idle.empty():
                warm.append(self._idle.get_nowait())
            for idle in [worker, *warm]:
                self._idle.put(idle)


# --- the child's side ------------------------------------------------------


class Late(BaseException):  # no library catches it
    """Raised in a child, in the middle of a request that has run out of time."""


def serve(
    warm_up: Callable[[], Callable[[Message], Message]],
    *,
    after_late: Callable[[], Message] | None = None,
) -> None:
    """The life of a child: limits, `warm_up()` to get the answering function, then requests.

    after_late: clears what a request leaves behind that is stopped in its middle, and gives
      what the reply says besides "late". Without it none is stopped, and the parent kills a
      child that takes too long.

    An ImportError during warm-up is told to the parent. What the answering function
    prints goes nowhere; what it raises ends the child.
    """
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's affair
    _limit_memory()
    try:
        answer = warm_up()
    except ImportError as error:
        _write(replies, {"missing": str(error)})
        return
    sys.addaudithook(_fence)
    stops = after_late is not None and hasattr(signal, "setitimer")  # not on Windows
    if stops:
        signal.signal(signal.SIGALRM, _stop)
    _write(replies, {"ready": True})
    for line in sys.stdin:
        request: Message = json.loads(line)
        _limit_time(request["seconds"])
        if after_late is None or not stops:
            _write(replies, answer(request))
            continue
        reply = _in_time(answer, request)
        if "late" in reply:
            reply |= after_late()
        _write(replies, reply)


def _stop(*_: object) -> None:
    raise Late


def _in_time(answer: Callable[[Message], Message], request: Message) -> Message:
    """The reply, or {"late": True} when its seconds are over."""
    try:
        signal.setitimer(signal.ITIMER_REAL, request["seconds"])
        try:
            return answer(request)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except Late:
        return {"late": True}


def _write(replies: IO[str], message: Message) -> None:
    replies.write(json.dumps(message) + "\n")
    replies.flush()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows: there the wall clock alone protects
        return
    with contextlib.suppress(ValueError, OSError):  # macOS knows the limit but does not set it
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(seconds: float) -> None:
    """If the parent dies in the middle of a request, the kernel ends this child."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 2, hard))


def _fence(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        mode, flags = arguments[1], arguments[2]
        writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (
            isinstance(flags, int) and flags & writes
        ):
            raise PermissionError("this worker may not write files")
    elif event.startswith(_FORBIDDEN):
        raise PermissionError(f"this worker may not use {event}")
