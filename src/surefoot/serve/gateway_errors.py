"""What goes wrong, in the shape of OpenAI's API: {"error": {message, type, param, code}}.

Refusal          what the gateway itself refuses, with its status
InputError       400: the request cannot be served as it is; KindError likewise
ModelError       502: the model behind the gateway failed
Stopped          503: the server is stopping
anything else    500, without its words; the server's log has them
"""

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from surefoot.core.errors import InputError, KindError, ModelError, Stopped, SurefootError, TooLong
from surefoot.serve.gateway_schemas import ErrorBody, Fault

if TYPE_CHECKING:
    from fastapi import FastAPI

TYPES = {401: "authentication_error", 404: "invalid_request_error", 429: "rate_limit_error"}
CODES = {
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "body_too_large",
}
TRY_AGAIN = {"Retry-After": "1"}


class Refusal(SurefootError):
    """An answer other than 200."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param, code


def refusal_of(error: BaseException) -> Refusal:
    """Any error as one that may be told."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, TooLong):
        return Refusal(400, str(error), code="context_length_exceeded")
    if isinstance(error, InputError | KindError):
        return Refusal(400, str(error))
    if isinstance(error, Stopped):
        return Refusal(503, "the server is stopping", code="stopping")
    if isinstance(error, ModelError):
        return Refusal(502, str(error), code="model_failed")
    return Refusal(500, "the server failed; its log says more", code="internal_error")


def error_body(error: Refusal) -> dict[str, Any]:
    """What is sent."""
    known = TYPES.get(error.status)
    kind = known or ("server_error" if error.status >= 500 else "invalid_request_error")
    fault = Fault(message=str(error), type=kind, param=error.param, code=error.code)
    return ErrorBody(error=fault).model_dump()


def error_response(error: Refusal) -> JSONResponse:
    """`error_body` with its status and headers."""
    headers = TRY_AGAIN if error.status in (429, 503) else {}
    if error.status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    return JSONResponse(error_body(error), error.status, headers)


def tell_errors(app: "FastAPI") -> None:
    """Makes an app answer all errors in this shape."""
    from fastapi.exceptions import RequestValidationError

    async def known(_: Request, error: Exception) -> JSONResponse:
        return error_response(refusal_of(error))

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return error_response(_first_of(error.errors()))

    async def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        refusal = Refusal(error.status_code, str(error.detail), code=CODES.get(error.status_code))
        response = error_response(refusal)
        response.headers.update(error.headers or {})
        return response

    app.add_exception_handler(SurefootError, known)
    app.add_exception_handler(Exception, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def _first_of(errors: Any) -> Refusal:
    """The first thing wrong with a body, and the field that it is in."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return Refusal(400, "the body is not JSON", code="invalid_json")
    place = [str(part) for part in first["loc"][1:]]  # the first is "body"
    param = ".".join(part for part in place if part != "str" and "[" not in part) or None
    why = first["msg"].removeprefix("Value error, ")
    return Refusal(400, f"{param or 'body'}: {why}", param=param)
