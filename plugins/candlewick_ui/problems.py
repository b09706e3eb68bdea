"""Errors as RFC 9457 problem details, and the number of the request in each of them and in every log line."""

from __future__ import annotations

import contextvars
import logging
import re
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from candlewick_ui.database import DatabaseBusy, DatabaseDown

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from fastapi.responses import Response

MEDIA_TYPE = "application/problem+json"
HEADER = "X-Request-ID"
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


class RequestIdFilter(logging.Filter):
    """Puts the number of the request in front of each line it lets pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the line, and let it pass."""
        record.msg = f"[{request_id()}] {record.msg}"
        return True


class Problem(Exception):  # noqa: N818 -- RFC 9457's own word
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
        "status": status,
        "detail": detail,
        "request_id": request_id(),
        **more,
    }
    return JSONResponse(body, status, media_type=MEDIA_TYPE, headers={HEADER: request_id(), **(headers or {})})


def install(app: FastAPI) -> None:
    """Let the app answer each kind of error as a problem."""

    @app.exception_handler(Problem)
    def _problem(_: Request, error: Problem) -> Response:
        return answer(error.status, error.detail, headers=error.headers, **error.more)

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> Response:
        return answer(error.status_code, str(error.detail), headers=dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    def _invalid(_: Request, error: RequestValidationError) -> Response:
        wrong = [
            {"where": ".".join(map(str, one["loc"])), "expected": one["msg"], "got": repr(one.get("input"))[:200]}
            for one in error.errors()
        ]
        first = wrong[0]
        detail = f"{first['where']}: {first['expected'].lower()}, got {first['got']}; correct the request"
        return answer(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=wrong)

    @app.exception_handler(DatabaseBusy)
    def _busy(_: Request, error: DatabaseBusy) -> Response:
        return answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers={"Retry-After": "2"})

    @app.exception_handler(DatabaseDown)
    def _down(_: Request, error: DatabaseDown) -> Response:
        log.warning("%s", error)
        return answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers={"Retry-After": "10"})

    @app.exception_handler(Exception)
    def _unexpected(_: Request, error: Exception) -> Response:
        log.error("unexpected error", exc_info=error)
        detail = "something here went wrong that nobody foresaw; the log of the api-server has it under this request_id"
        return answer(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
