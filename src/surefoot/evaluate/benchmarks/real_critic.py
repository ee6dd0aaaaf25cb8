"""RealCritic (Tang et al., arXiv:2501.14492): is the answer right after the critique?

    accuracy = share of refined answers that are right
    kept, spoilt     = shares of right answers that stay right, or turn wrong
    repaired, missed = shares of wrong answers that turn right, or stay wrong

The loop is closed: a critique is worth what it mends. A critic that only solves the problem anew
is told by its accuracy beside that of its direct answers: give both files and read the paired
difference. 2,093 rows of eight sets; a refined answer that is missing or cannot be compared
counts as wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.evaluate.benchmarks.benchmark import (
    Benchmark,
    Case,
    Table,
    cases_of,
    files_of,
    with_total,
)
from surefoot.evaluate.checks import Floats
from surefoot.evaluate.intervals import quotient
from surefoot.formats.fields import items_of, nullable
from surefoot.tasks.equal import equal


@dataclass(frozen=True, slots=True)
class Draft:
    """gold: the right answer. right: was the answer right before the critique?"""

    gold: str
    right: bool


def load(path: Path) -> list[Case[Draft]]:
    """The cases of a folder with a folder (SET/test.jsonl) or a file for each set, or of one file.

    Ids are set-row.
    """
    folders = sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []
    files = {folder.name: folder / "test.jsonl" for folder in folders}
    return cases_of(files or files_of(path), _case)


def _case(record: Record, name: str, group: str) -> Case[Draft]:
    question = field_of(record, "question", str)
    gold = str(field_of(record, "gt", (str, int, float)))
    scores = items_of(record, "previous_score", (bool,))
    if not scores:
        raise InputError("field 'previous_score' is empty; expected whether the answer was right")
    return Case(name, group, question, (), Draft(gold, scores[0]))


def read(case: Case[Draft], row: Record) -> bool | None:
    """{"prediction": is the refined answer right}, or {"answer": text}, compared with the gold.

    Comparing takes two seconds at most; what cannot be told counts as wrong. null is none.
    """
    if "answer" in row:
        answer: str | None = nullable(row, "answer", (str,))
        return None if answer is None else equal(case.truth.gold, answer) is True
    found: bool | None = nullable(row, "prediction", (bool,))
    return found


def perfect(_case: Case[Draft]) -> bool:
    """Every refined answer is right."""
    return True


def count(cases: Sequence[Case[Draft]], predictions_M: Sequence[bool | None]) -> Floats:
    """[M, 5] right to right, right to wrong, wrong to right, wrong to wrong, answered."""
    rows = [
        (was and now, was and not now, not was and now, not was and not now, known)
        for was, now, known in (
            (c.truth.right, found is True, found is not None)
            for c, found in zip(cases, predictions_M, strict=True)
        )
    ]
    return np.array(rows, dtype=np.float64).reshape(len(cases), 5)


def columns(sums_R_K: Floats) -> dict[str, Floats]:
    """accuracy, before (of the drafts), kept, spoilt, repaired, missed, answered."""
    kept, spoilt, repaired, missed, answered = sums_R_K.T
    right, wrong = kept + spoilt, repaired + missed
    return {
        "accuracy": quotient(kept + repaired, right + wrong),
        "before": quotient(right, right + wrong),
        "kept": quotient(kept, right),
        "spoilt": quotient(spoilt, right),
        "repaired": quotient(repaired, wrong),
        "missed": quotient(missed, wrong),
        "answered": quotient(answered, right + wrong),
    }


def table(sums: Mapping[str, Floats]) -> Table:
    """A row a set, and all."""
    return with_total(sums, columns)


REAL_CRITIC = Benchmark(
    name="real_critic",
    title="RealCritic",
    paper="2501.14492",
    load=load,
    read=read,
    count=count,
    table=table,
    main="accuracy",
    total="all",
    perfect=perfect,
)
