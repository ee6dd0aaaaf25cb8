"""What benchmarks of choosing share: the best-scored of a case's traces, ties at random.

    rank@1 = mean over cases of the share of right traces among the best-scored

which is the expected accuracy of an argmax that breaks ties at random. Scores are aggregated by
their kind. Picking blindly has the accuracy `random`, picking perfectly `coverage`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.kinds import aggregate
from surefoot.core.records import Record, field_of
from surefoot.core.types import StepScores
from surefoot.evaluate.benchmarks.benchmark import Case, Rule, Table, with_total
from surefoot.evaluate.checks import Floats
from surefoot.evaluate.intervals import quotient

Picked = tuple[int, ...]  # the places of the best traces, one or several tied


@dataclass(frozen=True, slots=True)
class Candidates:
    """right_N: [N] which of the case's traces are right."""

    right_N: tuple[bool, ...]


def decide(_case: Case[Candidates], scores_N: Sequence[StepScores], _threshold: float) -> Picked:
    """The places of the highest total."""
    totals = [aggregate(scores) for scores in scores_N]
    return tuple(i for i, total in enumerate(totals) if total == max(totals))


RULE = Rule(decide)


def read(case: Case[Candidates], row: Record) -> Picked | None:
    """{"prediction": place, or [places] that are tied, or null}."""
    if row.get("prediction", ()) is None:
        return None
    found = field_of(row, "prediction", (int, list))
    places = tuple(found) if isinstance(found, list) else (found,)
    count = len(case.truth.right_N)
    if not places or not all(isinstance(p, int) and 0 <= p < count for p in places):
        raise InputError(f"field 'prediction': expected places below {count}, got {found!r}")
    return places


def perfect(case: Case[Candidates]) -> Picked:
    """The first right trace, or the first if none is."""
    right = case.truth.right_N
    return (right.index(True) if True in right else 0,)


def count(cases: Sequence[Case[Candidates]], predictions_M: Sequence[Picked | None]) -> Floats:
    """[M, 6] expected right, tied, share right, any right, answered, 1; no choice is not right."""
    rows = [_counts(c.truth.right_N, found) for c, found in zip(cases, predictions_M, strict=True)]
    return np.array(rows, dtype=np.float64).reshape(len(cases), 6)


def _counts(right_N: tuple[bool, ...], found: Picked | None) -> list[float]:
    chosen = sum(right_N[i] for i in found) / len(found) if found else 0.0
    tied = found is not None and len(found) > 1
    share = sum(right_N) / len(right_N)
    return [chosen, tied, share, any(right_N), found is not None, 1.0]


def columns(sums_R_K: Floats) -> dict[str, Floats]:
    """rank_at_1, random, coverage, tied (cases where several are best), answered."""
    chosen, tied, share, covered, answered, cases = sums_R_K.T
    return {
        "rank_at_1": quotient(chosen, cases),
        "random": quotient(share, cases),
        "coverage": quotient(covered, cases),
        "tied": quotient(tied, cases),
        "answered": quotient(answered, cases),
    }


def table(sums: Mapping[str, Floats]) -> Table:
    """A row a group, and all."""
    return with_total(sums, columns)
