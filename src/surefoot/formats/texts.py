"""TRL's formats without step labels: whole solutions, as text or as chat messages.

    prompt_completion  {"prompt", "completion"} and perhaps "label": bool (unpaired preference)
    preference         {"prompt", "chosen", "rejected"}
    messages           {"messages": [..., {"role": "assistant", "content"}]} and perhaps
                       "label": bool (LLaMA-Factory's KTO rows)

A text is a string or a list of {"role", "content"}. Read as traces, a completion is cut into
steps at `Choices.separator` and its steps have no labels; "label", chosen and rejected become
the trace's verdict. Written, step labels are lost.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import LabelledTrace, Verdict
from surefoot.formats.fields import items_of, rest_of
from surefoot.formats.nouns import (
    Choices,
    LeftOut,
    Note,
    evidence,
    labelled,
    problem_for,
    texts_of_steps,
)

Messages = tuple[Mapping[str, Any], ...]
Text = str | Messages
HOLDS = frozenset({"verdicts"})
TURN = ("role", "content")  # what is read of a message
READ_OF_PAIRS = ("prompt", "completion", "label", *(
    f"{name}[].{part}" for name in ("prompt", "completion") for part in TURN
))  # fmt: skip
READ_OF_PREFERENCES = tuple(
    f"{name}[].{part}" for name in ("prompt", "chosen", "rejected") for part in TURN
)
READ_OF_MESSAGES = ("label", *(f"messages[].{part}" for part in TURN))


@dataclass(frozen=True, slots=True)
class PromptCompletionRow:
    """label: is the completion a good one? None where the row does not say."""

    prompt: Text
    completion: Text
    label: bool | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PreferenceRow:
    """Two completions of one prompt."""

    prompt: Text
    chosen: Text
    rejected: Text
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MessagesRow:
    """A conversation; the last turn is the assistant's. label: as in `PromptCompletionRow`."""

    messages: Messages
    label: bool | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)


# --- records -------------------------------------------------------------------


def prompt_completion_of(record: Record) -> PromptCompletionRow:
    """A row from its record. Raises InputError that names the field."""
    return PromptCompletionRow(
        _text_of(record, "prompt"),
        _text_of(record, "completion"),
        _label_of(record),
        rest_of(record, ("prompt", "completion", "label")),
    )


def prompt_completion_record(row: PromptCompletionRow) -> Record:
    """Inverse of `prompt_completion_of`."""
    label = {} if row.label is None else {"label": row.label}
    texts = {"prompt": _plain(row.prompt), "completion": _plain(row.completion)}
    return {**texts, **label, **row.rest}


def preference_of(record: Record) -> PreferenceRow:
    """A row from its record. Raises InputError that names the field."""
    names = ("prompt", "chosen", "rejected")
    prompt, chosen, rejected = (_text_of(record, name) for name in names)
    return PreferenceRow(prompt, chosen, rejected, rest_of(record, names))


def preference_record(row: PreferenceRow) -> Record:
    """Inverse of `preference_of`."""
    return {name: _plain(getattr(row, name)) for name in ("prompt", "chosen", "rejected")} | {
        **row.rest
    }


def messages_of(record: Record) -> MessagesRow:
    """A row from its record. Raises InputError that names the field."""
    return MessagesRow(
        _turns(record, "messages"), _label_of(record), rest_of(record, ("messages", "label"))
    )


def messages_record(row: MessagesRow) -> Record:
    """Inverse of `messages_of`."""
    label = {} if row.label is None else {"label": row.label}
    return {"messages": _plain(row.messages), **label, **row.rest}


def _label_of(record: Record) -> bool | None:
    return None if record.get("label") is None else field_of(record, "label", bool)


def _text_of(record: Record, name: str) -> Text:
    text = field_of(record, name, (str, list))
    return text if isinstance(text, str) else _turns(record, name)


