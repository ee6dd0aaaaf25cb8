"""One problem of a run as the page shows it: every step that was tried, in order of its making.

    {"problem": {"id", "problem", "answer", "level"},
     "steps": [N] texts, "" at the root     "parents": [N] -1 at the root, else before the child
     "scores": [N] a verifier's             "scale": "unit", "signed" or "odds": what they are
     "labels": [N] evidence of right        "hard": [N] what it says: true, false or null
     "truth": [N] an exact checker's: true, false or null
     "visits", "values": [N] what a search backed up
     "reasons": {node: why it is wrong}     "counts": {node: [successes, tries]} behind a label
     "ends": {node: {"verdict", "answer", "total"}} where solutions end
     "chosen": [node]                       "by": {"scores", "labels", "truth"}: who says so}

Unknown is null, and a column of nulls is left out. Solutions without a tree of their own are
merged into one: the steps that they begin with alike are shown once.

Dimension key: N nodes.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from surefoot.core.records import Record, field_of, labelled_of, problem_record, scored_of, trace_of
from surefoot.core.tree import Tree
from surefoot.core.types import Kind, Problem, Step, StepLabel, Trace
from surefoot.tasks.trails import check_steps

ORACLE = "oracle"
OWN = ""  # the maker of the scores that a search's tree holds: nobody says its name
ODDS = dict.fromkeys((Kind.LOGIT, Kind.LOGRATIO, Kind.PREFERENCE), "odds")
SCALES = {Kind.PROGRESS: "signed", **ODDS}  # others: unit


@dataclass(slots=True)
class Board:
    """A tree, and what is known of its nodes beside what the tree itself holds."""

    tree: Tree
    labels: dict[int, StepLabel] = field(default_factory=dict)
    truth: dict[int, bool] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    ends: dict[int, Record] = field(default_factory=dict)
    chosen: list[int] = field(default_factory=list)
    by: dict[str, str] = field(default_factory=dict)
    kind: Kind | None = None


def tree_record(problem: Problem, rows: Sequence[Record], others: Iterable[Record] = ()) -> Record:
    """What the page shows of one problem.

    rows: the run's own about it. others: those of other runs; their labels and scores are laid
      on the steps that the run has too, where it has none of its own.
    Raises InputError for a row that cannot be read. O(N), and a check of every solution.
    """
    board = _first_board(rows)
    for row in rows:
        _add(board, row)
    pairs = zip(board.tree.parents, board.tree.steps, strict=True)
    known = {(parent, step.text): node for node, (parent, step) in enumerate(pairs)}
    for row in others:
        if "labels" in row or "scores" in row:
            _overlay(board, row, _path(known, trace_of(row).steps))
    _check(board, problem)
    return {"problem": problem_record(problem), **_columns(board)}


# --- reading rows ----------------------------------------------------------


def _first_board(rows: Sequence[Record]) -> Board:
    """With the tree that a row holds, else an empty one."""
    record = next((row["tree"] for row in rows if row.get("tree") is not None), None)
    if record is None:
        return Board(Tree())
    tree = Tree.from_json(field_of({"tree": record}, "tree", dict))
    scored = any(score is not None for score in tree.scores)
    return Board(tree, by={"scores": OWN} if scored else {})


def _add(board: Board, row: Record) -> None:
    """A row's solutions, and what it says of their steps."""
    if "unfinished" in row:
        return
    lists = {"candidates": [], "candidate_scores": [], **row}
    candidates, totals = (field_of(lists, n, list) for n in ("candidates", "candidate_scores"))
    for candidate, total in zip_longest(candidates, totals[: len(candidates)]):
        record = field_of({"candidates": candidate}, "candidates", dict)
        _add_solution(board, trace_of({**record, "problem": row["problem"]}), _number(total))
    leaf = _add_solution(board, trace_of(row), None)
    if "method" in row and leaf not in board.chosen:
        board.chosen.append(leaf)
    _overlay(board, row, board.tree.path(leaf))


def _add_solution(board: Board, trace: Trace, total: float | None) -> int:
    path = board.tree.add_path(trace.steps, finished=trace.finished, verdict=trace.verdict)
    end = board.ends.setdefault(path[-1], {})
    end["answer"] = trace.answer
    end["total"] = end.get("total") if total is None else total
    return path[-1]


