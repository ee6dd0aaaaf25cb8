"""The two dialects of an OpenAI-compatible server, as bodies to send and answers to read.

    chat   POST /chat/completions {"messages": [{"role", "content"}, ...]}
             -> {"choices": [{"message": {"content"}, "finish_reason", ...}], "usage"}
    plain  POST /completions {"prompt": "..."}
             -> {"choices": [{"text", "finish_reason", ...}], "usage"}

A chat that goes on from a part of the answer needs the server's help (`PREFILLS`); a plain
prompt is just continued.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from surefoot.policy.http import Failed, Json

Pieces = tuple[tuple[bytes, float], ...]
Prompt = Callable[[str, str, str], Json]

PREFILLS: dict[str, tuple[Json, Json]] = {
    "as it is": ({}, {}),
    "continue_final_message": (
        {"continue_final_message": True, "add_generation_prompt": False},
        {},
    ),
    "prefix": ({}, {"prefix": True}),
}
"""How servers are told to continue the last message: fields of the body, and of the message."""

GO_ON = (
    "Go on from exactly where this solution stops. Begin with the next step, "
    "and repeat nothing of the above."
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One continuation.

    finish: why it ended: "stop", "length", "content_filter", ...
    stopped_by: the stop text that ended it, of servers that tell; None otherwise.
    pieces: its tokens' bytes and log-probabilities; () where the server gives none.
    """

    text: str
    finish: str
    stopped_by: str | None = None
    pieces: Pieces = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answers. prompt_tokens, tokens: read and written for it; None if not told."""

    choices: tuple[Choice, ...]
    prompt_tokens: int | None
    tokens: int | None


@dataclass(frozen=True, slots=True)
class Dialect:
    """path: of the API. prompt: (question, said, prefill) to the body's beginning. text, pieces:
    of a choice. logprobs: what asks for them."""

    name: str
    path: str
    prompt: Prompt
    text: Callable[[Json], str]
    pieces: Callable[[Json], Pieces]
    logprobs: Json

    def read(self, answer: Json) -> Answer:
        """Raises Failed for an answer without a choice, or one that cannot be read."""
        try:
            choices = tuple(self._choice(choice) for choice in answer["choices"])
            usage = answer.get("usage") or {}
            read = Answer(choices, usage.get("prompt_tokens"), usage.get("completion_tokens"))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Failed(f"malformed answer: {error!r}") from error
        if not choices:
            raise Failed("malformed answer: no choices")
        return read

    def _choice(self, choice: Json) -> Choice:
        by = choice.get("stop_reason")
        finish = choice.get("finish_reason") or "stop"
        stopped_by = by if isinstance(by, str) else None
        return Choice(self.text(choice), finish, stopped_by, self.pieces(choice))


def _chat_prompt(question: str, said: str, prefill: str) -> Json:
    asked = {"role": "user", "content": question}
    if not said:
        return {"messages": [asked]}
    answered = {"role": "assistant", "content": said}
    if not prefill:
        return {"messages": [asked, answered, {"role": "user", "content": GO_ON}]}
    body, message = PREFILLS[prefill]
    return {"messages": [asked, {**answered, **message}], **body}


def _chat_text(choice: Json) -> str:
    content = choice["message"].get("content")
    if not isinstance(content, str | None):
        raise TypeError(f"content of type {type(content).__name__}")
    return content or ""  # null where a model only thought, or was cut off


def _chat_pieces(choice: Json) -> Pieces:
    tokens = (choice.get("logprobs") or {}).get("content") or ()
    return tuple((_bytes(token), logprob(token["logprob"])) for token in tokens)


def _bytes(token: Json) -> bytes:
    given = token.get("bytes")
    return bytes(given) if given else token["token"].encode(errors="replace")


def _plain_prompt(question: str, said: str, prefill: str) -> Json:
    del prefill  # a prompt is continued as it is
    return {"prompt": f"{question}\n{said}"}


def _plain_text(choice: Json) -> str:
    text = choice["text"]
    if not isinstance(text, str):
        raise TypeError(f"text of type {type(text).__name__}")
    return text


def _plain_pieces(choice: Json) -> Pieces:
    given = choice.get("logprobs") or {}
    tokens, values = given.get("tokens") or (), given.get("token_logprobs") or ()
    pairs = zip(tokens, values, strict=True)
    return tuple((token.encode(errors="replace"), logprob(value)) for token, value in pairs)


def logprob(value: Any) -> float:
    """A log-probability as it came; servers write null for a first token, and -9999 for none."""
    number = 0.0 if value is None else float(value)
    if math.isnan(number):
        raise ValueError("a log-probability is no number")
    return min(number, 0.0)


CHAT = Dialect(
    "chat", "/chat/completions", _chat_prompt, _chat_text, _chat_pieces, {"logprobs": True}
)
PLAIN = Dialect("plain", "/completions", _plain_prompt, _plain_text, _plain_pieces, {"logprobs": 1})
DIALECTS = {dialect.name: dialect for dialect in (CHAT, PLAIN)}
