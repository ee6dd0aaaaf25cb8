"""`surefoot reselect`: another choice among what a search found, without any model."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli import _options as o
from surefoot.cli._common import chosen, is_trails, tell, write_rows
from surefoot.cli.search import found_record
from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of, read_all
from surefoot.core.types import Trace
from surefoot.search import Found, Unfinished
from surefoot.search.reselect import (
    Choose,
    by_majority,
    by_probability,
    by_score,
    by_weighted_vote,
    found_of,
    step_scores,
)
from surefoot.search.reselect import reselect as choose_again

SCORED: dict[str, Callable[..., Choose]] = {
    "score": lambda how, _: by_score(how),
    "weighted_vote": lambda how, same: by_weighted_vote(how, same=same),
}
UNSCORED: dict[str, Callable[..., Choose]] = {
    "majority": lambda _, same: by_majority(same=same),
    "probability": lambda _, same: by_probability(same=same),
}
Row = tuple[str, Found | Unfinished]


def reselect(
    found: Annotated[Path, typer.Argument(help="What `surefoot search --trees` wrote.")],
    out: o.Out,
    by: Annotated[
        str, typer.Option(help="score, weighted_vote, majority or probability (RPC's vote).")
    ] = "score",
    aggregation: o.Aggregation = None,
    as_json: o.AsJson = False,
) -> None:
    """Choose again among the candidates of a search, from its trees.

    No model is asked: step scores are those that the search kept, and any aggregation that fits
    their kind may follow. A row without an answer, and one whose budget ended before a score that
    the choice needs, stays as it was.
    Writes rows like those of `surefoot search` to --out. Ends in a summary: accuracy before and
    after, and how many choices changed.

    Example:
        surefoot reselect found.jsonl --by weighted_vote --out again.jsonl
    """
    make = chosen("--by", by, SCORED | UNSCORED)
    if by in UNSCORED and aggregation is not None:
        raise InputError(f"--aggregation does nothing for --by {by}; leave it out")
    rows = _rows(found, by)
    choose = make(aggregation, _same([result for _, result in rows]))
    again = [(f"{method}, by {by}", _again(result, by, choose)) for method, result in rows]
    write_rows(out, [found_record(method, result, trees=True) for method, result in again])
    tell({**_summary(rows, again), "out": out}, as_json=as_json)


def _rows(path: Path, by: str) -> list[Row]:
    """Method and result of each row. Raises InputError if none has what the choice needs."""
    rows = read_all(path, _row)
    if not rows:
        raise InputError(f"{path} has no rows; expected what `surefoot search --trees` writes")
    if by in SCORED and not any(isinstance(f, Found) and step_scores(f) for _, f in rows):
        raise InputError(f"{path}: no search kept step scores; choose --by majority")
    return rows


def _row(record: Record) -> Row:
    return field_of(record, "method", str), found_of(record)


def _again(result: Found | Unfinished, by: str, choose: Choose) -> Found | Unfinished:
    if isinstance(result, Unfinished) or (by in SCORED and not step_scores(result)):
        return result
    return choose_again(result, choose)


def _same(results: list[Found | Unfinished]) -> Callable[[str, str], bool]:
    """Are two answers equivalent? As `surefoot search` has it."""
    first: Trace | None = next((f.chosen for f in results if isinstance(f, Found)), None)
    if first is None or is_trails(first):
        return str.__eq__
    from surefoot.tasks.equal import equal

    return lambda left, right: left == right or equal(left, right) is True


def _summary(before: list[Row], after: list[Row]) -> dict[str, Any]:
    pairs = zip(before, after, strict=True)
    picks = [[getattr(result, "chosen", None) for _, result in pair] for pair in pairs]
    return {
        "problems": len(after),
        "unfinished": sum(isinstance(result, Unfinished) for _, result in after),
        "changed": sum(old != new for old, new in picks),
        "accuracy_before": _accuracy(before),
        "accuracy": _accuracy(after),
    }


def _accuracy(rows: list[Row]) -> float | None:
    """Of the problems with a gold answer; an unfinished search is wrong."""
    from surefoot.recipes.compare import right_of

    checked = right_of([result for _, result in rows if result.problem.gold is not None])
    return sum(checked) / len(checked) if checked else None
