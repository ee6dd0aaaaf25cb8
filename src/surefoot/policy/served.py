"""A server at work: asks in, replies out, cut into steps, with exact costs.

Two things make one request of several, or several of one: continuations of one prompt share a
request where more than one may be asked for at a time (`choices`), and a step that comes back
blank (the text went on with an empty line, or ended: not every server tells) is asked for again
behind one more separator.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal

from surefoot.core.errors import InputError
from surefoot.core.protocols import Until
from surefoot.core.types import Step
from surefoot.policy.abilities import Abilities
from surefoot.policy.dialects import DIALECTS, Answer, Choice, Pieces
from surefoot.policy.http import Json, Refused, Servers
from surefoot.policy.sampling import Sampling

BLANKS = 2  # empty lines that are stepped over, one request each
_CONTEXT = re.compile(r"(?:context (?:length|size|window)|max_model_len)\D{0,20}(\d+)", re.I)
_SEEDS = 1 << 31  # many servers take no larger one

Why = Literal["end", "step", "length", "overflow", "filter"]


@dataclass(frozen=True, slots=True)
class Ask:
    """question: the problem's text. said: steps so far. seed: of the draw. until: a Sampler's."""

    question: str
    said: tuple[str, ...]
    seed: int
    until: Until

    @property
    def key(self) -> str:
        """All of it that decides its answer, as text."""
        return json.dumps([self.question, self.said, self.seed, self.until])


@dataclass(frozen=True, slots=True)
class Reply:
    """steps: the new ones. why: the text ended, or one step did; or what cut it off: max_tokens,
    the model's context, a filter. tokens: written for it, those of blank lines included."""

    steps: tuple[Step, ...]
    why: Why
    tokens: int

    @property
    def finished(self) -> bool:
        """Did the policy end the solution?"""
        return self.why == "end"


class Abandoned(Exception):
    """Never sent: another request of the batch had failed for good."""


@dataclass(frozen=True)
class Served:
    """A model behind servers.

    choices: most continuations asked for in one request. pool: its threads bound how many
    requests are under way at once, whoever asks.
    """

    servers: Servers
    abilities: Abilities
    sampling: Sampling
    separator: str
    instruction: str
    choices: int
    pool: ThreadPoolExecutor

    def complete(self, asks: Sequence[Ask]) -> list[Reply]:
        """Answers all, in order; `stream` tells more."""
        replies = dict(self.stream(asks))
        return [replies[i] for i in range(len(asks))]

    def stream(self, asks: Sequence[Ask]) -> Iterator[tuple[int, Reply]]:
        """Yields (index of the ask, its reply) as they come.

        When one fails for good no new request is sent, what is under way is still yielded, and
        then the error is raised. Raises ModelError (Refused among them) and, for a problem longer
        than the model's context, InputError.
        """
        failed = threading.Event()
        groups = self._groups(asks)
        under_way: dict[Future[list[Reply]], list[int]] = {
            self.pool.submit(self._unless, failed, [asks[i] for i in group]): group
            for group in groups
        }
        error: BaseException | None = None
        for future in as_completed(under_way):
            raised = future.exception()
            if raised is None:
                yield from zip(under_way[future], future.result(), strict=True)
            elif error is None and not isinstance(raised, Abandoned):
                error = raised
        if error is not None:
            raise error

    def question(self, problem: str) -> str:
        """A problem's text as it is asked."""
        return f"{self.instruction}\n\n{problem}" if self.instruction else problem

    def _unless(self, failed: threading.Event, asks: list[Ask]) -> list[Reply]:
        if failed.is_set():
            raise Abandoned
        try:
            return self._answered(asks)
        except BaseException:
            failed.set()
            raise

    def _groups(self, asks: Sequence[Ask]) -> list[list[int]]:
        """Indices of asks that differ in their seed alone, at most `choices` together."""
        alike: dict[Ask, list[int]] = {}
        for index, ask in enumerate(asks):
            alike.setdefault(replace(ask, seed=0), []).append(index)
        return [
            indices[start : start + self.choices]
            for indices in alike.values()
            for start in range(0, len(indices), self.choices)
        ]

    def _answered(self, asks: list[Ask]) -> list[Reply]:
        """[len(asks)] replies to asks that differ in their seed alone."""
        replies: list[Reply] = []
        while len(replies) < len(asks):  # a server may give fewer than it was asked for
            missing = asks[len(replies) :]
            answer = self._once(missing[0], len(missing))
            if answer is None:
                return [*replies, *[Reply((), "overflow", 0)] * len(missing)]
            if len(answer.choices) != len(missing):
                self.servers.note(f"{len(missing)} continuations asked for, other number came")
            kept = replace(answer, choices=answer.choices[: len(missing)])  # all of it was paid
            replies += self._replies(missing[0], kept)
        pairs = zip(asks, replies, strict=True)
        return [self._past_blanks(ask, reply) if _blank(reply) else reply for ask, reply in pairs]

    def _past_blanks(self, ask: Ask, blank: Reply) -> Reply:
        """A step that came back empty, asked for again behind more separators."""
        tokens = blank.tokens
        for more in range(1, BLANKS + 1):
            answer = self._once(ask, 1, blanks=more)
            if answer is None:
                return Reply((), "overflow", tokens)
            [reply, *_] = self._replies(ask, answer)
            tokens += reply.tokens
            if not _blank(reply):
                return replace(reply, tokens=tokens)
        # Nothing but blank lines: where an end looks like one, it is the end.
        return Reply((), "length" if self.abilities.stop_told else "end", tokens)

    def _once(self, ask: Ask, count: int, *, blanks: int = 0) -> Answer | None:
        """One request for `count` continuations; None if there is no room to write in."""
        body = self._body(ask, count, blanks)
        try:
            return self._sent(body)
        except Refused as refused:
            if not refused.overflow:
                raise
            self.servers.note("context overflow")
            room = self._room(body, refused)
        if room > 0:
            return self._sent({**body, self.abilities.limit: room})
        if not ask.said:
            raise InputError(
                f"a problem is longer than the context of {self.abilities.model!r}: "
                f"{ask.question[:60]!r}...; leave it out, or serve the model with a longer context"
            )
        return None

    def _sent(self, body: Json) -> Answer:
        dialect = DIALECTS[self.abilities.dialect]
        return self.servers.call(dialect.path, body, read=dialect.read)

    def _room(self, body: Json, refused: Refused) -> int:
        """Tokens left for an answer: for one token, the server counts the prompt."""
        told = _CONTEXT.search(refused.text)
        context = self.abilities.context or (int(told[1]) if told else 0)
        try:
            one = {name: value for name, value in body.items() if name != "n"}
            answer = self._sent({**one, self.abilities.limit: 1})
        except Refused as again:
            if again.overflow:
                return 0
            raise
        return min(self.sampling.max_tokens, context - (answer.prompt_tokens or context))

    def _body(self, ask: Ask, count: int, blanks: int) -> Json:
        """What is sent."""
        can, draws = self.abilities, self.sampling
        dialect = DIALECTS[can.dialect]
        said = "".join(step + self.separator for step in ask.said) + self.separator * blanks
        optional = {
            "n": count if count > 1 else None,
            "seed": ask.seed % _SEEDS if can.seed else None,
            "stop": [self.separator] if ask.until == "step" and can.steps else None,
            **(dialect.logprobs if can.logprobs else {}),
        }
        return {
            "model": can.model,
            **dialect.prompt(self.question(ask.question), said, can.prefill),
            can.limit: draws.max_tokens,
            "temperature": draws.temperature,
            "top_p": draws.top_p,
            **{name: value for name, value in optional.items() if value is not None},
        }

    def _replies(self, ask: Ask, answer: Answer) -> list[Reply]:
        """A reply for each choice; their tokens add up to what the server counted."""
        written = [len(choice.pieces) or len(choice.text) + 1 for choice in answer.choices]
        exact = answer.tokens is None or sum(written) == answer.tokens
        total = answer.tokens or sum(len(choice.pieces) for choice in answer.choices)
        sizes = written if exact and total else shares(total, written)
        pairs = zip(answer.choices, sizes, strict=True)
        return [self._reply(ask, choice, size) for choice, size in pairs]

    def _reply(self, ask: Ask, choice: Choice, size: int) -> Reply:
        text, why = choice.text, self._why(ask, choice)
        steps = cut(text, choice.pieces, size, self.separator)
        if ask.until == "step" and len(steps) > 1:  # it cannot stop; the rest was paid for too
            steps, why = (replace(steps[0], size=size),), "step"
        if why == "end" and steps:
            steps = (*steps[:-1], replace(steps[-1], ended=True))
        return Reply(steps, why, size)

    def _why(self, ask: Ask, choice: Choice) -> Why:
        if choice.finish == "length":
            return "length"
        if choice.finish not in ("stop", "eos", "end_turn"):
            return "filter"
        if ask.until == "end" or not self.abilities.steps:
            return "end"
        if choice.stopped_by is not None or choice.text.endswith(self.separator):
            return "step"
        return "end" if self.abilities.stop_told else "step"


