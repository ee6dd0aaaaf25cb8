"""A policy and a verifier for clients who all want something else, their calls merged."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from surefoot.cli._common import models, say
from surefoot.cli._searches import KINDS, METHODS, refuse_misfit, search_of, takes, written_out
from surefoot.cli._work import LIKELIHOOD
from surefoot.core.errors import InputError
from surefoot.core.protocols import Sampler
from surefoot.core.types import Completion, LabelledTrace, Problem, Trace
from surefoot.engine import Journal, OpenCrew
from surefoot.policy.endpoint import is_address
from surefoot.policy.sampling import Sampling
from surefoot.serve import Labeller, Search, nothing_to_check, one_solution, uniform

WAYS = 64  # of drawing that are kept ready


def searches_of(
    specs: Sequence[str], *, same: Callable[[str, str], bool], aggregation: str | None
) -> tuple[dict[str, Search], bool]:
    """The plain policy and the searches by their names as given; does one want a verifier?"""
    shared = {"check": nothing_to_check, "same": same, "aggregation": aggregation}
    found = {"": uniform(one_solution, shared)}
    scored = False
    for spec in specs:
        _, search = search_of("--search", written_out(spec, METHODS), METHODS)
        found[spec] = uniform(search, shared)
        scored |= "score" in takes(search)
    return found, scored


def refuse_misfits(specs: Sequence[str], verifier: str, scorer: Any) -> None:
    """Raises KindError if one of the searches cannot use the verifier's scores."""
    for spec in specs:
        method = written_out(spec, METHODS).partition(":")[0]
        if method in KINDS:
            refuse_misfit(verifier, scorer, method, KINDS[method])


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy that draws in any way; see `serve.Served` for the fields."""

    sampler: Callable[[Sampling], Sampler]
    fingerprint: str
    context: int | None
    prompt_tokens: Callable[[Problem], int]


def policy_of(name: str, crew: OpenCrew, journal: Journal | None, loading: Any) -> Loaded:
    """A policy by name, loaded once. Requests that draw alike share their batches."""
    load = _endpoint if is_address(name) else _local
    return load(name, crew, journal, loading)


def _local(name: str, crew: OpenCrew, journal: Journal | None, loading: Any) -> Loaded:
    models(loading["device"])
    from surefoot.engine.calls import policy_calls
    from surefoot.policy.local import LocalPolicy, load_policy
    from surefoot.policy.local_decode import Reply

    loaded = load_policy(name, **loading)

    def through_crew(policy: LocalPolicy) -> Any:
        if journal is None:
            return crew.merged(policy.complete)
        stream = policy.decoder.stream
        return policy_calls(stream, policy.fingerprint, journal, crew, reply=Reply)

    @lru_cache(WAYS)
    def sampler(sampling: Sampling) -> Sampler:
        decoder = loaded.decoder.drawing(sampling)
        fingerprint = f"{loaded.fingerprint}|{sampling!r}"
        drawing = replace(
            loaded, decoder=decoder, complete=decoder.complete, fingerprint=fingerprint
        )
        return drawing.through(through_crew)

    def prompt_tokens(problem: Problem) -> int:
        return len(loaded.encoder.prompt(problem))

    return Loaded(sampler, loaded.fingerprint, loaded.decoder.limit, prompt_tokens)


def _endpoint(address: str, _: OpenCrew, journal: Journal | None, loading: Any) -> Loaded:
    """A served policy, whose server merges what it is asked itself."""
    from surefoot.engine.calls import served_calls
    from surefoot.policy.endpoint import EndpointPolicy, load_endpoint
    from surefoot.policy.served import Reply

    loaded = load_endpoint(address, separator=loading["separator"], say=say)

    def recorded(policy: EndpointPolicy) -> Any:
        if journal is None:
            return policy.complete
        return served_calls(policy.served.stream, policy.fingerprint, journal, reply=Reply)

    @lru_cache(WAYS)
    def sampler(sampling: Sampling) -> Sampler:
        served = replace(loaded.served, sampling=sampling)
        fingerprint = f"{loaded.fingerprint}|{sampling!r}"
        drawing = replace(loaded, served=served, complete=served.complete, fingerprint=fingerprint)
        return drawing.through(recorded)

    def prompt_tokens(_: Problem) -> int:
        return 0  # it does not tell beforehand

    return Loaded(sampler, loaded.fingerprint, loaded.served.abilities.context, prompt_tokens)


def scorer_of(name: str, crew: OpenCrew, journal: Journal | None, device: str) -> Any:
    """A verifier, or likelihood:MODEL, its calls merged."""
    models(device)
    from surefoot.engine.calls import scorer_calls
    from surefoot.verifiers import load_likelihood, load_scorer

    if name.startswith(LIKELIHOOD):
        loaded = load_likelihood(name.removeprefix(LIKELIHOOD), device=device)
    else:
        loaded = load_scorer(name, device=device)
    if journal is None:
        return loaded.through(lambda scorer: crew.merged(scorer.complete))
    return loaded.through(lambda s: scorer_calls(s.stream, s.fingerprint, journal, crew))


def labellers_of(rollouts: int) -> Mapping[str, Labeller]:
    """Methods of /v1/label by name; those that check rollouts want gold answers."""
    from surefoot import annotate
    from surefoot.steps import Rollouts
    from surefoot.tasks.load import checker_for

    check = checker_for("asked.jsonl")

    def by_rollouts(method: Callable[..., LabelledTrace]) -> Labeller:
        def label(trace: Trace, *, sample: Sampler, seed: int) -> LabelledTrace:
            drawn = Rollouts(trace.problem, sample=sample, check=check, seed=seed)
            return method(checked(trace), rollouts=drawn, completions=rollouts)

        return label

    def checked(trace: Trace) -> Trace:
        from surefoot.steps.sample import finished_trace

        return finished_trace(trace.problem, trace.steps, Completion(()), check)

    def calculator(trace: Trace, *, sample: Sampler, seed: int) -> LabelledTrace:  # noqa: ARG001
        return annotate.calculator(trace)

    return {
        "monte_carlo": by_rollouts(annotate.monte_carlo),
        "omega_trace": by_rollouts(annotate.omega_trace),
        "calculator": calculator,
    }


def digest(*fingerprints: str | None) -> str:
    """Of policy and verifier, short enough for every answer."""
    return hashlib.blake2b("|".join(map(str, fingerprints)).encode(), digest_size=8).hexdigest()


def name_of(policy: str) -> str:
    """What clients call it: a served model's own name, a folder's last part."""
    place, _, model = policy.partition("#")
    name = model or place
    short = Path(name).name if Path(name).exists() or is_address(name) else name
    if not short or "+" in short:
        raise InputError(f"--name: give clients a name for the policy {policy!r}, without a +")
    return short
