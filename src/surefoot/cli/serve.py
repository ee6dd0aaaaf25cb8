"""`surefoot serve`: searches as the models of an OpenAI-compatible server."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli import _options as o
from surefoot.cli._common import at_least_one, say, unescaped
from surefoot.core.errors import InputError, need
from surefoot.engine import Journal, OpenCrew
from surefoot.policy.sampling import Sampling

TOKENS = "SUREFOOT_TOKENS"
SEARCHES = ["vote8", "best_of_16", "beam4x4"]
GRACE = 5.0  # seconds that searches have to end when the server stops

Verifier = Annotated[
    str, typer.Option(help='As for `surefoot search`, for searches and /v1/score; "" for none.')
]
Searches = Annotated[
    list[str],
    typer.Option(
        help="A model to serve, such as vote8, best_of_16, beam4x4, or any search of "
        "`surefoot search` with its settings; may be repeated."
    ),
]
Name = Annotated[
    str | None, typer.Option(help="What clients call the policy (default: by --policy).")
]
Runs = Annotated[
    list[Path] | None,
    typer.Option(help="A file or folder of runs to look at under /view; may be repeated."),
]
Host = Annotated[str, typer.Option(help="The address to listen at.")]
Port = Annotated[int, typer.Option(help="The port; 0 takes a free one.")]
NoToken = Annotated[
    bool, typer.Option("--no-token", help="Let everybody in who can reach the port.")
]
Temperature = Annotated[
    float, typer.Option(help="Where a request says nothing; 0 takes the likeliest token.")
]
TopP = Annotated[float, typer.Option(help="Where a request says nothing.")]
MaxTokens = Annotated[
    int, typer.Option(help="Most tokens of one solution, where a request says nothing.")
]
Completions = Annotated[int, typer.Option(help="Rollouts of each prefix for /v1/label.")]
InFlight = Annotated[int, typer.Option(help="Searches worked on at once.")]
Waiting = Annotated[int, typer.Option(help="Searches that may wait; more are refused.")]
Seconds = Annotated[
    float, typer.Option(help="Most seconds of a request; then the best so far is the answer.")
]
MostTokens = Annotated[int, typer.Option(help="The largest max_tokens that a request may ask for.")]
MostChoices = Annotated[int, typer.Option(help="The largest n, times the prompts, of a request.")]
MostBytes = Annotated[int, typer.Option(help="The largest body of a request.")]
JournalPath = Annotated[
    Path | None,
    typer.Option(help="Keep finished model calls here; equal requests cost nothing again."),
]


def serve(
    policy: o.Policy = "pebble",
    verifier: Verifier = "pebble-verifier",
    search: Searches = SEARCHES,
    name: Name = None,
    runs: Runs = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    no_token: NoToken = False,
    temperature: Temperature = 0.8,
    top_p: TopP = 1.0,
    max_tokens: MaxTokens = 512,
    separator: o.Separator = "\\n",
    aggregation: o.Aggregation = None,
    completions: Completions = 8,
    in_flight: InFlight = 64,
    waiting: Waiting = 256,
    seconds: Seconds = 300.0,
    most_tokens: MostTokens = 2048,
    most_choices: MostChoices = 16,
    most_bytes: MostBytes = 1 << 20,
    journal: JournalPath = None,
    dtype: o.Dtype = "auto",
    device: o.Device = "auto",
) -> None:
    """Serve searches as the models of an OpenAI-compatible API.

    Models are the policy (pebble) and the searches over it (pebble+vote8, pebble+beam4x4); any
    client of the API can use them. Clients present one of the tokens in the environment variable
    SUREFOOT_TOKENS (separated by commas) as their API key.

    POST /v1/chat/completions, /v1/completions (whole or streamed), /v1/score, /v1/label;
    GET /v1/models, /health, /metrics (Prometheus), /openapi.json, /view (with --runs).

    Prints the address to stderr and serves until Ctrl-C; a second one ends it at once.

    Example:
        export SUREFOOT_TOKENS=secret
        surefoot serve --policy pebble --search vote8 --search beam4x4 --port 8000
    """
    for package in ("fastapi", "uvicorn", "prometheus_client"):
        need(package, "serve")
    from surefoot.cli._serving import (
        digest,
        labellers_of,
        name_of,
        policy_of,
        refuse_misfits,
        scorer_of,
        searches_of,
    )
    from surefoot.serve import Limits, Served, gateway

    at_least_one(in_flight=in_flight, completions=completions, most_choices=most_choices)
    tokens = _tokens(no_token=no_token)
    searches, scored = searches_of(search, same=_same, aggregation=aggregation)
    if scored and not verifier:
        raise InputError("--verifier is empty, but a --search needs one; leave one of them out")
    called, crew = name or name_of(policy), OpenCrew(in_flight)
    kept = None if journal is None else Journal(journal)
    loading = {"separator": unescaped(separator), "dtype": dtype, "device": device}
    loaded = policy_of(policy, crew, kept, loading)
    scorer = scorer_of(verifier, crew, kept, device) if verifier else None
    refuse_misfits(search, verifier, scorer)
    served = Served(
        name=called,
        sampler=loaded.sampler,
        searches=searches,
        score=scorer,
        aggregation=aggregation or getattr(scorer, "aggregation", None),
        labellers=labellers_of(completions),
        prompt_tokens=loaded.prompt_tokens,
        context=loaded.context,
        sampling=Sampling(temperature, top_p, max_tokens),
        separator=loading["separator"],
        fingerprint=digest(loaded.fingerprint, scorer and scorer.fingerprint),
    )
    limits = Limits(
        body_bytes=most_bytes, choices=most_choices, max_tokens=most_tokens, waiting=waiting,
        seconds=seconds,
    )  # fmt: skip
    app = gateway(served, crew=crew, tokens=tokens, limits=limits)
    if runs:
        from surefoot.serve.viewer import viewer_router

        app.include_router(viewer_router(runs))
    _listen(app, host, port, list(served.models))


def _tokens(*, no_token: bool) -> list[str] | None:
    """What clients present, from the environment; None where everybody is let in."""
    found = [token.strip() for token in os.environ.get(TOKENS, "").split(",") if token.strip()]
    if bool(found) == no_token:
        raise InputError(
            f"{TOKENS} is set, and so is --no-token; leave one of them out"
            if found
            else f"set {TOKENS} to the tokens that clients present (separated by commas), or say "
            "--no-token to let everybody in who can reach the port"
        )
    return found or None


def _listen(app: Any, host: str, port: int, names: list[str]) -> None:
    from surefoot.serve.gateway_server import bound, listen

    socket = bound(host, port)
    shown = f"[{host}]" if ":" in host else host  # brackets keep IPv6 and port apart
    address = f"http://{shown}:{socket.getsockname()[1]}"
    say(f"serving {', '.join(names)} at {address}/v1; Ctrl-C ends it")
    listen(app, socket, grace=GRACE)


def _same(left: str, right: str) -> bool:
    """Are two answers equivalent?"""
    from surefoot.tasks.equal import equal

    return left == right or equal(left, right) is True
