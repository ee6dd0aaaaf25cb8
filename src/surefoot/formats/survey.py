"""What is in a file: counts that say whether it can be trusted, and what a conversion would drop.

One pass; memory holds a row, and 32 bytes of every trace.

Dimension key: N traces.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot.core.records import Record
from surefoot.core.types import LabelledTrace, StepLabel
from surefoot.formats.convert import KEPT, Account, Found, fitted, found_in
from surefoot.formats.nouns import Choices, NeedsThreshold
from surefoot.formats.table import Format

Keys = NDArray[np.uint64]


def _digests() -> "array[int]":
    return array("Q")


def _numbers(digests: "array[int]") -> Keys:
    return np.frombuffer(digests, dtype=np.uint64)


@dataclass(slots=True)
class Tally:
    """How many, and the first `KEPT` rows of them."""

    count: int = 0
    rows: list[int] = field(default_factory=list)

    def add(self, row: int) -> None:
        """One more, in this row."""
        self.count += 1
        if len(self.rows) < KEPT and row not in self.rows:
            self.rows.append(row)

    def record(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"count": self.count, "rows": self.rows}


@dataclass(slots=True)
class Survey:
    """Counts over the traces of a file.

    account: rows, and what would be dropped or lost. lengths: traces by number of steps.
    labels: by what they say. kinds: by what they mean and who made them. A label that an
      alternative repeats from its prefix counts once.
    empty_steps: rows with a step without text.
    rows_N, texts_N, labels_N, problems_N: of each trace its row, and a digest of its texts, of its
      labels and of its problem (`problem_key`). 32 bytes a trace is all that grows with the file.
    """

    account: Account
    lengths: Counter[int] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    empty_steps: Tally = field(default_factory=Tally)
    rows_N: "array[int]" = field(default_factory=_digests)
    texts_N: "array[int]" = field(default_factory=_digests)
    labels_N: "array[int]" = field(default_factory=_digests)
    problems_N: "array[int]" = field(default_factory=_digests)

    def problems(self) -> Keys:
        """The digests of the different problems, in order."""
        return np.unique(_numbers(self.problems_N))


def surveyed(
    rows: Iterable[tuple[int, Record]],
    source: Format,
    target: Format,
    choices: Choices,
    account: Account,
) -> Survey:
    """Reads every row, makes a row of the target of each trace, and counts."""
    survey = Survey(account)
    for found in found_in(rows, source, choices, survey.account):
        if source is not target:
            _try(found, target, choices, survey.account)
        _count(found, survey)
    if source is target:  # whose rows stay as they are
        account.written = account.sound
    return survey


def _try(found: Found, target: Format, choices: Choices, account: Account) -> None:
    if target.make is None:
        return
    try:
        fitted(found, target, choices, account)
    except NeedsThreshold:
        account.drop(found.number, "soft labels, and no --threshold to make them hard")


def _count(found: Found, survey: Survey) -> None:
    item = found.item
    survey.lengths[len(item.trace.steps)] += 1
    for label in item.labels[_first_new(item) :]:
        survey.labels[_says(label)] += 1
        survey.kinds[f"{label.kind.value} by {label.by or 'nobody'}"] += 1
    if any(not step.text.strip() for step in item.trace.steps):
        survey.empty_steps.add(found.number)
    question = item.trace.problem.text
    survey.rows_N.append(found.number)
    survey.texts_N.append(_digest((question, *(step.text for step in item.trace.steps))))
    survey.labels_N.append(_digest([(x.kind, x.successes, x.tries, x.belief) for x in item.labels]))
    survey.problems_N.append(problem_key(question))


def repeats(survey: Survey) -> tuple[Tally, Tally]:
    """Traces whose texts an earlier one has: labelled as the first of them is, and otherwise."""
    same, otherwise = Tally(), Tally()
    texts_N, labels_N = _numbers(survey.texts_N), _numbers(survey.labels_N)
    order_N = np.argsort(texts_N, kind="stable")  # equal texts in the order of the file
    starts_N = np.ones(len(order_N), dtype=bool)
    starts_N[1:] = texts_N[order_N[1:]] != texts_N[order_N[:-1]]
    firsts_N = np.empty(len(order_N), dtype=np.intp)
    firsts_N[order_N] = order_N[
        np.maximum.accumulate(np.where(starts_N, np.arange(len(order_N)), 0))
    ]
    for index in np.flatnonzero(firsts_N != np.arange(len(order_N))):
        alike = labels_N[index] == labels_N[firsts_N[index]]
        (same if alike else otherwise).add(survey.rows_N[index])
    return same, otherwise


def problem_key(text: str) -> int:
    """Equal for problems that differ in white space only."""
    return _digest(" ".join(text.split()))


def _first_new(item: LabelledTrace) -> int:
    """Where the labels begin that no trace before it in its row has."""
    note = str(item.notes.get("new_from", "0"))
    return int(note) if note.isdecimal() else 0


def _says(label: StepLabel) -> str:
    if label.value is None:
        return "unknown"
    return "right" if label.value == 1 else "wrong" if label.value == 0 else "soft"


def _digest(parts: object) -> int:
    """Eight bytes: of a million traces two that differ are taken for one with odds of 3e-8."""
    # A lone surrogate, which JSON allows, has no UTF-8 form.
    told = repr(parts).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest())


def survey_record(survey: Survey) -> dict[str, Any]:
    """The survey as a JSON object. Means and medians are None without a trace."""
    lengths = sorted(survey.lengths.items())
    duplicates, relabelled = repeats(survey)
    account = account_record(survey.account)
    return {
        "rows": account.pop("rows"),
        "traces": account.pop("traces"),
        "problems": len(survey.problems()),
        "steps": {
            "total": sum(length * traces for length, traces in lengths),
            "fewest": lengths[0][0] if lengths else None,
            "median": _median(lengths) if lengths else None,
            "most": lengths[-1][0] if lengths else None,
        },
        "labels": dict(survey.labels.most_common()),
        "kinds": dict(survey.kinds.most_common()),
        "duplicates": duplicates.record(),
        "relabelled": relabelled.record(),
        "empty_steps": survey.empty_steps.record(),
        **account,
    }


def account_record(account: Account) -> dict[str, Any]:
    """What became of the rows, and where, as a JSON object."""
    dropped = {
        reason: {"count": count, "rows": account.where[reason]}
        for reason, count in account.dropped.most_common()
    }
    return {
        "rows": account.rows,
        "traces": account.traces,
        "written": account.written,
        "dropped": dropped,
        "broken": {f"row {row}": why for row, why in account.broken},
        "changed": dict(account.noted.most_common()),
        "kept": dict(account.kept.most_common()),
        "lost": dict(account.lost.most_common()),
    }


def _median(lengths: Sequence[tuple[int, int]]) -> int:
    """Of (length, how many) in order; the longer one of the two in the middle."""
    middle = sum(count for _, count in lengths) // 2
    ends = accumulate(count for _, count in lengths)
    return next(length for (length, _), end in zip(lengths, ends, strict=True) if middle < end)
