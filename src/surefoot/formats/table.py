"""The formats by name, and which of them a row is written in.

A row fits a format whose fields it has, with the right types; the order of the table decides
where two fit (the more particular one stands first).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.records import Record
from surefoot.core.types import LabelledTrace
from surefoot.formats import (
    big_bench_mistake,
    math_aps,
    math_shepherd,
    openrlhf,
    own,
    prm800k,
    prm_bench,
    process_bench,
    rlhflow,
    step_dpo,
    texts,
    trl_stepwise,
)
from surefoot.formats.files import foreign_rows
from surefoot.formats.nouns import Choices, Note

LOOK = 100  # rows that are looked at before a file's format counts as unknown
Text = (str, list)  # plain, or chat messages


@dataclass(frozen=True, slots=True)
class Format:
    """How one format is read and written.

    fields: names and types that every row has; they tell formats apart ("a|b": a or b).
    read, write: record to typed row and back; write(read(record)) == record.
    labelled: the row as labelled traces; raises LeftOut, with the reason, if it is none.
    make: a row from a trace; None where a trace says too little to make one, so that rows can
      be kept but not made.
    holds: which of `nouns.carried` a made row keeps.
    """

    fields: Mapping[str, type | tuple[type, ...]]
    read: Callable[[Record], Any]
    write: Callable[[Any], Record]
    labelled: Callable[[Any, Choices], Iterable[LabelledTrace]]
    make: Callable[[LabelledTrace, Choices, Note], Any] | None = None
    holds: frozenset[str] = frozenset()

    def fits(self, record: Record) -> bool:
        """Has the record this format's fields?"""
        return all(
            any(isinstance(record.get(name), kind) for name in names.split("|") if name in record)
            for names, kind in self.fields.items()
        )


FORMATS: dict[str, Format] = {
    "labels": Format(
        {"problem": dict, "steps": list, "labels": list},
        own.labels_of, own.labels_record, own.own_labelled, own.labels_from, own.HOLDS,
    ),
    "traces": Format(
        {"problem": dict, "steps": list},
        own.traces_of, own.traces_record, own.own_labelled, own.traces_from, own.HOLDS_OF_TRACES,
    ),
    "prm800k": Format(
        {"question": dict, "label": dict},
        prm800k.prm800k_of, prm800k.prm800k_record, prm800k.prm800k_labelled,
    ),
    "math_shepherd": Format(
        {"input": str, "label": str, "task": str},
        math_shepherd.math_shepherd_of, math_shepherd.math_shepherd_record,
        math_shepherd.math_shepherd_labelled, math_shepherd.math_shepherd_from,
        math_shepherd.HOLDS,
    ),
    "trl_stepwise": Format(
        {"prompt": str, "completions": list, "labels": list},
        trl_stepwise.trl_stepwise_of, trl_stepwise.trl_stepwise_record,
        trl_stepwise.trl_stepwise_labelled, trl_stepwise.trl_stepwise_from, trl_stepwise.HOLDS,
    ),
    "process_bench": Format(
        {"problem": str, "steps": list, "final_answer_correct": bool, "label": int},
        process_bench.process_bench_of, process_bench.process_bench_record,
        process_bench.process_bench_labelled, process_bench.process_bench_from,
        process_bench.HOLDS,
    ),
    "prm_bench": Format(
        {"modified_process": list, "error_steps": list, "classification": str},
        prm_bench.prm_bench_of, prm_bench.prm_bench_record, prm_bench.prm_bench_labelled,
    ),
    "big_bench_mistake": Format(
        {"input": str, "steps": list, "target": str, "mistake_index": (int, type(None))},
        big_bench_mistake.big_bench_mistake_of, big_bench_mistake.big_bench_mistake_record,
        big_bench_mistake.big_bench_mistake_labelled, big_bench_mistake.big_bench_mistake_from,
        big_bench_mistake.HOLDS,
    ),
    "rlhflow": Format(
        {"conversations": list},
        rlhflow.rlhflow_of, rlhflow.rlhflow_record, rlhflow.rlhflow_labelled,
        rlhflow.rlhflow_from, rlhflow.HOLDS,
    ),
    "math_aps": Format(
        {"question": str, "final_answer": str, "reasoning_steps": list},
        math_aps.math_aps_of, math_aps.math_aps_record, math_aps.math_aps_labelled,
    ),
    "math_aps_tree": Format(
        {"question": str, "final_answer": str, "reasoning_steps": dict},
        math_aps.math_aps_tree_of, math_aps.math_aps_tree_record, math_aps.math_aps_tree_labelled,
    ),
    "openrlhf": Format(
        {"input": str, "value|label": list},
        openrlhf.openrlhf_of, openrlhf.openrlhf_record, openrlhf.openrlhf_labelled,
        openrlhf.openrlhf_from, openrlhf.HOLDS,
    ),
    "step_dpo": Format(
        {"prompt": str, "initial_reason_steps|prefix": str, "chosen": str, "rejected": str},
        step_dpo.step_dpo_of, step_dpo.step_dpo_record, step_dpo.step_dpo_labelled,
    ),
    "preference": Format(
        {"prompt": Text, "chosen": Text, "rejected": Text},
        texts.preference_of, texts.preference_record, texts.preference_labelled,
    ),
    "prompt_completion": Format(
        {"prompt": Text, "completion": Text},
        texts.prompt_completion_of, texts.prompt_completion_record,
        texts.prompt_completion_labelled, texts.prompt_completion_from, texts.HOLDS,
    ),
    "messages": Format(
        {"messages": list},
        texts.messages_of, texts.messages_record, texts.messages_labelled, texts.messages_from,
    ),
}  # fmt: skip


def format_named(name: str) -> Format:
    """The format of a name. Raises InputError that lists the names."""
    if name not in FORMATS:
        raise InputError(f"the format must be one of {', '.join(FORMATS)}, got {name!r}")
    return FORMATS[name]


def detected(record: Record) -> str | None:
    """Name of the first format whose fields the record has; None if there is none."""
    return next((name for name, form in FORMATS.items() if form.fits(record)), None)


def format_of(path: str | Path) -> str:
    """The format of a file: that of the first of its first rows that fits one.

    Raises InputError that tells what was found, and which fields each format has.
    """
    first: Record | None = None
    for _, record in islice(foreign_rows(path), LOOK):
        name = detected(record)
        if name is not None:
            return name
        first = record if first is None else first
    if first is None:
        raise InputError(f"{path} has no rows; expected one a line")
    found = ", ".join(f"{name} ({type(value).__name__})" for name, value in first.items())
    shapes = "; ".join(f"{name}: {' '.join(form.fields)}" for name, form in FORMATS.items())
    raise InputError(f"{path} is in no known format: its first row has {found}; expected {shapes}")
