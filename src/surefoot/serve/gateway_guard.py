"""Who may ask, and how much: before a request's body is read.

Tokens are compared in constant time. A body is counted as it comes, whatever its header says, and
must be there in time.
"""

import asyncio
import hmac
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from surefoot.core.errors import InputError, Stopped
from surefoot.serve.gateway_errors import Refusal, error_response, refusal_of

OPEN = ("/health", "/openapi.json", "/view")  # tell nothing of anybody's work


class Guard:
    """Middleware that answers 401 without a token, 413 to a large body and 408 to a slow one.

    tokens: those that are accepted; empty accepts everybody.
    body_bytes, body_seconds: the most of a body; the seconds begin when its headers are there.
    """

    def __init__(
        self, app: ASGIApp, *, tokens: Sequence[str], body_bytes: int, body_seconds: float
    ) -> None:
        if any(not token.strip() or token != token.strip() for token in tokens):
            raise InputError("a token must be some text without spaces around it")
        self._app, self._most, self._seconds = app, body_bytes, body_seconds
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
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, self._counted(receive), noted)
        except asyncio.CancelledError:
            # Only a server that ends without more patience cancels requests: it would answer 500.
            if not begun:
                await error_response(refusal_of(Stopped("cancelled")))(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = dict(scope["headers"])
        if scope["path"] not in OPEN and not self._admits(headers.get(b"authorization", b"")):
            told = (
                "a token of this server is needed (SUREFOOT_TOKENS where it runs): set "
                "SUREFOOT_API_KEY for surefoot's clients, OPENAI_API_KEY for OpenAI's, or send "
                "the header 'Authorization: Bearer TOKEN'"
            )
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
        size, whole = 0, False
        ends = asyncio.get_running_loop().time() + self._seconds

        async def counted() -> Message:
            nonlocal size, whole
            if whole:  # what comes next, at any time, is that the client has hung up
                return await receive()
            try:
                async with asyncio.timeout_at(ends):
                    message = await receive()
            except TimeoutError:
                told = f"the body was not there within {self._seconds:g} seconds"
                raise HTTPException(408, told, {"Connection": "close"}) from None
            whole = not message.get("more_body", False)
            size += len(message.get("body", b""))
            if size > self._most:
                raise HTTPException(413, self._too_large)  # the one error that FastAPI lets pass
            return message

        return counted