def _overlay(board: Board, row: Record, path: Sequence[int]) -> None:
    """A row's labels and scores on the nodes of `path`, root first.

    What is there stays, and a tree has labels and scores of one maker each: the first.
    """
    if row.get("labels"):
        labels = labelled_of(row).labels
        if labels[0].by == ORACLE:
            known = {n: bool(x.hard) for n, x in zip(path[1:], labels, strict=False)}
            board.truth = known | board.truth
            board.by.setdefault("truth", ORACLE)
        elif board.by.setdefault("labels", labels[0].by) == labels[0].by:
            board.labels = dict(zip(path[1:], labels, strict=False)) | board.labels
    if "scores" in row:
        _, scores = scored_of(row)
        if board.by.setdefault("scores", scores.by) == scores.by:
            board.kind = scores.kind
            for node, value in zip(path[1:], scores.values, strict=False):
                if board.tree.scores[node] is None:
                    board.tree.scores[node] = value


def _path(known: dict[tuple[int, str], int], steps: Sequence[Step]) -> list[int]:
    """The nodes of the longest beginning of `steps` that the tree has, root first."""
    path = [0]
    for step in steps:
        node = known.get((path[-1], step.text))
        if node is None:
            break
        path.append(node)
    return path


def _check(board: Board, problem: Problem) -> None:
    """The exact checker's truth, where the problem has one; it needs whole paths, so leaf by leaf.

    A step is judged by those before it, so paths that share it agree.
    """
    tree = board.tree
    inner = set(tree.parents)
    for leaf in range(1, len(tree)):
        if leaf in inner:
            continue
        path = tree.path(leaf)[1:]
        try:
            flaws = check_steps(problem, Trace(problem, tuple(tree.steps[n] for n in path)))
        except ValueError:  # a problem that is not of trails
            return
        board.by["truth"] = "an exact checker"
        board.truth |= {node: flaw is None for node, flaw in zip(path, flaws, strict=True)}
        board.reasons |= {n: flaw for n, flaw in zip(path, flaws, strict=True) if flaw is not None}


# --- columns ---------------------------------------------------------------


def _columns(board: Board) -> Record:
    tree, nodes = board.tree, range(len(board.tree))
    scores = [_finite(score) for score in tree.scores]
    labels = [board.labels.get(node) for node in nodes]
    columns: dict[str, list[Any]] = {
        "scores": scores,
        "labels": [label and _finite(label.value) for label in labels],
        "hard": [label and label.hard for label in labels],
        "truth": [board.truth.get(node) for node in nodes],
        "values": [_finite(tree.value(node)) for node in nodes],
        "visits": [visits or None for visits in tree.visits],
    }
    return {
        "steps": [step.text for step in tree.steps],
        "parents": list(tree.parents),
        **{name: column for name, column in columns.items() if set(column) != {None}},
        "scale": _scale(board.kind, scores),
        "reasons": {str(node): reason for node, reason in board.reasons.items()},
        "counts": {str(n): (_finite(x.successes), x.tries) for n, x in board.labels.items()},
        "ends": {str(node): _end(board, node) for node in nodes if _is_end(board, node)},
        "chosen": board.chosen,
        "by": {what: maker for what, maker in board.by.items() if maker != OWN},
    }


def _is_end(board: Board, node: int) -> bool:
    return node in board.ends or board.tree.finished[node]


def _end(board: Board, node: int) -> Record:
    verdict = board.tree.verdicts[node]
    blank = {"answer": None, "total": None}
    return {"verdict": verdict and verdict.value, **blank, **board.ends.get(node, {})}


def _scale(kind: Kind | None, scores: Sequence[float | None]) -> str:
    """How to read the scores; where nobody says of what kind they are, by their range."""
    if kind is not None:
        return SCALES.get(kind, "unit")
    return "unit" if all(0 <= s <= 1 for s in scores if s is not None) else "odds"


def _number(total: object) -> float | None:
    """A candidate's score; None where it has none or it is not finite."""
    return None if total is None else _finite(field_of({"total": total}, "total", (int, float)))


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
