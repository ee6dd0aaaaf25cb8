"""What a gateway is made of: plain functions, and limits.

    served = Served("pebble", sampler=sampler, searches={"": one_solution, "vote8": vote8})

A search here takes (problem, *, sample, score, rng, budget); `uniform` makes one of any search
of the library.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import LabelledTrace, Problem, Trace, Verdict
from surefoot.policy.sampling import Sampling
from surefoot.search import Found, Unfinished
from surefoot.search.result import spend_completions, unfinished
from surefoot.steps.sample import finished_trace


class Search(Protocol):
    """How a model of the gateway answers."""

    def __call__(
        self,
        problem: Problem,
        *,
        sample: Sampler,
        score: Scorer | None,
        rng: np.random.Generator,
        budget: Budget | None,
    ) -> Found | Unfinished:
        """The answer to one problem; score is the gateway's verifier, if it has one."""


class Labeller(Protocol):
    """How the gateway labels steps."""

    def __call__(self, trace: Trace, *, sample: Sampler, seed: int) -> LabelledTrace:
        """Evidence about each step of a trace, whose verdict nobody has told yet."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """What a gateway serves.

    name: of the policy. Models are called NAME, or NAME+SEARCH by the names of `searches`.
    sampler: the policy that draws as a request wants it; asked for with every request.
    searches: by name; "" is the plain policy.
    score: the verifier, for searches and for /v1/score; aggregation: of its steps' scores.
    labellers: by name, for /v1/label.
    prompt_tokens: how long a problem is for the policy. context: the longest that it takes with
      its solution; None if nobody knows.
    sampling: what holds where a request says nothing.
    separator: between the steps of an answer.
    fingerprint: changes whenever the same request and seed could get another answer.
    """

    name: str
    sampler: Callable[[Sampling], Sampler]
    searches: Mapping[str, Search]
    score: Scorer | None = None
    aggregation: str | None = None
    labellers: Mapping[str, Labeller] = field(default_factory=dict)
    prompt_tokens: Callable[[Problem], int] = lambda problem: len(problem.text)
    context: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    separator: str = "\n"
    fingerprint: str = ""

    @property
    def models(self) -> dict[str, str]:
        """The name of its search, by model."""
        return {f"{self.name}+{s}" if s else self.name: s for s in self.searches}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may ask, and all together.

    body_bytes: of a request. body_seconds: for it to come. messages: of a conversation.
    traces: of a /v1/score or /v1/label. steps: of all those traces. choices: n, times the prompts.
    max_tokens: of one solution.
    waiting: searches that may wait for one of the crew's threads.
    seconds: then a request is answered with the best so far.
    """

    body_bytes: int = 1 << 20
    body_seconds: float = 30.0
    messages: int = 64
    traces: int = 64
    steps: int = 2048
    choices: int = 16
    max_tokens: int = 2048
    waiting: int = 256
    seconds: float = 300.0


def uniform(search: Callable[..., Found | Unfinished], settings: Mapping[str, Any]) -> Search:
    """A search of the library as a `Search`.

    settings: its parameters by name; those that it does not have are left out, and so are the
      verbs that it does not take.
    """
    known = set(inspect.signature(search).parameters)
    fixed = {name: value for name, value in settings.items() if name in known}

    def run(
        problem: Problem,
        *,
        sample: Sampler,
        score: Scorer | None,
        rng: np.random.Generator,
        budget: Budget | None,
    ) -> Found | Unfinished:
        verbs = {"sample": sample, "score": score, "rng": rng, "budget": budget}
        return search(problem, **{k: v for k, v in verbs.items() if k in known}, **fixed)

    return run


def one_solution(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    rng: np.random.Generator,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The plain policy as a search: its one solution, with or without an answer."""
    meter = Meter(budget or Budget())
    if meter.exhausted():
        return unfinished(problem, (), meter)
    [ends] = sample(problem, [()], count=1, rng=rng)
    spend_completions(meter, [ends])
    traces = [finished_trace(problem, (), end, check) for end in ends if end.steps]
    if not traces or not traces[0].finished:
        return unfinished(problem, traces, meter)
    return Found(problem, traces[0], tuple(traces), (), meter.total())


def nothing_to_check(problem: Problem, trace: Trace) -> Verdict:  # noqa: ARG001
    """The checker of a server, whose problems have no gold answer: it is never asked."""
    raise InputError(f"problem {problem.id!r} has no gold answer; nothing can be checked")
