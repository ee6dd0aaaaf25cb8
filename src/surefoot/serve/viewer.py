"""The page to look at runs, served: routes for the process that serves everything else.

    GET /view                             the page; it holds nothing of any run
    GET /view/index.json                  what runs there are
    GET /view/tree.json?run=R&problem=ID  one problem of the run named R

A browser cannot send a bearer token when it opens an address; so the page itself is open to all,
and asks for the token when the server wants one for the data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from surefoot.core.errors import InputError, need
from surefoot.core.records import Record
from surefoot.report.html import embedded
from surefoot.serve.viewer_page import (
    TITLE,
    content_policy,
    index_record,
    problem_view,
    viewer_page,
)
from surefoot.serve.viewer_runs import Runs, read_runs

if TYPE_CHECKING:
    from fastapi import APIRouter, Response

HEADERS = {
    "Content-Security-Policy": f"{content_policy(served=True)}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
READ = (".jsonl", ".jsonl.gz", "summary.json", "report.json")  # ends of names in a folder


def viewer_router(
    paths: Sequence[str | Path], *, guards: Sequence[Any] = (), title: str = TITLE
) -> "APIRouter":
    """Routes to mount beside the gateway's.

    paths: files and folders of runs, see `viewer_runs`; read now, and again when they change.
    guards: FastAPI dependencies that the data wants, such as one that checks a bearer token;
      without any, whoever can reach the server can read the runs.
    Raises InputError for a path that holds no run, MissingExtra without FastAPI.
    """
    fastapi = need("fastapi", "serve")
    shelf = Shelf(tuple(map(Path, paths)), title)
    shelf.index()  # what is wrong with the runs is told at the start
    router: APIRouter = fastapi.APIRouter(prefix="/view", include_in_schema=False)

    def respond(text: str, kind: str) -> "Response":
        response: Response = fastapi.Response(text, media_type=kind, headers=HEADERS)
        return response

    def page() -> "Response":
        return respond(viewer_page(title), "text/html")

    def index() -> "Response":
        return answer(shelf.index)

    def tree(run: str, problem: str) -> "Response":
        return answer(lambda: shelf.tree(run, problem))

    def answer(record: Callable[[], Record]) -> "Response":
        try:
            text = embedded(record())
        except InputError as error:
            raise fastapi.HTTPException(404, detail=str(error)) from error
        return respond(text, "application/json")

    router.get("")(page)
    router.get("/index.json", dependencies=guards)(index)
    router.get("/tree.json", dependencies=guards)(tree)
    return router


@dataclass(slots=True)
class Shelf:
    """The runs behind the routes, as they are on disk now. Safe in any thread."""

    paths: Sequence[Path]
    title: str
    _stamp: object = None
    _runs: Runs = field(default_factory=lambda: Runs(()))
    _index: Record = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def index(self) -> Record:
        """See `viewer_page`."""
        return self._now()[1]

    def tree(self, run: str, problem: str) -> Record:
        """See `viewer_tree`. Raises InputError if there is no such run, or problem in it."""
        runs, _ = self._now()
        found = next((r for r in runs.runs if r.name == run and problem in r.attempts), None)
        if found is None:
            raise InputError(f"no run {run!r} with a problem {problem!r}; open the page again")
        return problem_view(runs, found, problem)

    def _now(self) -> tuple[Runs, Record]:
        """The runs and their index, read again if a file has changed."""
        with self._lock:
            stamp = [_stamp(file) for path in self.paths for file in _files(path)]
            if stamp != self._stamp:
                self._runs = read_runs(self.paths)
                self._index = index_record(self._runs, self.title)
                self._stamp = stamp
            return self._runs, self._index


def _files(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.name.endswith(READ)) if path.is_dir() else [path]


def _stamp(file: Path) -> tuple[Path, int, int]:
    try:
        stat = file.stat()
    except OSError:
        return file, 0, 0
    return file, stat.st_mtime_ns, stat.st_size
