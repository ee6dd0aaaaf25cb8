"""Traces in the words of somebody else's checkpoint, and the places where it is read.

A template turns (problem, steps) into ids and one place a step: the index of the
token whose state is scored. There are two ways to get both, and a checkpoint is
right with one of them only, because most tokenizers merge across a border:

    text    the whole text is tokenized; a place is the token that ends where the step's
            marker ends in the text
    pieces  each step is tokenized by itself, and the separator's ids are appended

Places come from lengths, never from a search for the marker in the ids.

Dimension key: S steps.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

from surefoot.core.errors import InputError, ModelError
from surefoot.core.protocols import Steps
from surefoot.core.types import Problem, Trace
from surefoot.steps.encode import Encoded

Template = Callable[[Problem, Steps], Encoded]


def only_id(tokenizer: Any, text: str) -> int:
    """The one id of a text. Raises ModelError if the tokenizer needs more (or knows it not)."""
    ids = ids_of(tokenizer, text)
    if len(ids) != 1 or ids[0] == tokenizer.unk_token_id:
        raise ModelError(
            f"this family needs {text!r} to be one token, and the checkpoint's tokenizer makes it "
            f"{ids}; name the right family, or put back the tokenizer files it was published with"
        )
    return ids[0]


def ids_of(tokenizer: Any, text: str) -> list[int]:
    """The ids of a text by itself, without begin or end tokens."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def encode_text(
    tokenizer: Any,
    text: str,
    start: int,
    stops_S: Sequence[int],
    *,
    begin: Sequence[int] = (),
    marker: int | None = None,
) -> Encoded:
    """A whole text with the place of each step.

    start, stops_S: characters of `text` where the first step begins and each step's marker ends.
    begin: ids put before the text. marker: the id that must stand at every place.

    Raises ModelError if a token reaches over a stop or another id stands there:
    the separator did not survive tokenization, and scores would be read beside it.
    """
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids, spans_T = [*begin, *encoded["input_ids"]], encoded["offset_mapping"]
    # A token without width (a block before a word) ends nothing.
    ends = {b: place for place, (a, b) in enumerate(spans_T, start=len(begin)) if a < b}
    first = len(begin) + sum(b <= start for _, b in spans_T)
    places = [ends.get(stop, -1) for stop in stops_S]
    for step, place in enumerate(places):
        if place < 0 or (marker is not None and ids[place] != marker):
            near = text[max(0, stops_S[step] - 20) : stops_S[step] + 10]
            raise ModelError(
                f"the separator after step {step} does not survive tokenization: no token of its "
                f"own ends in the middle of {near!r}; is this the family of the checkpoint?"
            )
    return Encoded(tuple(ids), first, tuple(places), dropped=0)


def encode_pieces(prompt: Iterable[int], steps_S: Iterable[Sequence[int]]) -> Encoded:
    """Ids of a prompt and of each step with its separator, concatenated; a place is a step's
    last id."""
    ids = [*prompt]
    start, ends = len(ids), []
    for step in steps_S:
        ids += step
        ends.append(len(ids) - 1)
    return Encoded(tuple(ids), start, tuple(ends), dropped=0)


def read(template: Template, trace: Trace, *, marker: str | None, context: int) -> Encoded:
    """A trace through a template: one place a step, and nothing cut off.

    Raises InputError for a trace without steps or with an empty one, one that holds the
    marker (it would be read as the end of a step) or one longer than `context` tokens;
    ModelError if the template does not give every step a place of its own.
    """
    problem, steps = trace.problem, trace.steps
    if not steps:
        raise InputError(f"a trace of problem {problem.id!r} has no steps to score")
    _check_text(f"the text of problem {problem.id!r}", problem.text, marker)
    for index, step in enumerate(steps):
        _check_text(f"step {index} of problem {problem.id!r}", step.text, marker)
    encoded = template(problem, steps)
    places = encoded.ends_S
    if len(places) != len(steps) or any(b <= a for a, b in pairwise(places)):
        raise ModelError(
            f"{len(steps)} steps of problem {problem.id!r} got the places {places}; expected one "
            "place a step, each after the last; is this the family of the checkpoint?"
        )
    if len(encoded.ids) > context:
        fits = sum(place < context for place in places)
        raise InputError(
            f"a trace of problem {problem.id!r} has {len(encoded.ids)} tokens and the verifier "
            f"takes {context}: step {fits} ends beyond them; score shorter traces (nothing is cut "
            "off silently)"
        )
    return encoded


def _check_text(what: str, text: str, marker: str | None) -> None:
    if not text.strip():
        raise InputError(f"{what} is empty; drop it or give it text")
    if marker is not None and marker in text:
        raise InputError(
            f"{what} holds the verifier's step marker {marker!r}; take it out: it would be read "
            "as the end of a step"
        )
