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
from surefoot.formats.nouns import Choices, evidence, labelled, problem_for

FIELDS = ("prompt", "initial_reason_steps", "chosen", "rejected")
BY = "step_dpo"


@dataclass(frozen=True, slots=True)
class StepDPORow:
    """A preference between two continuations of one prefix."""

    prompt: str
    initial_reason_steps: str
    chosen: str
    rejected: str
    rest: Mapping[str, Any] = field(default_factory=dict)


def step_dpo_of(record: Record) -> StepDPORow:
    """A row from its record. Raises InputError that names the field."""
    prompt, initial, chosen, rejected = (field_of(record, name, str) for name in FIELDS)
    return StepDPORow(prompt, initial, chosen, rejected, rest_of(record, FIELDS))


def step_dpo_record(row: StepDPORow) -> Record:
    """Inverse of `step_dpo_of`."""
    return {**{name: getattr(row, name) for name in FIELDS}, **row.rest}


def step_dpo_labelled(row: StepDPORow, choices: Choices) -> Iterator[LabelledTrace]:
    """Two traces: the prefix, right throughout, with the chosen step and with the rejected one.

    What follows the first new step is unlabelled.
    """
    del choices  # the format says all there is to say
    answer = row.rest.get("answer")
    problem = problem_for(row.prompt, gold=answer if isinstance(answer, str) else None)
    for name, text, value in (("chosen", row.chosen, 1.0), ("rejected", row.rejected, 0.0)):
        steps = numbered_steps(row.initial_reason_steps + text)
        shared = _whole_steps(row.initial_reason_steps)
        values: list[float | None] = [*[1.0] * shared, value]
        values += [None] * (len(steps) - len(values))
        labels = (evidence(v, Kind.CORRECTNESS, BY) for v in values)
        yield labelled(problem, steps, labels, pair=name)


def numbered_steps(text: str) -> list[str]:
    r"""The text cut at lines that start with "Step 2:", "Step 3:", ... in that order.

    What stands before "Step 1:" belongs to step 1; "\n".join gives the text back.
    """
    steps, start, number = [], 0, 2
    first = text.find("Step 1:")
    if first == -1:  # a continuation that counts on from elsewhere
        return [text]
    while (cut := text.find(f"\nStep {number}:", max(start, first))) != -1:
        steps.append(text[start:cut])
        start, number = cut + 1, number + 1
    return [*steps, text[start:]]


def _whole_steps(initial: str) -> int:
    """Steps that are complete within the common part; its open heading is not one."""
    if not initial.strip():
        return 0
    steps = numbered_steps(initial)
    open_heading = steps[-1].strip().endswith(f"Step {len(steps)}:")
    return len(steps) - open_heading
