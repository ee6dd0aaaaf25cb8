"""Searches as the models of an OpenAI-compatible server.

    listen(gateway(served, crew=OpenCrew(64), tokens=[...]), sock)

    POST /v1/chat/completions, /v1/completions    a search's answer, whole or as events
    POST /v1/score, /v1/label                     the steps of traces
    GET  /v1/models, /health, /metrics, /openapi.json

`served` is made of plain functions that know nothing of HTTP (`gateway_parts.Served`): a policy,
a verifier, searches by name. They run in the crew's threads; model calls that go through
`crew.merged` are shared by all clients.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from surefoot.core.errors import InputError, need
from surefoot.engine import OpenCrew
from surefoot.serve.gateway_parts import Limits, Served

if TYPE_CHECKING:
    from fastapi import FastAPI

    from surefoot.serve.gateway_routes import Routes

ABOUT = "Searches over a policy and a verifier, as models of an OpenAI-compatible API."
PLAIN_TEXT = {"content": {"text/plain": {"schema": {"type": "string"}}}}
EVENTS = {"text/event-stream": {"schema": {"type": "string"}}}


def gateway(
    served: Served,
    *,
    crew: OpenCrew,
    tokens: Sequence[str] | None,
    limits: Limits | None = None,
) -> "FastAPI":
    """The server as an ASGI application, which closes the crew when it ends.

    tokens: those that clients may present; None, said on purpose, lets everybody in.
    Raises InputError for an empty list of tokens, MissingExtra without FastAPI.
    """
    fastapi = need("fastapi", "serve")
    need("prometheus_client", "serve")
    from surefoot.serve.gateway_errors import tell_errors
    from surefoot.serve.gateway_guard import Guard
    from surefoot.serve.gateway_metrics import Counted
    from surefoot.serve.gateway_routes import Routes

    if tokens is not None and not tokens:
        raise InputError("give at least one token, or None to let everybody in")
    limits = limits or Limits()
    routes = Routes(served, crew, limits)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        yield
        routes.desk.stop_all()
        await asyncio.to_thread(crew.close)

    app: FastAPI = fastapi.FastAPI(
        title="Surefoot", description=ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    _add_routes(app, routes, guarded=tokens is not None)
    tell_errors(app)
    app.state.desk = routes.desk  # for `gateway_server`, which tells it to end
    app.add_middleware(
        Guard,
        tokens=tokens or (),
        body_bytes=limits.body_bytes,
        body_seconds=limits.body_seconds,
    )
    app.add_middleware(Counted, metrics=routes.metrics)
    _mend_openapi(app)
    return app


def _add_routes(app: "FastAPI", routes: "Routes", *, guarded: bool) -> None:
    from fastapi import Depends
    from fastapi.security import HTTPBearer

    from surefoot.serve import gateway_schemas as say

    def failing(*statuses: int) -> dict[int | str, dict[str, Any]]:
        return {status: {"model": say.ErrorBody} for status in statuses}

    token = [Depends(HTTPBearer(auto_error=False))] if guarded else []
    refused = failing(401) if guarded else {}
    asked = {**refused, **failing(400, 404, 408, 413, 429, 500, 502, 503, 504)}
    chat: dict[int | str, dict[str, Any]] = {200: {"model": say.ChatCompletion, "content": EVENTS}}
    text: dict[int | str, dict[str, Any]] = {200: {"model": say.TextCompletion, "content": EVENTS}}
    app.post("/v1/chat/completions", dependencies=token, responses=asked | chat)(routes.chat)
    app.post("/v1/completions", dependencies=token, responses=asked | text)(routes.complete)
    app.post("/v1/score", dependencies=token, responses=asked)(routes.score)
    app.post("/v1/label", dependencies=token, responses=asked)(routes.label)
    app.get("/v1/models", dependencies=token, responses=refused)(routes.models)
    app.get("/v1/models/{name}", dependencies=token, responses={**refused, **failing(400, 404)})(
        routes.model
    )
    app.get("/metrics", dependencies=token, responses={**refused, 200: PLAIN_TEXT})(
        routes.metrics_page
    )
    app.get("/health")(routes.health)


def _mend_openapi(app: "FastAPI") -> None:
    """Takes what FastAPI would say of invalid bodies (422) out: here they are answered by 400."""
    plain = app.openapi

    def mended() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = plain()
            for operations in schema["paths"].values():
                for operation in operations.values():
                    operation["responses"].pop("422", None)
            for name in ("HTTPValidationError", "ValidationError"):
                schema["components"]["schemas"].pop(name, None)
        return app.openapi_schema or {}

    app.openapi = mended  # type: ignore[method-assign]