def _blank(reply: Reply) -> bool:
    return reply.why == "step" and not reply.steps


def cut(text: str, pieces: Pieces, size: int, separator: str) -> tuple[Step, ...]:
    """A text as steps, whose sizes add up to `size`.

    Each token belongs to the step in which it begins, one after the last to the last, one
    of a blank line to the step before. Without tokens that spell the text, `size` is
    shared out by length.
    """
    lines = [line + separator for line in text.split(separator)]
    kept = [n for n, line in enumerate(lines) if line.strip()]
    if not kept:
        return ()
    widths = [len(line.encode(errors="replace")) for line in lines]
    starts = [0, *accumulate(widths)]
    # From where on each step's tokens are: blank lines belong to the step before.
    edges = [0, *(starts[n] for n in kept[1:])]
    texts = [lines[n].removesuffix(separator).strip() for n in kept]
    if b"".join(piece for piece, _ in pieces).startswith(text.encode(errors="replace")) and pieces:
        return _by_token(texts, edges, pieces, size)
    sizes = shares(size, [b - a for a, b in zip(edges, [*edges[1:], starts[-1]], strict=True)])
    return tuple(Step(t, size=n) for t, n in zip(texts, sizes, strict=True))


def _by_token(texts: list[str], edges: list[int], pieces: Pieces, size: int) -> tuple[Step, ...]:
    places = [0, *accumulate(len(piece) for piece, _ in pieces)]
    rows: list[list[float]] = [[] for _ in texts]
    row = 0
    for place, (_, value) in zip(places, pieces, strict=False):
        while row + 1 < len(edges) and place >= edges[row + 1]:
            row += 1
        rows[row].append(value)
    sizes = [len(values) for values in rows]
    sizes[-1] += max(0, size - len(pieces))  # an end token that is counted and not shown
    columns = zip(texts, rows, sizes, strict=True)
    return tuple(Step(text, logprobs=tuple(values), size=n) for text, values, n in columns)


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in whole parts as the weights are; the parts add up to it.

    >>> shares(10, [1, 1, 2])
    [3, 2, 5]
    """
    edges = [round(total * part / max(1, sum(weights))) for part in accumulate(weights)]
    return [b - a for a, b in zip([0, *edges[:-1]], edges, strict=True)]


Complete = Callable[[Sequence[Ask]], list[Reply]]
