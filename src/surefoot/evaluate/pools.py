"""A pool of finished candidates with somebody's step scores: what selection makes of it.

Files are JSONL, plain or .gz, one problem a row and one score row a candidate:

    pool     {"problem_id", "candidates": [{"extracted_answer", "is_correct", "steps": [...]}]}
    scores   {"problem_id", "candidate_index", "n_steps", "step_scores": [float]}

"n" of the pool and "is_correct" of a score row are compared where they are given;
other fields are not read. Figures are means over problems of

    pass@1, coverage    1 - C(N-c, n) / C(N, n), with n = 1 for pass@1
    pass^n              all of n are right: C(c, n) / C(N, n)
    best_of_n           highest aggregated score of n
    majority            most frequent answer of n
    weighted_vote       answer with the largest sum of aggregated scores among n

Dimension key: P problems, N candidates of one, S steps of a candidate.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from surefoot.core import kinds
from surefoot.core.errors import InputError
from surefoot.core.fields import number_of
from surefoot.core.kinds import reduce_values
from surefoot.core.records import Record, field_of, read_rows
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind
from surefoot.core.votes import answer_classes
from surefoot.evaluate.pass_at_k import pass_hat_k
from surefoot.evaluate.selection import best_of_n, coverage, vote_accuracy
from surefoot.evaluate.votes import ballots

AGGREGATIONS = tuple(how for how in kinds.AGGREGATIONS if how != "sum")  # a sum grows with length

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pool:
    """The candidates of one problem, in file order.

    answers_N: [N] extracted answer; None where none could be read.
    right_N: [N] is it right?
    steps_N: [N] number of steps.
    """

    problem_id: str
    answers_N: tuple[str | None, ...]
    right_N: tuple[bool, ...]
    steps_N: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """What a verifier said of one candidate.

    scores_S: [S] one score a step, finite.
    right: the row's own "is_correct"; None where it has none.
    """

    scores_S: tuple[float, ...]
    right: bool | None = None


def select_pool(
    pool_path: str | Path,
    scores_path: str | Path,
    aggregation: str,
    n: int | None = None,
    *,
    kind: Kind | None = None,
    same: Callable[[str, str], bool] | None = None,
) -> dict[str, float | None]:
    """Accuracy of each way to choose among n candidates, in [0, 1], as a mean over problems.

    Keys: "pass@1", "majority", "best_of_n", "weighted_vote", "coverage", "pass^n".

    Best-of-n gives a tie to the earlier candidate, as an argmax over the pool does. Votes are
    means over all orders of the candidates, so the file's order does not help the answers that
    come first in it. All but weighted votes are exact over all subsets of n; those are means
    over 200 subsets a problem where n < N, drawn by a generator named after the problem, so
    the figures are the same every time. (Beyond 512 candidates majority is drawn as well.)

    aggregation: one of `AGGREGATIONS`. It should fit what the scores mean,
      which a foreign file does not say (see `surefoot.core.kinds`).
    n: at least 1 and at most the candidates of every problem; None for as many as all have.
    kind: what the scores mean, which decides how they weigh votes (`votes.ballots`). The
      weighted vote is None where they cannot: progress, or a total below 0 of no known kind.
    same: are two answers equivalent? Without it, answers that are the same text.

    Raises InputError for what `load_pool`, `load_step_scores` and `join_scores` refuse, for an
    empty pool, and for scores of which there is no such aggregate.
    """
    if aggregation not in AGGREGATIONS:
        raise InputError(f"aggregation must be one of {AGGREGATIONS}, got {aggregation!r}")
    pools_P = load_pool(pool_path)
    if not pools_P:
        raise InputError(f"{pool_path}: expected at least one problem, got an empty file")
    n = min(len(pool.right_N) for pool in pools_P) if n is None else n
    for pool in pools_P:
        if not 1 <= n <= len(pool.right_N):
            raise InputError(
                f"n must be in 1..{len(pool.right_N)}, the candidates of problem "
                f"{pool.problem_id!r}, got {n}"
            )
    scores_P_N_S = join_scores(pools_P, load_step_scores(scores_path))
    figures_P = [
        _figures(pool, [reduce_values(s, aggregation) for s in scores_N_S], n, kind, same)
        for pool, scores_N_S in zip(pools_P, scores_P_N_S, strict=True)
    ]
    return {name: _mean([figures[name] for figures in figures_P]) for name in figures_P[0]}


def _mean(values_P: Sequence[float | None]) -> float | None:
    """None if one is."""
    known = [value for value in values_P if value is not None]
    return math.fsum(known) / len(known) if len(known) == len(values_P) else None


def _figures(
    pool: Pool,
    scores_N: Sequence[float],
    n: int,
    kind: Kind | None,
    same: Callable[[str, str], bool] | None,
) -> dict[str, float | None]:
    right, classes = pool.right_N, answer_classes(pool.answers_N, same=same)
    weights = ballots(scores_N, kind)

    def vote(weights_N: Sequence[float] | None) -> float:
        rng = rng_for(0, "select_pool", pool.problem_id)
        return vote_accuracy(classes, right, n, rng=rng, weights_N=weights_N)

    try:
        return {
            "pass@1": sum(right) / len(right),
            "majority": vote(None),
            "best_of_n": best_of_n(scores_N, right, n, ties="first"),
            "weighted_vote": None if weights is None else vote(weights),
            "coverage": coverage(right, n),
            "pass^n": pass_hat_k(len(right), sum(right), n),
        }
    except InputError as error:
        raise InputError(f"problem {pool.problem_id!r}: {error}") from error


# --- reading ---------------------------------------------------------------


def load_pool(path: str | Path) -> list[Pool]:
    """[P] every problem of a pool file, in order; [] for an empty file.

    Raises InputError, with row and field, for a missing or mistyped field, a problem
    without candidates or given twice, a candidate without steps, and an "n" other
    than the number of candidates.
    """
    pools: dict[str, Pool] = {}
    for row, pool in _built(path, _pool_of):
        if pool.problem_id in pools:
            raise InputError(
                f"{path} row {row}: field 'problem_id': {pool.problem_id!r} came before; "
                "keep one row a problem"
            )
        pools[pool.problem_id] = pool
    return list(pools.values())


def load_step_scores(path: str | Path) -> dict[tuple[str, int], ScoreRow]:
    """Every score row of a file by (problem_id, candidate_index); {} for an empty file.

    Raises InputError, with row and field, for a missing or mistyped field, a candidate
    scored twice, a score that is not a finite number (NaN is one), and an "n_steps"
    other than the number of scores.
    """
    rows: dict[tuple[str, int], ScoreRow] = {}
    for row, (key, scored) in _built(path, _score_row_of):
        if key in rows:
            raise InputError(
                f"{path} row {row}: field 'candidate_index': candidate {key[1]} of problem "
                f"{key[0]!r} came before; keep one row a candidate"
            )
        rows[key] = scored
    return rows


def join_scores(
    pools_P: Sequence[Pool], rows: Mapping[tuple[str, int], ScoreRow]
) -> list[list[tuple[float, ...]]]:
    """[P][N][S] the step scores of every candidate; rows for other candidates are ignored.

    Raises InputError, naming problem and candidate, where a candidate has no row, or
    where its row disagrees about the number of steps or about being right (then the
    files are of different pools).
    """
    return [
        [_scores_of(pool, index, rows) for index in range(len(pool.right_N))] for pool in pools_P
    ]


def _scores_of(
    pool: Pool, index: int, rows: Mapping[tuple[str, int], ScoreRow]
) -> tuple[float, ...]:
    name = f"problem {pool.problem_id!r}, candidate {index}"
    scored = rows.get((pool.problem_id, index))
    if scored is None:
        raise InputError(
            f"{name}: expected a score row, found none; score it, or drop the candidate"
        )
    if len(scored.scores_S) != pool.steps_N[index]:
        raise InputError(
            f"{name}: field 'step_scores': expected one score for each of {pool.steps_N[index]} "
            f"steps, got {len(scored.scores_S)}; score this very pool again"
        )
    if scored.right is not None and scored.right != pool.right_N[index]:
        raise InputError(
            f"{name}: field 'is_correct': the pool says {pool.right_N[index]}, the score row "
            f"{scored.right}; join files of the same pool"
        )
    return scored.scores_S


def _built(path: str | Path, build: Callable[[Record], T]) -> Iterator[tuple[int, T]]:
    for row, record in read_rows(path):
        try:
            yield row, build(record)
        except InputError as error:
            raise InputError(f"{path} row {row}: {error}") from error


def _pool_of(record: Record) -> Pool:
    candidates: list[Record] = field_of(record, "candidates", list)
    if not candidates:
        raise InputError("field 'candidates' is empty; expected one or more, or no such row")
    declared = record.get("n", len(candidates))
    if declared != len(candidates):
        raise InputError(
            f"field 'n' is {declared!r} for {len(candidates)} candidates; add what is missing "
            "or mend the number"
        )
    read = [_candidate_of(index, candidate) for index, candidate in enumerate(candidates)]
    answers, right, steps = zip(*read, strict=True)
    return Pool(str(field_of(record, "problem_id", (str, int))), answers, right, steps)


def _candidate_of(index: int, candidate: Record) -> tuple[str | None, bool, int]:
    """Answer, right or not, number of steps."""
    if not isinstance(candidate, dict):
        raise InputError(f"field 'candidates'[{index}]: expected an object, got {candidate!r:.60}")
    try:
        answer: str | None = field_of(candidate, "extracted_answer", (str, type(None)))
        right: bool = field_of(candidate, "is_correct", bool)
        steps: list[object] = field_of(candidate, "steps", list)
    except InputError as error:
        raise InputError(f"candidate {index}: {error}") from error
    if not steps:
        raise InputError(f"candidate {index}: field 'steps' is empty; split it, or drop it")
    return answer, right, len(steps)


def _score_row_of(record: Record) -> tuple[tuple[str, int], ScoreRow]:
    key = (
        str(field_of(record, "problem_id", (str, int))),
        int(field_of(record, "candidate_index", int)),
    )
    scores: list[float] = field_of(record, "step_scores", list)
    declared: int = field_of(record, "n_steps", int)
    if declared != len(scores):
        raise InputError(
            f"field 'step_scores': expected {declared} (field 'n_steps'), got {len(scores)}; "
            "score the candidate again"
        )
    right: bool | None = field_of(record, "is_correct", bool) if "is_correct" in record else None
    named_S = {f"step_scores[{step}]": score for step, score in enumerate(scores)}
    return key, ScoreRow(tuple(float(number_of(named_S, name)) for name in named_S), right)
