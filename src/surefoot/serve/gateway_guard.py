"""Who may ask, and how much: before a request's body is read.

Tokens are compared in constant time. A body is counted as it comes, whatever its header says.
"""

import hmac
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from surefoot.core.errors import InputError
from surefoot.serve.gateway_errors import Refusal, error_response

OPEN = ("/health", "/openapi.json", "/view")  # tell nothing of anybody's work


class Guard:
    """Middleware that answers 401 without a token and 413 to a large body.

    tokens: those that are accepted; empty accepts everybody.
    """

    def __init__(self, app: ASGIApp, *, tokens: Sequence[str], body_bytes: int) -> None:
        if any(not token.strip() or token != token.strip() for token in tokens):
            raise InputError("a token must be some text without spaces around it")
        self._app, self._most = app, body_bytes
        self._too_large = f"the body has more than {body_bytes} bytes"
        self._tokens = [token.encode() for token in tokens]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await error_response(refusal)(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = dict(scope["headers"])
        if scope["path"] not in OPEN and not self._admits(headers.get(b"authorization", b"")):
            told = "a bearer token is needed: send the header 'Authorization: Bearer TOKEN'"
            return Refusal(401, told, code="invalid_api_key")
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:18]) > self._most:
            return Refusal(413, self._too_large, code="body_too_large")
        return None

    def _admits(self, given: bytes) -> bool:
        scheme, _, token = given.partition(b" ")
        right = [hmac.compare_digest(token.strip(), known) for known in self._tokens]
        return not right or (scheme.lower() == b"bearer" and any(right))

    def _counted(self, receive: Receive) -> Receive:
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._most:
                raise HTTPException(413, self._too_large)  # the one error that FastAPI lets pass
            return message

        return counted
