"""The formats by name: how each is read, written and told apart. See `detection` for the last."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

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
from surefoot.formats.nouns import Choices, Note
from surefoot.formats.unread import Unread, branches_of, unread_of

Text = (str, list)  # plain, or chat messages


def nothing(row: Any, choices: Choices) -> Iterable[str]:
    """Of most formats every part that is read is in a trace."""
    del row, choices
    return ()


@dataclass(frozen=True, slots=True)
class Format:
    """How one format is read and written.

    fields: names and types that every row has; they tell formats apart ("a|b": a or b).
    read, write: record to typed row and back; write(read(record)) == record. Fields that the
      format does not define stand in the row's `rest`.
    labelled: the row as labelled traces; raises LeftOut, with the reason, if it is none.
    uses: the fields that `labelled` makes traces of, as paths (see `unread`).
    make: a row from a trace; None where a trace says too little to make one, so that rows can
      be kept but not made.
    holds: which of `nouns.carried` a made row keeps; OTHER_FIELDS if it has room for what the
      source's format does not define.
    steps: does it label steps? Of one that does not, a field that looks like labels is suspect.
    known: other fields that may stand in a row and are no labels that its reader missed.
    passed_over: a reason for each part of a row that is read and in none of its traces.
    """

    fields: Mapping[str, type | tuple[type, ...]]
    read: Callable[[Record], Any]
    write: Callable[[Any], Record]
    labelled: Callable[[Any, Choices], Iterable[LabelledTrace]]
    uses: tuple[str, ...]
    make: Callable[[LabelledTrace, Choices, Note], Any] | None = None
    holds: frozenset[str] = frozenset()
    steps: bool = True
    known: frozenset[str] = frozenset()
    passed_over: Callable[[Any, Choices], Iterable[str]] = nothing

    def fits(self, record: Record) -> bool:
        """Has the record this format's fields?"""
        return all(
            any(isinstance(record.get(name), kind) for name in names.split("|") if name in record)
            for names, kind in self.fields.items()
        )

    @property
    def names(self) -> frozenset[str]:
        """Fields that the format gives a meaning."""
        asked = (name for names in self.fields for name in names.split("|"))
        return frozenset((*asked, *branches(self.uses)))

    def unread(self, record: Record, row: Any) -> Unread:
        """What of a record, and of the row it was read as, is in no trace by its format."""
        return unread_of(record, branches(self.uses), row.rest)


branches = cache(branches_of)  # of the few tuples of paths that formats have

FORMATS: dict[str, Format] = {
    "labels": Format(
        {"problem": dict, "steps": list, "labels": list},
        own.labels_of, own.labels_record, own.own_labelled, own.READ, own.labels_from, own.HOLDS,
        known=own.ADDED,
    ),
    "traces": Format(
        {"problem": dict, "steps": list},
        own.traces_of, own.traces_record, own.own_labelled, own.READ_OF_TRACES, own.traces_from,
        own.HOLDS_OF_TRACES, steps=False, known=own.ADDED,
    ),
    "prm800k": Format(
        {"question": dict, "label": dict},
        prm800k.prm800k_of, prm800k.prm800k_record, prm800k.prm800k_labelled, prm800k.READ,
        passed_over=prm800k.prm800k_passed_over,
    ),
    "math_shepherd": Format(
        {"input": str, "label": str, "task": str},
        math_shepherd.math_shepherd_of, math_shepherd.math_shepherd_record,
        math_shepherd.math_shepherd_labelled, math_shepherd.FIELDS,
        math_shepherd.math_shepherd_from, math_shepherd.HOLDS,
    ),
    "trl_stepwise": Format(
        {"prompt": str, "completions": list, "labels": list},
        trl_stepwise.trl_stepwise_of, trl_stepwise.trl_stepwise_record,
        trl_stepwise.trl_stepwise_labelled, trl_stepwise.FIELDS,
        trl_stepwise.trl_stepwise_from, trl_stepwise.HOLDS,
    ),
    "process_bench": Format(
        {"problem": str, "steps": list, "final_answer_correct": bool, "label": int},
        process_bench.process_bench_of, process_bench.process_bench_record,
        process_bench.process_bench_labelled, process_bench.FIELDS,
        process_bench.process_bench_from, process_bench.HOLDS,
    ),
    "prm_bench": Format(
        {"modified_process": list, "error_steps": list, "classification": str},
        prm_bench.prm_bench_of, prm_bench.prm_bench_record, prm_bench.prm_bench_labelled,
        prm_bench.READ,
    ),
    "big_bench_mistake": Format(
        {"input": str, "steps": list, "target": str, "mistake_index": (int, type(None))},
        big_bench_mistake.big_bench_mistake_of, big_bench_mistake.big_bench_mistake_record,
        big_bench_mistake.big_bench_mistake_labelled, big_bench_mistake.FIELDS,
        big_bench_mistake.big_bench_mistake_from, big_bench_mistake.HOLDS,
    ),
    "rlhflow": Format(
        {"conversations": list},
        rlhflow.rlhflow_of, rlhflow.rlhflow_record, rlhflow.rlhflow_labelled, rlhflow.READ,
        rlhflow.rlhflow_from, rlhflow.HOLDS,
    ),
    "math_aps": Format(
        {"question": str, "final_answer": str, "reasoning_steps": list},
        math_aps.math_aps_of, math_aps.math_aps_record, math_aps.math_aps_labelled,
        math_aps.FIELDS,
    ),
    "math_aps_tree": Format(
        {"question": str, "final_answer": str, "reasoning_steps": dict},
        math_aps.math_aps_tree_of, math_aps.math_aps_tree_record, math_aps.math_aps_tree_labelled,
        math_aps.FIELDS,
    ),
    "openrlhf": Format(
        {"input": str, "value|label": list},
        openrlhf.openrlhf_of, openrlhf.openrlhf_record, openrlhf.openrlhf_labelled,
        openrlhf.READ, openrlhf.openrlhf_from, openrlhf.HOLDS,
    ),
    "step_dpo": Format(
        {"prompt": str, "initial_reason_steps|prefix": str, "chosen": str, "rejected": str},
        step_dpo.step_dpo_of, step_dpo.step_dpo_record, step_dpo.step_dpo_labelled, step_dpo.READ,
    ),
    "preference": Format(
        {"prompt": Text, "chosen": Text, "rejected": Text},
        texts.preference_of, texts.preference_record, texts.preference_labelled,
        texts.READ_OF_PREFERENCES, steps=False,
    ),
    "prompt_completion": Format(
        {"prompt": Text, "completion": Text},
        texts.prompt_completion_of, texts.prompt_completion_record,
        texts.prompt_completion_labelled, texts.READ_OF_PAIRS, texts.prompt_completion_from,
        texts.HOLDS, steps=False,
    ),
    "messages": Format(
        {"messages": list},
        texts.messages_of, texts.messages_record, texts.messages_labelled,
        texts.READ_OF_MESSAGES, texts.messages_from, steps=False,
    ),
}  # fmt: skip
