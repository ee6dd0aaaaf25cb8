"""RLHFlow's conversations: each step a user's turn, answered by its sign.

    {"conversations": [{"role": "user", "content": "Q Step 1: ..."},
                       {"role": "assistant", "content": "+"}, ...]}

Question and first step share a turn, so a first turn without "Step 1: " can be kept but not
converted: nothing says where the question ends.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.records import Record
from surefoot.core.types import LabelledTrace
from surefoot.formats.fields import items_of, rest_of
from surefoot.formats.nouns import (
    Choices,
    Note,
    evidence,
    hard_values,
    labelled,
    numbered_head,
    problem_for,
    question_and_step,
    texts_of_steps,
)

HOLDS: frozenset[str] = frozenset()
READ = ("conversations",)
ROLES = ("user", "assistant")


@dataclass(frozen=True, slots=True)
class RLHFlowRow:
    """texts: [S] the user's turns. signs: [S] was it answered by a +?"""

    texts: tuple[str, ...]
    signs: tuple[bool, ...]
    rest: Mapping[str, Any] = field(default_factory=dict)


def rlhflow_of(record: Record) -> RLHFlowRow:
    """A row from its record. Raises InputError that names the turn."""
    turns = items_of(record, "conversations", (dict,))
    if not turns or len(turns) % 2:
        raise InputError(
            f"field 'conversations' has {len(turns)} turns; expected a step and its sign by turns"
        )
    contents = [_content(turn, index) for index, turn in enumerate(turns)]
    signs = tuple(sign == "+" for sign in contents[1::2])
    return RLHFlowRow(tuple(contents[::2]), signs, rest_of(record, ("conversations",)))


def _content(turn: Record, index: int) -> str:
    role, content = ROLES[index % 2], turn.get("content")
    name = f"'conversations[{index}]'"
    if set(turn) != {"role", "content"} or turn["role"] != role or not isinstance(content, str):
        raise InputError(f"field {name}: expected {{'role': {role!r}, 'content': str}}, got {turn}")
    if role == "assistant" and content not in ("+", "-"):
        raise InputError(f"field {name}: expected the content '+' or '-', got {content!r}")
    return content


def rlhflow_record(row: RLHFlowRow) -> Record:
    """Inverse of `rlhflow_of`."""
    turns = []
    for text, sign in zip(row.texts, row.signs, strict=True):
        turns.append({"role": "user", "content": text})
        turns.append({"role": "assistant", "content": "+" if sign else "-"})
    return {"conversations": turns, **row.rest}


def rlhflow_labelled(row: RLHFlowRow, choices: Choices) -> Iterator[LabelledTrace]:
    """One trace. Raises LeftOut if question and step 1 cannot be told apart."""
    question, first = question_and_step(row.texts[0])
    labels = (evidence(float(sign), choices.kind, "rlhflow") for sign in row.signs)
    yield labelled(problem_for(question), (first, *row.texts[1:]), labels)


def rlhflow_from(item: LabelledTrace, choices: Choices, note: Note) -> RLHFlowRow:
    """A row of hard labels. Raises LeftOut, or NeedsThreshold for soft ones without one."""
    signs = hard_values(item, choices, note)
    head, others = numbered_head(item, texts_of_steps(item)[: len(signs)], note)
    return RLHFlowRow((head, *others), tuple(signs))