def _turns(record: Record, name: str) -> Messages:
    turns = items_of(record, name, (dict,))
    for index, turn in enumerate(turns):
        if not isinstance(turn.get("role"), str) or not isinstance(turn.get("content"), str):
            raise InputError(f"field '{name}[{index}]': expected role and content, got {turn}")
    if not turns:
        raise InputError(f"field {name!r} is empty; expected one message or more")
    return tuple(turns)


def _plain(text: Text) -> str | list[Record]:
    return text if isinstance(text, str) else [dict(turn) for turn in text]


# --- traces --------------------------------------------------------------------


def prompt_completion_labelled(
    row: PromptCompletionRow, choices: Choices
) -> Iterator[LabelledTrace]:
    """One trace without step labels; "label" becomes its verdict."""
    yield _trace(row.prompt, row.completion, row.label, choices)


def preference_labelled(row: PreferenceRow, choices: Choices) -> Iterator[LabelledTrace]:
    """Two traces without step labels. Preferred is not proved right: they have no verdict, and
    a note "pair" says which is which."""
    yield _trace(row.prompt, row.chosen, None, choices, pair="chosen")
    yield _trace(row.prompt, row.rejected, None, choices, pair="rejected")


def messages_labelled(row: MessagesRow, choices: Choices) -> Iterator[LabelledTrace]:
    """One trace without step labels; "label" becomes its verdict. Raises LeftOut unless one
    question is answered once."""
    yield _trace(row.messages[:-1], row.messages[-1:], row.label, choices)


def _trace(
    prompt: Text, completion: Text, right: bool | None, choices: Choices, **notes: str
) -> LabelledTrace:
    """What a system's message says is kept in the note "system"."""
    question, solution = _single(prompt, "user"), _single(completion, "assistant")
    steps = _split(solution, choices)
    if not steps:
        raise LeftOut("the completion is empty")
    system = [turn["content"] for text in (prompt, completion) for turn in _system(text)]
    if system:
        notes["system"] = "\n".join(system)
    unknown = [evidence(None, choices.kind, "")] * len(steps)
    item = labelled(problem_for(question), steps, unknown, **notes)
    if right is None:
        return item
    verdict = Verdict.CORRECT if right else Verdict.WRONG
    return replace(item, trace=replace(item.trace, verdict=verdict))


def _single(text: Text, role: str) -> str:
    """The text, or the content of the only message that is not the system's."""
    if isinstance(text, str):
        return text
    turns = [turn for turn in text if turn["role"] != "system"]
    if len(turns) != 1 or turns[0]["role"] != role:
        raise LeftOut("a conversation of several turns is not one question and one solution")
    return str(turns[0]["content"])


def _system(text: Text) -> list[Mapping[str, Any]]:
    return [] if isinstance(text, str) else [turn for turn in text if turn["role"] == "system"]


def prompt_completion_from(
    item: LabelledTrace, choices: Choices, note: Note
) -> PromptCompletionRow:
    """A row of plain texts; right or wrong becomes its "label"."""
    verdict = item.trace.verdict
    if verdict is Verdict.UNREADABLE:
        note("unreadable answers left without a verdict")
    label = {Verdict.CORRECT: True, Verdict.WRONG: False}.get(verdict) if verdict else None
    return PromptCompletionRow(item.trace.problem.text, _solution(item, choices, note), label)


def messages_from(item: LabelledTrace, choices: Choices, note: Note) -> MessagesRow:
    """A question and its answer as two messages."""
    user = {"role": "user", "content": item.trace.problem.text}
    assistant = {"role": "assistant", "content": _solution(item, choices, note)}
    return MessagesRow((user, assistant))


def _solution(item: LabelledTrace, choices: Choices, note: Note) -> str:
    steps = texts_of_steps(item)
    solution = choices.separator.join(steps)
    if _split(solution, choices) != steps:
        note("traces whose steps cannot be told apart again")
    if any(label.value is not None for label in item.labels):
        note("traces that lost their step labels")
    return solution


def _split(solution: str, choices: Choices) -> list[str]:
    return [step for step in solution.split(choices.separator) if step.strip()]
