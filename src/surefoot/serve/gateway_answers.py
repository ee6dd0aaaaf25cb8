"""From a search's end to the choices, the usage and the chunks of OpenAI's API.

finish_reason  "stop" for a finished solution, "length" for one that a limit cut off
usage          prompt_tokens counts each prompt once; completion_tokens is all that the policy
               wrote for all choices; what is not in an answer is reasoning_tokens
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from surefoot.core.types import Trace, Usage
from surefoot.search import Found, Unfinished
from surefoot.serve.gateway_schemas import (
    AnswerMessage,
    ChatChoice,
    ChatCompletion,
    CompletionDetails,
    Remarks,
    SearchCost,
    SearchRemarks,
    TextChoice,
    TextCompletion,
    UsageOut,
)
from surefoot.serve.gateway_watch import Watch

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One choice. trace: None if nothing at all was written."""

    trace: Trace | None
    usage: Usage
    score: float | None = None
    candidates: int = 0
    why: str | None = None

    @property
    def finish(self) -> Finish:
        """Did the policy end it?"""
        return "stop" if self.trace is not None and self.trace.finished else "length"

    @property
    def steps(self) -> list[str]:
        """Its text, step by step."""
        return [step.text for step in self.trace.steps] if self.trace else []

    @property
    def remarks(self) -> Remarks:
        """What else is known of it."""
        answer = self.trace.answer if self.trace else None
        return Remarks(answer=answer, score=self.score, candidates=self.candidates, why=self.why)


def answer_of(result: Found | Unfinished, watch: Watch) -> Answer:
    """The end of a search; of an unfinished one, the longest that it has."""
    if isinstance(result, Unfinished):
        longest = max(result.partial, key=lambda t: (t.finished, len(t.text)), default=None)
        return Answer(longest, watch.usage, candidates=len(result.partial), why=result.why)
    score = None
    if len(result.scores) == len(result.candidates):
        place = next(i for i, trace in enumerate(result.candidates) if trace is result.chosen)
        score = result.scores[place]
    return Answer(result.chosen, watch.usage, score, len(result.candidates))


def answer_so_far(watch: Watch, why: str) -> Answer | None:
    """What a search has found when nobody can wait any longer; None if that is nothing."""
    best = watch.best()
    if best is None:
        return None
    return Answer(best, watch.usage, candidates=watch.finished, why=why)


# --- cost ------------------------------------------------------------------


def total(usages: Sequence[Usage]) -> Usage:
    """Their sum."""
    return sum(usages, Usage())


def cost_of(usage: Usage) -> SearchCost:
    """A usage as it is told."""
    return SearchCost(
        policy_tokens=usage.policy_tokens,
        verifier_tokens=usage.verifier_tokens,
        calls=usage.calls,
        seconds=round(usage.seconds, 3),
    )


def usage_out(prompt_tokens: int, answers: Sequence[Answer]) -> UsageOut:
    """The cost of all choices."""
    usage = total([answer.usage for answer in answers])
    shown = sum(answer.trace.tokens for answer in answers if answer.trace)
    return UsageOut(
        prompt_tokens=prompt_tokens,
        completion_tokens=usage.policy_tokens,
        total_tokens=prompt_tokens + usage.policy_tokens,
        completion_tokens_details=CompletionDetails(
            reasoning_tokens=max(0, usage.policy_tokens - shown)
        ),
        surefoot=cost_of(usage),
    )


# --- the two forms ---------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What every part of one answer begins with."""

    id: str
    model: str
    search: str
    seed: int
    fingerprint: str
    separator: str

    def common(self, answers: Sequence[Answer], prompt_tokens: int) -> dict[str, Any]:
        """All of a whole answer but its choices."""
        remarks = [answer.remarks for answer in answers]
        return {
            "id": self.id,
            "created": int(time.time()),
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "usage": usage_out(prompt_tokens, answers),
            "surefoot": SearchRemarks(seed=self.seed, search=self.search, choices=remarks),
        }


class Form(Protocol):
    """Chat or text."""

    prefix: str
    chunk: str

    def whole(
        self, head: Head, answers: Sequence[Answer], prompt_tokens: int
    ) -> ChatCompletion | TextCompletion:
        """All choices at once."""

    def deltas(self, head: Head, index: int, answer: Answer) -> Iterator[dict[str, Any]]:
        """One choice, step by step; the last one says why it ends."""


class ChatForm:
    """Messages."""

    prefix = "chatcmpl-"
    chunk = "chat.completion.chunk"

    def whole(self, head: Head, answers: Sequence[Answer], prompt_tokens: int) -> ChatCompletion:
        """All choices at once."""
        choices = [
            ChatChoice(
                index=index,
                message=AnswerMessage(content=head.separator.join(answer.steps)),
                finish_reason=answer.finish,
            )
            for index, answer in enumerate(answers)
        ]
        return ChatCompletion(choices=choices, **head.common(answers, prompt_tokens))

    def deltas(self, head: Head, index: int, answer: Answer) -> Iterator[dict[str, Any]]:
        """One choice, step by step."""
        empty = {"index": index, "logprobs": None, "finish_reason": None}
        yield {**empty, "delta": {"role": "assistant", "content": ""}}
        for text in pieces(answer, head.separator):
            yield {**empty, "delta": {"content": text}}
        yield {**empty, "delta": {}, "finish_reason": answer.finish}


class TextForm:
    """Bare texts."""

    prefix = "cmpl-"
    chunk = "text_completion"

    def whole(self, head: Head, answers: Sequence[Answer], prompt_tokens: int) -> TextCompletion:
        """All choices at once."""
        choices = [
            TextChoice(
                index=index, text=head.separator.join(answer.steps), finish_reason=answer.finish
            )
            for index, answer in enumerate(answers)
        ]
        return TextCompletion(choices=choices, **head.common(answers, prompt_tokens))

    def deltas(self, head: Head, index: int, answer: Answer) -> Iterator[dict[str, Any]]:
        """One choice, step by step."""
        empty = {"index": index, "logprobs": None, "finish_reason": None}
        for text in pieces(answer, head.separator):
            yield {**empty, "text": text}
        yield {**empty, "text": "", "finish_reason": answer.finish}


def pieces(answer: Answer, separator: str) -> Iterator[str]:
    """The steps, with what joins them."""
    for place, text in enumerate(answer.steps):
        yield separator + text if place else text


# --- server-sent events ----------------------------------------------------


def event(record: dict[str, Any]) -> str:
    """One event; what JSON cannot hold is no part of any record."""
    return f"data: {json.dumps(record, ensure_ascii=False, allow_nan=False)}\n\n"


def remark(watches: Sequence[Watch]) -> str:
    """How the search goes on: a comment, which clients of the API pass over."""
    usage = total([watch.usage for watch in watches])
    found = sum(watch.finished for watch in watches)
    told = {"solutions": found, **cost_of(usage).model_dump()}
    return f": surefoot {json.dumps(told)}\n\n"


DONE = "data: [DONE]\n\n"
