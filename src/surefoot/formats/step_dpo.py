"""Step-DPO's pairs (Lai et al., arXiv:2406.18629): one more step, right and wrong.

    {"prompt", "initial_reason_steps": "...\\nStep 2: ...\\nStep 3:", "chosen", "rejected", ...}

The pair starts at the first wrong step, so the steps before it are right. Steps are cut where a
line starts with the next "Step i:"; the heading at the end of the common part belongs to the pair.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from surefoot.core.records import Record, field_of
from surefoot.core.types import Kind, LabelledTrace
from surefoot.formats.fields import rest_of
from surefoot.formats.nouns import Choices, LeftOut, evidence, labelled, problem_for

FIELDS = ("prompt", "initial_reason_steps", "chosen", "rejected")
READ = (*FIELDS, "answer")
BY = "step_dpo"


@dataclass(frozen=True, slots=True)
class StepDPORow:
    """A preference between two continuations of one prefix. answer: None if not said in words."""

    prompt: str
    initial_reason_steps: str
    chosen: str
    rejected: str
    answer: str | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)


def step_dpo_of(record: Record) -> StepDPORow:
    """A row from its record. Raises InputError that names the field."""
    prompt, initial, chosen, rejected = (field_of(record, name, str) for name in FIELDS)
    answer = record.get("answer")
    if not isinstance(answer, str):
        return StepDPORow(prompt, initial, chosen, rejected, None, rest_of(record, FIELDS))
    return StepDPORow(prompt, initial, chosen, rejected, answer, rest_of(record, READ))


def step_dpo_record(row: StepDPORow) -> Record:
    """Inverse of `step_dpo_of`."""
    answer = {} if row.answer is None else {"answer": row.answer}
    return {**{name: getattr(row, name) for name in FIELDS}, **answer, **row.rest}


def step_dpo_labelled(row: StepDPORow, choices: Choices) -> Iterator[LabelledTrace]:
    """Two traces: the prefix, right throughout, with the chosen step and with the rejected one.

    What follows the first new step is unlabelled.
    """
    del choices  # the format says all there is to say
    problem = problem_for(row.prompt, gold=row.answer)
    for name, text, value in (("chosen", row.chosen, 1.0), ("rejected", row.rejected, 0.0)):
        shared, new = pair_steps(row.initial_reason_steps, text)
        values = [*[1.0] * len(shared), value, *[None] * (len(new) - 1)]
        labels = (evidence(v, Kind.CORRECTNESS, BY) for v in values)
        yield labelled(problem, (*shared, *new), labels, pair=name)


def pair_steps(initial: str, text: str) -> tuple[list[str], list[str]]:
    """The steps of the common part, and the new ones. Raises LeftOut if there is no new one."""
    if not text.strip():
        raise LeftOut("a side of the pair is empty")
    shared = numbered_steps(initial) if initial.strip() else []
    opens = bool(shared) and shared[-1].rstrip().endswith(f"Step {len(shared)}:")
    preamble = "Step 1:" not in initial and text.lstrip().startswith("Step 1:")
    if opens or (shared and preamble):
        text = shared.pop() + text
    return shared, numbered_steps(text.lstrip("\n"), first=len(shared) + 1)


def numbered_steps(text: str, *, first: int = 1) -> list[str]:
    r"""The text cut at lines that start with the next "Step i:"; it begins in step `first`.

    "\n".join gives the text back.
    """
    steps, start, number = [], 0, first + 1
    while (cut := text.find(f"\nStep {number}:", start)) != -1:
        steps.append(text[start:cut])
        start, number = cut + 1, number + 1
    return [*steps, text[start:]]
