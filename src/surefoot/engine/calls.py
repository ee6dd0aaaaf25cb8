"""A policy's and a scorer's model calls, through the journal and the crew.

    policy = policy.through(lambda p: policy_calls(p.stream, p.fingerprint, journal, crew))
    score = score.through(lambda s: scorer_calls(s.stream, s.fingerprint, journal, crew))

Order: algorithm -> crew (merges what all problems ask) -> journal (answers what
is known, stores what is new) -> model.
"""

import base64
from array import array
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from surefoot.core.types import Kind, Step, StepScores, Trace
from surefoot.engine.journal import Journal, Stream


class TokenRequest(Protocol):
    """What a policy's model is asked; `policy.local_decode.Request` is one."""

    @property
    def ids(self) -> tuple[int, ...]:
        """What to continue."""

    @property
    def seed(self) -> int:
        """Decides every draw."""

    @property
    def until(self) -> str:
        """A step or the end."""


class TokenReply(Protocol):
    """What it answers; `policy.local_decode.Reply` is one."""

    @property
    def ids(self) -> tuple[int, ...]:
        """The new ids."""

    @property
    def logprobs(self) -> tuple[float, ...]:
        """Log-probability of each."""

    @property
    def finished(self) -> bool:
        """Did the model end the text?"""


A = TypeVar("A")
B = TypeVar("B")


class ServedRequest(Protocol):
    """What a server's model is asked; `policy.served.Ask` is one."""

    @property
    def key(self) -> str:
        """All of it that decides its answer."""


class ServedReply(Protocol):
    """What it answers; `policy.served.Reply` is one."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The new ones."""

    @property
    def why(self) -> str:
        """Why it ended."""

    @property
    def tokens(self) -> int:
        """Written for it."""


Q = TypeVar("Q", bound=TokenRequest)
R = TypeVar("R", bound=TokenReply)
SQ = TypeVar("SQ", bound=ServedRequest)
SR = TypeVar("SR", bound=ServedReply)


class Merging(Protocol):
    """A `Crew` or an `OpenCrew`."""

    def merged(
        self, complete: Callable[[Sequence[A]], list[B]]
    ) -> Callable[[Sequence[A]], list[B]]:
        """`complete` with its calls merged."""


def policy_calls(
    stream: Stream[Q, R],
    model: str,
    journal: Journal,
    crew: Merging,
    *,
    reply: Callable[[tuple[int, ...], tuple[float, ...], bool], R],
) -> Callable[[Sequence[Q]], list[R]]:
    """A policy's `stream` behind the journal, behind the crew. `reply` makes an answer."""

    def decode(record: list[Any]) -> R:
        ids, logprobs, finished = record
        return reply(tuple(ids), decode_floats(logprobs), finished)

    recorded = journal.recorded(
        stream, kind="policy", model=model, key=request_key, encode=encode_reply, decode=decode
    )
    return crew.merged(recorded)


def served_calls(
    stream: Stream[SQ, SR],
    model: str,
    journal: Journal,
    *,
    reply: Callable[[tuple[Step, ...], Any, int], SR],
) -> Callable[[Sequence[SQ]], list[SR]]:
    """A server's `stream` behind the journal. `reply` makes an answer.

    Not behind a crew: a server merges what it is asked itself, and nobody need wait for all.
    """

    def decode(record: list[Any]) -> SR:
        rows, why, tokens = record
        return reply(tuple(_served_step(row) for row in rows), why, tokens)

    return journal.recorded(
        stream,
        kind="served",
        model=model,
        key=lambda request: request.key.encode(errors="surrogatepass"),
        encode=lambda r: [[_served_row(step) for step in r.steps], r.why, r.tokens],
        decode=decode,
    )


def _served_row(step: Step) -> list[Any]:
    return [step.text, encode_floats(step.logprobs), step.size, step.ended]


def _served_step(row: list[Any]) -> Step:
    text, logprobs, size, ended = row
    return Step(text, logprobs=decode_floats(logprobs), size=size, ended=ended)


def scorer_calls(
    stream: Stream[Trace, StepScores], model: str, journal: Journal, crew: Merging
) -> Callable[[Sequence[Trace]], list[StepScores]]:
    """A scorer's `stream` behind the journal, behind the crew."""
    recorded = journal.recorded(
        stream,
        kind="scorer",
        model=model,
        key=trace_key,
        encode=encode_scores,
        decode=decode_scores,
    )
    return crew.merged(recorded)


# --- keys and codecs -------------------------------------------------------


def request_key(request: TokenRequest) -> bytes:
    """All of a request that decides its answer."""
    return array("q", (request.seed, *request.ids)).tobytes() + request.until.encode()


# A model may write the mark between steps too: then it is written in another way here.
_MARK, _ESCAPES = "\x1e", {0x1E: "\x1f1", 0x1F: "\x1f0"}


def trace_key(trace: Trace) -> bytes:
    """All of a trace that decides its scores; no two traces have the same."""
    texts = (trace.problem.text, *(step.text for step in trace.steps))
    return _MARK.join(text.translate(_ESCAPES) for text in texts).encode()


def encode_reply(reply: TokenReply) -> list[Any]:
    """An answer as JSON values; log-probabilities keep their float32 bits."""
    return [list(reply.ids), encode_floats(reply.logprobs), reply.finished]


def encode_scores(scores: StepScores) -> list[Any]:
    """Scores as JSON values."""
    return [scores.kind.value, list(scores.values), scores.by, scores.tokens]


def decode_scores(record: list[Any]) -> StepScores:
    """Inverse of `encode_scores`."""
    kind, values, by, tokens = record
    return StepScores(Kind(kind), tuple(values), by, tokens)


def encode_floats(values: Sequence[float]) -> str:
    """float32 values as text, exactly."""
    return base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode()


def decode_floats(text: str) -> tuple[float, ...]:
    """Inverse of `encode_floats`."""
    return tuple(np.frombuffer(base64.b64decode(text), dtype="<f4").tolist())
