"""Rows of TRL's stepwise supervision as ids with one label a step.

    ids    = [bos] ids(prompt)   ids(step_1) ids(separator)   ids(step_2) ids(separator) ...
    labels = y_s at the last id of step s, IGNORED everywhere else

These are the ids that scoring reads (`formats/trl.py`), and those of TRL 1.13.0. What differs
is what does not fit: whole steps are left out from the end, never half of one, and they are
counted; a row that keeps no label is left out and counted too.

Dimension key: S steps, T tokens.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.types import Problem, Step
from surefoot.formats.trl_stepwise import trl_stepwise_of
from surefoot.steps.encode import Encoded
from surefoot.verifiers.formats.template import Template
from surefoot.verifiers.losses import IGNORED

Row = dict[str, Any]
KEPT, COUNTED = ("input_ids", "labels"), ("steps", "dropped", "labelled", "soft", "positive")


@dataclass(frozen=True, slots=True)
class Account:
    """What became of a data set: rows and steps as they came, and what of them is trained on.

    dropped: steps beyond the limits. left_out: rows without any label left.
    labelled: steps with a label that fit; soft: those with one between 0 and 1; positive: the
    sum of the labels.
    """

    rows: int
    left_out: int
    steps: int
    dropped: int
    labelled: int
    soft: int
    positive: float

    def __str__(self) -> str:
        lost = f"; {self.dropped} steps beyond the length limits were left out" * bool(self.dropped)
        lost += f"; {self.left_out} rows without a label left were left out" * bool(self.left_out)
        share = self.positive / max(1, self.labelled)
        return f"{self.rows} rows, {self.labelled} labelled steps ({share:.0%} right){lost}"


@dataclass(frozen=True, slots=True)
class RowEncoder:
    """From a row {"prompt", "completions", "labels"} to ids and labels.

    max_length: of all ids; max_completion_length: of those after the prompt; None is no limit.
    last_only: keep the label of the last step alone.
    """

    template: Template
    max_length: int | None = None
    max_completion_length: int | None = None
    last_only: bool = False

    def __call__(self, record: Mapping[str, Any], index: int) -> Row:
        """input_ids and labels [T], and how many steps there were, fit and are labelled.

        Labels are true, false, a share in [0, 1], or None for a step that nobody labelled.
        Raises InputError that names the row, the field and the entry.
        """
        try:
            row = trl_stepwise_of(dict(record))
        except InputError as error:
            raise InputError(f"row {index}: {error}") from error
        steps = tuple(map(Step, row.completions))
        whole = self.template(Problem(f"row {index}", row.prompt), steps)
        encoded = fitting(whole, self._limit(whole.start))
        first = len(steps) - 1 if self.last_only else 0
        labels_T = [IGNORED] * len(encoded.ids)
        for end, label in list(zip(encoded.ends_S, row.labels, strict=False))[first:]:
            labels_T[end] = IGNORED if label is None else float(label)
        known = [label for label in labels_T if label != IGNORED]
        return {
            "input_ids": list(encoded.ids),
            "labels": labels_T,
            "steps": len(row.completions),
            "dropped": encoded.dropped,
            "labelled": len(known),
            "soft": sum(0 < label < 1 for label in known),
            "positive": sum(known),
        }

    def _limit(self, start: int) -> int | None:
        limits = [self.max_length]
        if self.max_completion_length is not None:
            limits.append(start + self.max_completion_length)
        return min((limit for limit in limits if limit is not None), default=None)


def fitting(encoded: Encoded, limit: int | None) -> Encoded:
    """The steps that end within `limit` ids, and how many did not; the prompt is not cut."""
    if limit is None or len(encoded.ids) <= limit:
        return encoded
    ends = tuple(end for end in encoded.ends_S if end < limit)
    stop = ends[-1] + 1 if ends else encoded.start
    dropped = encoded.dropped + len(encoded.ends_S) - len(ends)
    return Encoded(encoded.ids[:stop], encoded.start, ends, dropped)


def encoded_rows(
    rows: Any, encode: RowEncoder, *, processes: int | None = None, what: str = "rows"
) -> tuple[Any, Account]:
    """Rows as ids and labels, those without a label left out, and the account.

    rows: a `datasets.Dataset` (mapped with `processes`, cached as usual) or a sequence of
      records. Raises InputError that names the row, or if no row keeps a label.
    """
    if hasattr(rows, "map") and hasattr(rows, "column_names"):
        encoded = _mapped(rows, encode, processes, what)
        counts = {name: list(encoded[name]) for name in COUNTED}
    elif isinstance(rows, Sequence):
        encoded = [encode(row, index) for index, row in enumerate(rows)]
        counts = {name: [row[name] for row in encoded] for name in COUNTED}
    else:
        raise InputError(
            f"{what}: expected a datasets.Dataset or a list of rows, got {type(rows).__name__}; "
            "a stream has no length: take rows from it into a list"
        )
    keep = [index for index, labelled in enumerate(counts["labelled"]) if labelled]
    account = Account(len(rows), len(rows) - len(keep), *map(sum, counts.values()))
    if not keep:
        raise InputError(
            f"{what}: no label is left of {len(rows)} rows with {account.steps} steps, of which "
            f"{account.dropped} end beyond the limits; raise max_length and max_completion_length"
        )
    return _chosen(encoded, keep), account


def _mapped(rows: Any, encode: RowEncoder, processes: int | None, what: str) -> Any:
    """A mapped data set. Its column types are stated, or bools would make True of every label."""
    import datasets

    if not hasattr(rows, "__len__"):
        raise InputError(f"{what}: a stream has no length; take rows from it into a Dataset")
    whole, real = datasets.Value("int64"), datasets.Value("float64")
    types = {"input_ids": datasets.Sequence(whole), "labels": datasets.Sequence(real)}
    counts = {"steps": whole, "dropped": whole, "labelled": whole, "soft": whole}
    return rows.with_format(None).map(
        encode,
        with_indices=True,
        num_proc=processes,
        remove_columns=rows.column_names,
        features=datasets.Features({**types, **counts, "positive": real}),
        desc=f"Encoding {what}",
    )


def _chosen(encoded: Any, keep: Iterable[int]) -> Any:
    if isinstance(encoded, list):
        return [{name: encoded[index][name] for name in KEPT} for index in keep]
    return encoded.select(keep).remove_columns(list(COUNTED))
