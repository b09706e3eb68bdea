"""Errors as RFC 9457 problem details, and the number of the request in each of them and in every log line."""

from __future__ import annotations

import contextvars
import logging
import re
import uuid
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from jwt.exceptions import ExpiredSignatureError, InvalidTokenError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from candlewick_ui.database import DatabaseBusy, DatabaseDown

MEDIA_TYPE = "application/problem+json"
HEADER = "X-Request-ID"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "RFC 9457; `about:blank`: the title says it."},
        "title": {"type": "string", "description": "The HTTP status in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What was expected, what came, what to do."},
        "request_id": {"type": "string", "description": "Number of the request, also in the log."},
    },
}
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="-")

log = logging.getLogger(__name__)


def begin_request(given: str | None) -> str:
    """Number this request, as its caller did or with a number of our own; return it."""
    number = given if given and _PLAIN.fullmatch(given) else uuid.uuid4().hex
    _current.set(number)
    return number


def request_id() -> str:
    """Return the number of the request that is being answered; `-` outside of one."""
    return _current.get()


class Problem(Exception):
    """An error the caller can do something about.

    Args:
        status: HTTP status.
        detail: one sentence: what was expected, what came, what to do.
        more: members of the answer beside RFC 9457's own.
        headers: of the answer.
    """

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.more, self.headers = status, detail, more, headers


def answer(status: int, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """Return a problem as an answer."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "request_id": request_id(),
        **more,
    }
    return JSONResponse(body, status, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store", **(headers or {})})


def _http(request: Request, error: HTTPException) -> Response:
    headers = dict(error.headers or {})
    if isinstance(error.__context__, InvalidTokenError):
        return _refused_token(error.__context__)
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", "Bearer")
        return answer(error.status_code, f"expected a login of Airflow, got none ({error.detail}); POST /auth/token gives a token", headers=headers)  # fmt: skip
    if error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI's, of a body whose bytes are no text
        return answer(error.status_code, f"expected a body of JSON in UTF-8, got other bytes ({error.detail}); correct the request", headers=headers)  # fmt: skip
    if error.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):  # Starlette's: ours are Problems
        return _no_route(request, error.status_code)
    return answer(error.status_code, str(error.detail), headers=headers)


def _refused_token(error: InvalidTokenError) -> Response:
    """Airflow answers a token that is none with 403; RFC 6750, 3.1: 401, so that a program knows to ask for another one."""
    has_expired = isinstance(error, ExpiredSignatureError)
    got = "one that has expired" if has_expired else "one that was logged out, or that Airflow did not give"
    sentence = f"expected a token of Airflow, got {got}; POST /auth/token gives a new one"
    return answer(HTTPStatus.UNAUTHORIZED, sentence, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def _no_route(request: Request, status: int) -> Response:
    path, docs = request.url.path[:200], f"{request.scope.get('root_path', '')}/api/docs"
    allowed = allowed_methods(request)
    if status == HTTPStatus.NOT_FOUND:
        return answer(status, f"expected a path there is, got {path!r}; {docs} lists those of the API")
    sentence = f"expected {' or '.join(allowed)} of {path!r}, got {request.method}; {docs} says what each does"
    return answer(status, sentence, headers={"Allow": ", ".join(allowed)})


def allowed_methods(request: Request) -> list[str]:
    """Return the methods of a path: those of all its routes, where Starlette's own `Allow` has those of the first."""
    routes = (route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE)
    found = {method for route in routes for method in route.methods}
    return sorted(found | {"HEAD"} if "GET" in found else found)


def install(app: FastAPI) -> None:
    """Let the app answer each kind of error as a problem; what nobody foresaw is caught by the guards."""

    @app.exception_handler(Problem)
    def _problem(_: Request, error: Problem) -> Response:
        return answer(error.status, error.detail, headers=error.headers, **error.more)

    app.exception_handler(HTTPException)(_http)

    @app.exception_handler(RequestValidationError)
    def _invalid(_: Request, error: RequestValidationError) -> Response:
        wrong = [
            {"where": ".".join(map(str, one["loc"])), "expected": one["msg"], "got": repr(one.get("input"))[:200]}
            for one in error.errors()
        ]
        first, kind = wrong[0], error.errors()[0]["type"]
        expected = first["expected"][:1].lower() + first["expected"][1:]
        detail = f"{first['where']}: {expected}, got {first['got']}; correct the request"
        if kind == "value_error":  # a sentence of ours, which says what came and what to do
            detail = f"{first['where']}: {first['expected'].removeprefix('Value error, ')}"
        elif kind == "json_invalid":
            why = error.errors()[0].get("ctx", {}).get("error", "it cannot be read")
            detail = f"{first['where']}: expected JSON, got something else ({why}); correct the request"
        return answer(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=wrong)

    @app.exception_handler(DatabaseBusy)
    def _busy(_: Request, error: DatabaseBusy) -> Response:
        return answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers={"Retry-After": "2"})

    @app.exception_handler(DatabaseDown)
    def _down(_: Request, error: DatabaseDown) -> Response:
        log.warning("%s", error)
        return answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers={"Retry-After": "10"})
