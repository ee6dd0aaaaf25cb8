"""Prometheus metrics of one gateway. Labels are names of routes and models, no text of clients."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from surefoot.core.types import Usage

SECONDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300)


class Metrics:
    """in_flight: asked whenever the metrics are read."""

    def __init__(self, in_flight: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "surefoot_requests", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self.searches = Counter(
            "surefoot_searches", "Searches by how they ended.", ["model", "end"],
            registry=self.registry,
        )  # fmt: skip
        self.tokens = Counter(
            "surefoot_tokens", "Tokens by who spent them.", ["model", "by"], registry=self.registry
        )
        self.seconds = Histogram(
            "surefoot_search_seconds", "Time to an answer.", ["model"], buckets=SECONDS,
            registry=self.registry,
        )  # fmt: skip
        gauge = Gauge(
            "surefoot_in_flight", "Searches that run, wait, or were stopped and have not ended.",
            registry=self.registry,
        )  # fmt: skip
        gauge.set_function(in_flight)

    def ended(self, model: str, end: str, usage: Usage) -> None:
        """One search of a model ended: found, unfinished, timeout, stopped or failed."""
        self.searches.labels(model, end).inc()
        self.tokens.labels(model, "policy").inc(usage.policy_tokens)
        self.tokens.labels(model, "verifier").inc(usage.verifier_tokens)
        self.seconds.labels(model).observe(usage.seconds)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self.registry)


class Counted:
    """Middleware that counts requests by route and status."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._requests = app, metrics.requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                self._requests.labels(route, str(message["status"])).inc()
            await send(message)

        await self._app(scope, receive, counted)
