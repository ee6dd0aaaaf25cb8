"""What a served model makes of given steps: a `Scorer` from the log-probabilities of what it reads.

    score of step t = log P(s_t | problem, s_1 .. s_{t-1})

as of `verifiers.load_likelihood`, of a model that is here. vLLM gives these with a chat
(prompt_logprobs) and with a plain prompt; others with a plain prompt alone (echo), and many not
at all.

Dimension key: N traces, S steps.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Self

from surefoot.core.errors import InputError, ModelError
from surefoot.core.types import Kind, StepScores, Trace
from surefoot.policy.abilities import prompt_logprobs_of
from surefoot.policy.dialects import DIALECTS, logprob
from surefoot.policy.endpoint import EndpointPolicy
from surefoot.policy.http import Json, Refused
from surefoot.policy.served import Served

Complete = Callable[[Sequence[Trace]], list[StepScores]]
Tokens = list[tuple[str, float]]


@dataclass(frozen=True)
class ServedScorer:
    """A `Scorer` of kind logratio. Build it with `likelihood_of`.

    complete: answers traces; the server itself, or something around it.
    fingerprint: changes whenever the same trace could get other scores.
    """

    served: Served
    complete: Complete
    fingerprint: str
    aggregation: str | None = None

    def __call__(self, traces_N: Sequence[Trace]) -> list[StepScores]:
        """[N] scores, one a step each; a request for each trace."""
        return self.complete(traces_N) if traces_N else []

    def stream(self, traces_N: Sequence[Trace]) -> Iterator[tuple[int, StepScores]]:
        """Yields (index, scores) as they come. Raises InputError for a trace that does not fit,
        ModelError if the server fails or its tokens do not spell the steps."""
        pool = self.served.pool
        under_way = {pool.submit(_score, self.served, t): n for n, t in enumerate(traces_N)}
        try:
            for future in as_completed(under_way):
                yield under_way[future], future.result()
        finally:
            for future in under_way:
                future.cancel()

    def through(self, wrap: Callable[[Self], Complete]) -> Self:
        """The same scorer with its requests wrapped."""
        return replace(self, complete=wrap(self))


def likelihood_of(policy: EndpointPolicy) -> ServedScorer:
    """The model behind a served policy as a reader. Raises ModelError if it cannot read aloud."""
    served, can = policy.served, policy.served.abilities
    if not can.prompt_logprobs or (can.dialect == "chat" and not can.prefill):
        raise ModelError(
            f"{served.servers.urls[0]} gives no log-probabilities of what it reads, so steps "
            "cannot be scored by their likelihood; vLLM does, or try the URL with /completions"
        )

    def complete(traces_N: Sequence[Trace]) -> list[StepScores]:
        scores = dict(scorer.stream(traces_N))
        return [scores[n] for n in range(len(traces_N))]

    scorer = ServedScorer(served, complete, f"likelihood|{policy.fingerprint}")
    return scorer


def _score(served: Served, trace: Trace) -> StepScores:
    texts = [step.text + served.separator for step in trace.steps]
    tokens, read = _read(served, trace, "".join(texts))
    values = spans(tokens, texts, kept_end=served.abilities.keeps_end)
    if values is None:
        raise ModelError(
            f"a trace of problem {trace.problem.id!r}: the tokens that the server read do not "
            f"spell its {len(texts)} steps; is something rewriting prompts in between?"
        )
    return StepScores(Kind.LOGRATIO, values, served.abilities.model, read)


def _read(served: Served, trace: Trace, said: str) -> tuple[Tokens, int]:
    """The tokens read, and how many the server counts."""
    can, dialect = served.abilities, DIALECTS[served.abilities.dialect]
    echo = can.prompt_logprobs == "echo"
    asked: Json = {"echo": True, **dialect.logprobs} if echo else {"prompt_logprobs": 0}
    question = served.question(trace.problem.text)
    body = {
        "model": can.model,
        **dialect.prompt(question, said, can.prefill),
        can.limit: 1,
        "temperature": 0.0,
        **asked,
    }
    try:
        raw = served.servers.call(dialect.path, body, read=lambda answer: answer)
    except Refused as refused:
        if not refused.overflow:
            raise
        raise InputError(
            f"a trace of problem {trace.problem.id!r} does not fit into the context of "
            f"{can.model!r}: {refused.text[:200]}; nothing is cut off silently"
        ) from refused
    answer = dialect.read(raw)
    if not echo:
        return [_entry(row) for row in prompt_logprobs_of(raw)], answer.prompt_tokens or 0
    pieces = answer.choices[0].pieces[: answer.prompt_tokens]  # without the one it wrote
    return [(piece.decode(errors="replace"), value) for piece, value in pieces], len(pieces)


def _entry(row: Any) -> tuple[str, float]:
    """Of vLLM's {id: {"logprob", "decoded_token"}}, the first of which is the token read."""
    if not row:
        return "", 0.0
    token = next(iter(row.values()))
    return token.get("decoded_token") or "", logprob(token.get("logprob"))


def spans(tokens: Tokens, texts_S: Sequence[str], *, kept_end: bool) -> tuple[float, ...] | None:
    """[S] the sum of each text's tokens, the last of which spell the texts; None if they do not.

    A token belongs to the text in which it begins. Letters outside ASCII may be split over tokens
    that no text shows, so only those within it are counted.
    """
    said = [_ascii(text) for text in texts_S]
    if said and not kept_end:
        said[-1] = said[-1].rstrip()
    places = [0, *accumulate(len(_ascii(token)) for token, _ in tokens)]
    if not _ascii("".join(token for token, _ in tokens)).endswith("".join(said)):
        return None
    first = places[-1] - sum(map(len, said))
    edges = [first, *(first + end for end in accumulate(map(len, said)))]
    sums = [0.0] * len(said)
    step = 0
    for place, (_, value) in zip(places, tokens, strict=False):
        while step + 1 < len(said) and place >= edges[step + 1]:
            step += 1
        if said and place >= first:
            sums[step] += value
    return tuple(sums)


def _ascii(text: str) -> str:
    return text.encode("ascii", errors="ignore").decode()
