"""What a request comes to: which problems, which search, drawn how, within what.

problem   the conversation's text; its id is a digest of it
k-th of n its own generator of (seed, search, problem, k), so equal requests have equal answers
strategy  of `surefoot` in the body, instead of the search in the model's name
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from surefoot.core.budget import Budget
from surefoot.core.seeds import rng_for
from surefoot.core.types import Problem, Step, Trace
from surefoot.policy.sampling import Sampling
from surefoot.serve.gateway_answers import Answer, answer_of
from surefoot.serve.gateway_errors import Refusal
from surefoot.serve.gateway_parts import Limits, Search, Served
from surefoot.serve.gateway_schemas import (
    Generation,
    Message,
    ProblemIn,
    SearchOptions,
    TraceIn,
)
from surefoot.serve.gateway_watch import Watch, stopping

SEEDS = 1 << 53  # what any JSON reader keeps exactly


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request for completions. choices: the problem of each, and its place among the n."""

    model: str
    name: str
    search: Search
    sampling: Sampling
    stops: Sequence[str]
    seed: int
    budget: Budget | None
    problems: Sequence[Problem]
    n: int

    def works(self, served: Served) -> list[tuple[Watch, Callable[[], Answer]]]:
        """One for each choice, n for each problem."""
        watches = [Watch(served.aggregation) for _ in range(self.n * len(self.problems))]
        return [
            (watch, partial(self._answer, served, watch, self.problems[i // self.n], i % self.n))
            for i, watch in enumerate(watches)
        ]

    def _answer(self, served: Served, watch: Watch, problem: Problem, k: int) -> Answer:
        policy = watch.sampler(served.sampler(self.sampling))
        result = self.search(
            problem,
            sample=stopping(policy, self.stops, served.separator),
            score=None if served.score is None else watch.scorer(served.score),
            rng=rng_for(self.seed, "serve", self.name, problem.id, k),
            budget=self.budget,
        )
        return answer_of(result, watch)


def asked(
    body: Generation,
    texts: Sequence[str],
    max_tokens: int | None,
    *,
    served: Served,
    limits: Limits,
) -> Ask:
    """The request, if it is within the limits. Raises Refusal (400, 404)."""
    model, name = search_of(body.model, body.surefoot, served)
    n = body.n or 1
    within("n", n * len(texts), limits.choices)
    usual = served.sampling
    longest = usual.max_tokens if max_tokens is None else max_tokens
    within("max_tokens", longest, limits.max_tokens)
    sampling = Sampling(
        usual.temperature if body.temperature is None else body.temperature,
        usual.top_p if body.top_p is None else body.top_p,
        longest,
    )
    return Ask(
        model=model,
        name=name,
        search=served.searches[name],
        sampling=sampling,
        stops=body.stops,
        seed=secrets.randbelow(SEEDS) if body.seed is None else body.seed,
        budget=budget_of(body.surefoot),
        problems=[problem_of_text(text) for text in texts],
        n=n,
    )


def search_of(model: str, options: SearchOptions | None, served: Served) -> tuple[str, str]:
    """The model's and the search's name. Raises Refusal (404) for one that is not served."""
    if model not in served.models:
        told = f"there is no model {model[:80]!r}; there are {', '.join(served.models)}"
        raise Refusal(404, told, param="model", code="model_not_found")
    strategy = options.strategy if options is not None else None
    if strategy is None:
        return model, served.models[model]
    if strategy not in served.searches:
        names = ", ".join(repr(name) for name in served.searches)
        told = f"there is no strategy {strategy[:80]!r}; there are {names}"
        raise Refusal(404, told, param="surefoot.strategy", code="strategy_not_found")
    return model, strategy


def budget_of(options: SearchOptions | None) -> Budget | None:
    """The limits of each choice's search; None without any, so that it draws all at once."""
    if options is None:
        return None
    budget = Budget(
        policy_tokens=options.policy_tokens,
        verifier_tokens=options.verifier_tokens,
        calls=options.calls,
        seconds=options.seconds,
    )
    return None if budget == Budget() else budget


def within(param: str, value: int, most: int) -> None:
    """Raises Refusal (400) for more than the limit."""
    if value > most:
        raise Refusal(400, f"{param}: {value} is over this server's limit of {most}", param=param)


def text_of(messages: Sequence[Message], most: int) -> str:
    """A conversation as one problem: bare texts, with their speakers once the assistant spoke.

    Raises Refusal (400) if there is nothing to answer.
    """
    within("messages", len(messages), most)
    if messages[-1].role != "user":
        told = "messages: the last one must be the user's; answers cannot be continued"
        raise Refusal(400, told, param="messages")
    if not messages[-1].text.strip():
        raise Refusal(400, "messages: the last one is empty", param="messages")
    spoken = [message for message in messages if message.text.strip()]
    if all(message.role != "assistant" for message in spoken):
        return "\n\n".join(message.text for message in spoken)
    return "\n\n".join(f"{message.role.capitalize()}: {message.text}" for message in spoken)


def problem_of_text(text: str) -> Problem:
    """A problem that is known by its text alone."""
    return Problem(f"asked-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}", text)


def traces_of(rows: Sequence[TraceIn], limits: Limits) -> list[Trace]:
    """The traces of a request. Raises Refusal (400) for too many."""
    within("traces", len(rows), limits.traces)
    within("steps", sum(len(row.steps) for row in rows), limits.steps)
    return [Trace(_problem_of(row.problem), tuple(map(Step, row.steps))) for row in rows]


def _problem_of(row: ProblemIn | str) -> Problem:
    if isinstance(row, str):
        return problem_of_text(row)
    return Problem(row.id, row.problem, row.answer)
