"""Runs as they lie on disk: what each tried, problem by problem, and how it came out.

A run is the rows of one method in one JSONL file: what `surefoot search` and `compare` found,
solutions of `sample`, with labels or with scores. A folder is all such files in it; its
summary.json adds methods of which only the figures are known, and report.json their curves.
Only a few numbers of each row are held; the row itself is read again when it is looked at.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.core.fields import optional, with_whole_letters
from surefoot.core.records import (
    Record,
    field_of,
    problem_of,
    read_chosen,
    read_object,
    read_rows,
    scored_of,
    trace_of,
)
from surefoot.core.seeds import rng_for
from surefoot.core.types import Problem, Trace, Usage, Verdict
from surefoot.evaluate.intervals import mean_interval
from surefoot.report.data import CurvePoint, Details, MethodRow, Summary
from surefoot.report.fields import text_of
from surefoot.report.tables import plain

LONGEST = 80  # letters of a run's name

Place = tuple[Path, int]  # a file, and a row of it from 1


@dataclass(frozen=True, slots=True)
class Glance:
    """What is remembered of a row.

    right: None where nobody checked; an unfinished search is not right.
    why: why a search has no answer; None if it has one.
    nodes: of its tree, where the row holds one. usage: None where nothing says what it took.
    method: the search's name; None for a row that no search wrote.
    """

    problem: Problem
    place: Place
    right: bool | None
    answer: str | None
    solutions: int
    nodes: int | None
    usage: Usage | None
    why: str | None
    method: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """One method on some problems.

    name: unique among the runs shown, on one line. source: where its rows lie.
    attempts: problem id -> the rows about it, at least one, in the order of the file.
    given: its figures where only those are known; there are no attempts then.
    """

    name: str
    source: str
    attempts: Mapping[str, Sequence[Glance]] = field(default_factory=dict)
    given: MethodRow | None = None

    @property
    def searched(self) -> bool:
        """Did a search make it, with one answer a problem?"""
        return any(glance.method is not None for row in self.attempts.values() for glance in row)

    def rights(self) -> dict[str, float]:
        """problem id -> the share of its checked solutions that are right."""
        checked = {
            key: [float(g.right) for g in row if g.right is not None]
            for key, row in self.attempts.items()
        }
        return {key: math.fsum(row) / len(row) for key, row in checked.items() if row}

    def tokens(self) -> tuple[float, float] | None:
        """Mean tokens of policy and verifier per problem; None where no row says what it took."""
        if self.given is not None:
            return self.given.policy_tokens, self.given.verifier_tokens
        known = [g.usage for row in self.attempts.values() for g in row if g.usage is not None]
        if not known:
            return None
        spent, problems = sum(known, Usage()), len(self.attempts)
        return spent.policy_tokens / problems, spent.verifier_tokens / problems

    def figures(self) -> MethodRow | None:
        """Accuracy over problems with its interval, tokens or 0; None if all unchecked."""
        if self.given is not None:
            return self.given
        found = mean_interval(list(self.rights().values()), rng=rng_for(0, "interval"))
        if found is None:
            return None
        policy, verifier = self.tokens() or (0.0, 0.0)
        return MethodRow(found.estimate, found.low, found.high, policy, verifier)


@dataclass(frozen=True, slots=True)
class Runs:
    """All runs of a page, and accuracy against budget where a report holds it."""

    runs: tuple[Run, ...]
    curves: Mapping[str, Sequence[CurvePoint]] = field(default_factory=dict)


def read_runs(paths: Sequence[str | Path]) -> Runs:
    """The runs of files and folders, in their order. Reads every row once.

    Raises InputError for a path that holds no run, and for a row that is none, by file and row.
    """
    runs: list[Run] = []
    curves: dict[str, Sequence[CurvePoint]] = {}
    many = sum(Path(path).is_dir() for path in paths) > 1
    for path in map(Path, paths):
        prefix = f"{path.name}: " if many and path.is_dir() else ""
        found = [run for file in _row_files(path) for run in _runs_of(file, prefix)]
        methods, drawn = _reports(path)
        named = {called(prefix + name): figures for name, figures in methods.items()}
        given = named.keys() - {run.name for run in found}
        found += [Run(n, str(path), given=m) for n, m in named.items() if n in given]
        if not found:
            raise InputError(
                f"{path} holds no run: expected rows of `surefoot search`, `sample`, `label` or "
                "`score`, or a folder with such files, or one with a summary.json of methods"
            )
        runs += found
        curves |= {called(prefix + name): points for name, points in drawn.items()}
    return Runs(_told_apart(runs), curves)


def glance(record: Record, place: Place) -> Glance:
    """What a row tells. Raises InputError that names the field."""
    problem = problem_of(field_of(record, "problem", dict))
    method, tree = text_of(record, "method"), optional(record, "tree", (dict,), {})
    nodes = len(field_of(tree, "steps", list)) if tree else None
    if "unfinished" in record:
        right = None if problem.gold is None else False
        why = text_of(record, "unfinished")
        return Glance(problem, place, right, None, 0, nodes, _usage(record), why, method)
    trace = trace_of(record)
    right = None if trace.verdict is None else trace.verdict is Verdict.CORRECT
    solutions = len(optional(record, "candidates", (list,), []) or [None])
    spent = _usage(record) if method else _tokens(record, trace)
    return Glance(problem, place, right, trace.answer, solutions, nodes, spent, None, method)


def read_places(places: Iterable[Place]) -> dict[Place, Record]:
    """The rows themselves, each file passed over once. Raises InputError if one is not there."""
    wanted: dict[Path, list[int]] = {}
    for path, row in places:
        wanted.setdefault(path, []).append(row)
    return {
        (path, row): with_whole_letters(record)
        for path, rows in wanted.items()
        for row, record in read_chosen(path, rows).items()
    }


# --- files -----------------------------------------------------------------


def _row_files(path: Path) -> list[Path]:
    """The files with rows: the path itself, or those in the folder that hold solutions."""
    if not path.is_dir():
        return [path]
    files = sorted(p for p in path.iterdir() if p.name.endswith((".jsonl", ".jsonl.gz")))
    return [p for p in files if _about_solutions(p)]


def _about_solutions(path: Path) -> bool:
    _, first = next(read_rows(path), (0, {}))
    return isinstance(first.get("problem"), dict) and ("steps" in first or "unfinished" in first)


def _runs_of(path: Path, prefix: str) -> list[Run]:
    """A run for each method in the file; named after the file if there is one method only."""
    attempts: dict[str | None, dict[str, list[Glance]]] = {}
    for seen in _glances(path):
        by_problem = attempts.setdefault(seen.method, {})
        by_problem.setdefault(seen.problem.id, []).append(seen)
    stem = path.name.partition(".jsonl")[0]
    alone = len(attempts) == 1
    return [
        Run(called(prefix + (stem if alone or method is None else method)), str(path), rows)
        for method, rows in attempts.items()
    ]


def _glances(path: Path) -> Iterator[Glance]:
    for row, record in read_rows(path):
        try:
            yield glance(with_whole_letters(record), (path, row))
        except InputError as error:
            raise InputError(f"{path} row {row}: {error}") from error


def _reports(path: Path) -> tuple[Mapping[str, MethodRow], Mapping[str, Sequence[CurvePoint]]]:
    """Methods and curves of a folder's summary.json and report.json, where they are there."""
    files = (path / "summary.json", path / "report.json")
    summary, details = (read_object(file) if file.is_file() else {} for file in files)
    methods = Summary.from_json(summary).methods if "methods" in summary else {}
    return methods, Details.from_json(details).curves


def _usage(record: Record) -> Usage | None:
    given = field_of({"usage": None, **record}, "usage", (dict, type(None)))
    if given is None:
        return None
    names = ("policy_tokens", "verifier_tokens")
    return Usage(*(field_of({name: 0, **given}, name, int) for name in names))


def _tokens(record: Record, trace: Trace) -> Usage | None:
    """What a solution that no search made took, and its scores; None if its ids are unknown."""
    if not trace.tokens:
        return None
    return Usage(trace.tokens, scored_of(record)[1].tokens if "scores" in record else 0)


def called(name: str) -> str:
    """A name on one line, cut where it is too long to be read."""
    return plain(name if len(name) <= LONGEST else name[: LONGEST - 1] + "…")


def _told_apart(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The same under names of their own: the second "beam" is "beam (2)"."""
    counts: Counter[str] = Counter()
    renamed = []
    for run in runs:
        counts[run.name] += 1
        many = counts[run.name] > 1
        renamed.append(replace(run, name=f"{run.name} ({counts[run.name]})") if many else run)
    return tuple(renamed)
