"""What is in a file: counts that say whether it can be trusted, and what a conversion would drop.

One pass; memory holds a row and a short digest of every trace and problem.

Dimension key: S steps of a trace.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from surefoot.core.records import Record
from surefoot.core.types import LabelledTrace, StepLabel
from surefoot.formats.convert import KEPT, Account, fitted, traces_in
from surefoot.formats.nouns import Choices, NeedsThreshold, problem_id
from surefoot.formats.table import Format


@dataclass(slots=True)
class Survey:
    """Counts over the traces of a file.

    account: rows, and what would be dropped or lost. lengths: traces by number of steps.
    labels: by what they say. kinds: by what they mean and who made them. A label that an
      alternative repeats from its prefix counts once.
    problems: by `problem_key`. duplicates: rows with a trace seen before, word for
      word and label for label. relabelled: rows with a trace seen before, labelled otherwise.
    empty: rows with a step without text.
    """

    account: Account
    lengths: Counter[int] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    problems: set[str] = field(default_factory=set)
    duplicates: list[int] = field(default_factory=list)
    relabelled: list[int] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)


def surveyed(
    rows: Iterable[tuple[int, Record]],
    source: Format,
    target: Format,
    choices: Choices,
    account: Account,
) -> Survey:
    """Reads every row, makes a row of the target of each trace, and counts."""
    survey = Survey(account)
    seen: dict[bytes, bytes] = {}
    for number, item in traces_in(rows, source, choices, survey.account):
        _try(number, item, target, choices, survey.account)
        survey.lengths[len(item.trace.steps)] += 1
        survey.problems.add(problem_key(item.trace.problem.text))
        for label in item.labels[_first_new(item) :]:
            survey.labels[_says(label)] += 1
            survey.kinds[f"{label.kind.value} by {label.by or 'nobody'}"] += 1
        texts, labels = _digests(item)
        if texts in seen:
            (survey.duplicates if seen[texts] == labels else survey.relabelled).append(number)
        seen.setdefault(texts, labels)
        if any(not step.text.strip() for step in item.trace.steps):
            survey.empty.append(number)
    return survey


def problem_key(text: str) -> str:
    """Equal for problems that differ in white space only."""
    return problem_id(" ".join(text.split()))


def _try(
    number: int, item: LabelledTrace, target: Format, choices: Choices, account: Account
) -> None:
    if target.make is None:
        return
    try:
        fitted(number, item, target, choices, account)
    except NeedsThreshold:
        account.drop(number, "soft labels, and no --threshold to make them hard")


def _first_new(item: LabelledTrace) -> int:
    """Where the labels begin that no trace before it in its row has."""
    note = str(item.notes.get("new_from", "0"))
    return int(note) if note.isdecimal() else 0


def _says(label: StepLabel) -> str:
    if label.value is None:
        return "unknown"
    return "right" if label.value == 1 else "wrong" if label.value == 0 else "soft"


def _digests(item: LabelledTrace) -> tuple[bytes, bytes]:
    texts = (item.trace.problem.text, *(step.text for step in item.trace.steps))
    return _digest(texts), _digest([(x.kind, x.successes, x.tries, x.belief) for x in item.labels])


def _digest(parts: object) -> bytes:
    return hashlib.blake2b(repr(parts).encode(), digest_size=12).digest()


def survey_record(survey: Survey) -> dict[str, Any]:
    """The survey as a JSON object. Means and medians are None without a trace."""
    lengths = sorted(survey.lengths.elements())
    account = account_record(survey.account)
    return {
        "rows": account.pop("rows"),
        "traces": account.pop("traces"),
        "problems": len(survey.problems),
        "steps": {
            "total": sum(lengths),
            "fewest": lengths[0] if lengths else None,
            "median": lengths[len(lengths) // 2] if lengths else None,
            "most": lengths[-1] if lengths else None,
        },
        "labels": dict(survey.labels.most_common()),
        "kinds": dict(survey.kinds.most_common()),
        "duplicates": _rows(survey.duplicates),
        "relabelled": _rows(survey.relabelled),
        "empty_steps": _rows(survey.empty),
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
        "lost": dict(account.lost.most_common()),
    }


def _rows(numbers: list[int]) -> dict[str, Any]:
    return {"count": len(numbers), "rows": list(dict.fromkeys(numbers))[:KEPT]}
