"""Critics: verifiers that write, and whose verdict is read from what they wrote.

    label of step s = (votes that say "right", votes that say anything)

A critique without a readable verdict on a step abstains: it adds to neither count, and a
step on which all votes abstain has a label without evidence (None), never a 0. A
`Scorer` owes a number, so `load_critic`'s raises there; `critique` keeps what is unknown.

A critic is a function of traces and of `write`, which answers chats: a local policy, an
endpoint, or a script in a test. Code that a critic writes is never run.

Dimension key: N traces or chats, S steps, V votes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from surefoot.core.errors import InputError, ModelError
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, LabelledTrace, StepLabel, StepScores, Trace, Usage
from surefoot.policy.local import LocalPolicy, load_policy
from surefoot.policy.local_decode import Request
from surefoot.policy.sampling import Sampling
from surefoot.steps.chat import chat_text
from surefoot.verifiers.score import LocalScorer


@dataclass(frozen=True, slots=True)
class Chat:
    """What a critic is asked.

    messages: (role, text), in order. opening: how its reply begins. stop: text after which
    the reply may end, or "". seed: decides the draw; equal chats get equal replies.
    """

    messages: tuple[tuple[str, str], ...]
    opening: str
    stop: str
    seed: int


@dataclass(frozen=True, slots=True)
class Written:
    """The reply after its opening, and the tokens read and written for it."""

    text: str
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Critique:
    """[S] verdicts on a trace's steps; None where none could be read. calls, tokens: their cost."""

    verdicts_S: tuple[bool | None, ...]
    calls: int
    tokens: int


Write = Callable[[Sequence[Chat]], list[Written]]
"""[N] a reply to each chat."""

Critic = Callable[[Sequence[Trace], Sequence[int], Write], list[Critique]]
"""(traces [N], seeds [N], write) -> one critique of each."""


def critique(
    critic: Critic, write: Write, traces_N: Sequence[Trace], *, votes: int, seed: int, by: str
) -> list[LabelledTrace]:
    """[N] labels from `votes` critiques of each trace, all asked for at once.

    The labels of a trace depend on its text and the seed, not on the traces beside it.
    Raises InputError for a trace without steps.
    """
    for trace in traces_N:
        if not trace.steps:
            raise InputError(f"a trace of problem {trace.problem.id!r} has no steps to judge")
    seeds_NV = [
        int(rng_for(seed, "critic", trace.problem.id, trace.text, vote).integers(1 << 62))
        for trace in traces_N
        for vote in range(votes)
    ]
    made = iter(critic([t for t in traces_N for _ in range(votes)], seeds_NV, write))
    return [_labelled(trace, [next(made) for _ in range(votes)], by) for trace in traces_N]


def _labelled(trace: Trace, critiques_V: Sequence[Critique], by: str) -> LabelledTrace:
    labels = []
    for verdicts_V in zip(*(c.verdicts_S for c in critiques_V), strict=True):
        readable = [verdict for verdict in verdicts_V if verdict is not None]
        labels.append(StepLabel(Kind.CORRECTNESS, sum(readable), len(readable), by))
    usage = Usage(
        verifier_tokens=sum(c.tokens for c in critiques_V), calls=sum(c.calls for c in critiques_V)
    )
    return LabelledTrace(trace, tuple(labels), usage)


def local_writer(policy: LocalPolicy) -> Write:
    """A local policy as a writer. It stops early at `stop` if that is the policy's separator."""
    tokenizer = policy.encoder.tokenizer
    if not tokenizer.chat_template:
        raise ModelError("a critic is asked in a chat, and this checkpoint has no chat template")

    def request(chat: Chat) -> Request:
        messages = [{"role": role, "content": text} for role, text in chat.messages]
        text = chat_text(tokenizer, messages)
        ids = tokenizer(text + chat.opening, add_special_tokens=False)["input_ids"]
        stops = chat.stop == policy.encoder.separator
        return Request(tuple(ids), chat.seed, "step" if stops else "end")

    def write(chats_N: Sequence[Chat]) -> list[Written]:
        requests = [request(chat) for chat in chats_N]
        return [
            Written(
                tokenizer.decode(reply.ids, skip_special_tokens=True),
                len(asked.ids) + len(reply.ids),
            )
            for asked, reply in zip(requests, policy.complete(requests), strict=True)
        ]

    return write


def load_critic(
    critic: Critic,
    folder: Path,
    name: str,
    *,
    dtype: str,
    device: str,
    stop: str = "\n",
    votes: int = 1,
    sampling: Sampling | None = None,
) -> LocalScorer:
    """A critic as a scorer: a step's score is the share of votes that call it right.

    Raises ModelError for a step on which every vote abstains, naming it.
    """
    sampling = sampling or Sampling(temperature=0.6, top_p=0.95, max_tokens=4096)
    policy = load_policy(
        str(folder), sampling=sampling, separator=stop, dtype=dtype, device=device, slots=32
    )
    write = local_writer(policy)

    def stream(traces: Sequence[Trace]) -> Iterator[tuple[int, StepScores]]:
        labelled = critique(critic, write, traces, votes=votes, seed=0, by=name)
        for index, item in enumerate(labelled):
            yield index, scores_of(item, name)

    def complete(traces: Sequence[Trace]) -> list[StepScores]:
        return [scores for _, scores in stream(traces)]

    return LocalScorer(stream, complete, f"{policy.fingerprint}|{_identity(critic)}|{votes}")


def _identity(critic: Critic) -> str:
    """The critic's function and settings, the same in every process."""
    settings = critic.args if isinstance(critic, partial) else ()
    function = critic.func if isinstance(critic, partial) else critic
    return f"{function.__module__}.{function.__qualname__}{settings}"


def scores_of(item: LabelledTrace, name: str) -> StepScores:
    """Labels as scores. Raises ModelError, naming the step, for one without evidence."""
    values = []
    for step, label in enumerate(item.labels):
        if label.value is None:
            raise ModelError(
                f"critic {name!r} gave no readable verdict on step {step} of problem "
                f"{item.trace.problem.id!r}; ask for more votes, or use `critique`, whose labels "
                "keep what is unknown"
            )
        values.append(label.value)
    return StepScores(Kind.CORRECTNESS, tuple(values), name, item.usage.verifier_tokens)
