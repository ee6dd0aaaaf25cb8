"""Model calls through a journal and a crew: how a policy and a scorer are wired in.

    policy = policy.through(journalled_policy(journal, crew))

Order: algorithm -> crew (merges what all problems ask) -> journal (answers what is
known, stores what is new) -> model.
"""

import base64
from array import array
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from surefoot.core.types import Kind, StepScores, Trace
from surefoot.engine.crew import Crew
from surefoot.engine.journal import Journal, Stream


class Request(Protocol):
    """What a policy's model is asked; `policy.local_decode.Request` is one."""

    @property
    def ids(self) -> tuple[int, ...]: ...
    @property
    def seed(self) -> int: ...
    @property
    def until(self) -> str: ...


def request_key(request: Request) -> bytes:
    """All of a request that decides its answer."""
    return array("q", (request.seed, *request.ids)).tobytes() + request.until.encode()


def trace_key(trace: Trace) -> bytes:
    """All of a trace that decides its scores."""
    return "\x1e".join((trace.problem.text, *(step.text for step in trace.steps))).encode()


def journalled(
    journal: Journal,
    crew: Crew,
    stream: Stream[Any, Any],
    *,
    kind: str,
    model: str,
    key: Callable[[Any], bytes],
    encode: Callable[[Any], Any],
    decode: Callable[[Any], Any],
) -> Callable[[Sequence[Any]], list[Any]]:
    """`stream` behind the journal, behind the crew."""
    recorded = journal.recorded(
        stream, kind=kind, model=model, key=key, encode=encode, decode=decode
    )
    return crew.merged(recorded)


def encode_scores(scores: StepScores) -> list[Any]:
    return [scores.kind.value, list(scores.values), scores.by, scores.tokens]


def decode_scores(record: list[Any]) -> StepScores:
    kind, values, by, tokens = record
    return StepScores(Kind(kind), tuple(values), by, tokens)


def encode_floats(values: Sequence[float]) -> str:
    """float32 values as text, exactly."""
    return base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode()


def decode_floats(text: str) -> tuple[float, ...]:
    """Inverse of `encode_floats`."""
    return tuple(np.frombuffer(base64.b64decode(text), dtype="<f4").tolist())
