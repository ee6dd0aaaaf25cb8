"""A model behind an OpenAI-compatible server as a policy: vLLM, SGLang, llama.cpp, a hosted API.

    policy = load_endpoint("http://localhost:8000/v1#MODEL", sampling=Sampling(temperature=0.8))
    [[completion]] = policy(problem, [()], count=1, rng=rng_for(0, problem.id))

What the server can do is found out first (`policy.abilities`), and every gap is said once.
Requests are made in threads, at most `at_once` of them; `policy.through(...)` puts a journal in
front, so that an answer is paid for once.

Dimension key: P prefixes, K completions of one prefix.
"""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Self

from surefoot.core.errors import InputError
from surefoot.core.protocols import Steps, Until
from surefoot.core.seeds import Rng, each_own
from surefoot.core.types import Completion, Problem
from surefoot.policy.abilities import Abilities, probe
from surefoot.policy.http import PATIENT, Patience, Servers, checked_url, key_for
from surefoot.policy.sampling import Sampling
from surefoot.policy.served import Ask, Complete, Reply, Served
from surefoot.steps.encode import INSTRUCTION

CHOICES = 8  # continuations a request where seeds are of no use


@dataclass(frozen=True)
class EndpointPolicy:
    """A `Sampler`. Build it with `load_endpoint`.

    served: the model at work.
    complete: answers asks; the server itself, or something around it.
    fingerprint: changes whenever the same ask could get another answer.
    """

    served: Served
    complete: Complete
    fingerprint: str

    def __call__(
        self,
        problem: Problem,
        prefixes_P: Sequence[Steps],
        *,
        count: int,
        rng: Rng,
        until: Until = "end",
    ) -> list[list[Completion]]:
        """[P][K] completions, all asked for at once; a finished prefix is its own completion.

        One that outgrows the model's context comes back unfinished. Raises ModelError if no
        server answers or one refuses, InputError for a problem longer than the context.
        """
        seeds_P_K = [own.integers(1 << 62, size=count) for own in each_own(rng, len(prefixes_P))]
        asks = [
            Ask(problem.text, tuple(step.text for step in prefix), int(seed), until)
            for prefix, seeds_K in zip(prefixes_P, seeds_P_K, strict=True)
            if not _ended(prefix)
            for seed in seeds_K
        ]
        replies = iter(self.complete(asks) if asks else [])
        return [
            [Completion((), finished=True)] * count
            if _ended(prefix)
            else [_completion(next(replies)) for _ in range(count)]
            for prefix in prefixes_P
        ]

    def through(self, wrap: Callable[[Self], Complete]) -> Self:
        """The same policy with its requests wrapped."""
        return replace(self, complete=wrap(self))


def _ended(prefix: Steps) -> bool:
    return bool(prefix) and prefix[-1].ended


def _completion(reply: Reply) -> Completion:
    silent = reply.tokens - sum(step.tokens for step in reply.steps)
    return Completion(reply.steps, reply.finished, silent)


@dataclass(frozen=True, slots=True)
class Address:
    """urls: of servers that answer alike. model: its name there, or "" where there is but one.
    dialect: "chat" or "plain", or "" for what the server can."""

    urls: tuple[str, ...]
    model: str = ""
    dialect: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """Reads "URL#MODEL" or "URL,URL#MODEL".

        A URL that ends in /chat/completions or /completions fixes the dialect. Raises InputError
        for one that cannot be used.
        """
        places, _, model = text.partition("#")
        urls = [url.strip().rstrip("/") for url in places.split(",")]
        dialect = ""
        for path, name in (("/chat/completions", "chat"), ("/completions", "plain")):
            if all(url.endswith(path) for url in urls):
                urls, dialect = [url.removesuffix(path) for url in urls], dialect or name
        return cls(tuple(map(checked_url, urls)), model, dialect)


def is_address(name: str) -> bool:
    """Does a policy's name mean a server?"""
    return name.startswith(("http://", "https://"))


def probed(
    address: str,
    *,
    separator: str = "\n",
    key_from: str | None = None,
    patience: Patience = PATIENT,
) -> Abilities:
    """What the model at an address can do; see `load_endpoint`, of which it has the errors."""
    place = Address.of(address)
    servers = Servers(place.urls, key=key_for(place.urls, key_from), patience=patience)
    try:
        return probe(servers, place.model, dialect=place.dialect, separator=separator)
    finally:
        servers.close()


def load_endpoint(
    address: str,
    *,
    sampling: Sampling | None = None,
    separator: str = "\n",
    instruction: str = INSTRUCTION,
    key_from: str | None = None,
    at_once: int = 32,
    choices: int | None = None,
    patience: Patience = PATIENT,
    abilities: Abilities | None = None,
    say: Callable[[str], None] = warnings.warn,
) -> EndpointPolicy:
    """A served model as a policy.

    Args:
      address: "http://localhost:8000/v1#MODEL"; several URLs, with commas, share the work and
        stand in for each other. The model may be left out where only one is served.
      sampling: how tokens are drawn; temperature 1 by default.
      separator: text that ends a step.
      instruction: said to a chat before each problem; "" for none, as a judge wants it.
      key_from: the environment variable with the API key (default: `http.key_for`).
      at_once: most requests under way.
      choices: most continuations asked for in one request. Each request has one seed, so with 1
        (the default where the server has seeds) each continuation has its own; more pay for the
        prompt once.
      patience: how long to go on where the server fails.
      abilities: what the server can do, where that is known; asked of it otherwise.
      say: is told each gap, once.

    Raises InputError for an address that cannot be used, ModelError if nobody answers there.
    """
    if at_once < 1 or (choices is not None and choices < 1):
        raise InputError(f"at_once and choices must be 1 or more, got {at_once} and {choices}")
    place = Address.of(address)
    servers = Servers(place.urls, key=key_for(place.urls, key_from), patience=patience)
    if abilities is None:
        abilities = probe(servers, place.model, dialect=place.dialect, separator=separator)
    for gap in abilities.gaps():
        say(f"{place.urls[0]}: {gap}")
    if abilities.dialect == "plain":
        instruction = ""
    sampling = sampling or Sampling()
    most = choices or (1 if abilities.seed else CHOICES)
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="endpoint")
    served = Served(
        servers, abilities, sampling, separator, instruction, most if abilities.n else 1, pool
    )
    return EndpointPolicy(served, served.complete, _fingerprint(served))


def _fingerprint(served: Served) -> str:
    """Of all that decides an answer; the address does not: a server may move."""
    can = served.abilities
    parts = (
        "endpoint", can.model, can.root, can.dialect, can.prefill, str(can.steps),
        repr(served.sampling), served.separator, served.instruction,
    )  # fmt: skip
    return "|".join(parts)
