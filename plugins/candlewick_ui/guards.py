"""What stands before every route: the number of the request, security headers, limits of requests and of their bodies.

Pure ASGI: answers that stream pass through unbuffered. Cross-origin rules are those of Airflow's own API (`[api]
access_control_allow_…`): its middleware stands before this app too, and answers preflights.
"""

from __future__ import annotations

import logging
import math
import time
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

import structlog
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection

from candlewick.settings import settings
from candlewick_ui.paging import NEXT_HEADER
from candlewick_ui.problems import HEADER, answer, begin_request
from candlewick_ui.rate_limit import RateLimit
from candlewick_ui.same_origin import SameOrigin, bearer_token
from candlewick_ui.turns import Turns

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

MOST_BODY_BYTES = 256 * 1024
LOGINS_OF_AN_ADDRESS = 10  # so many may ask as often as they may from one address, as from behind a proxy
SECURITY_HEADERS = {
    # Airflow shows these pages in a frame of its own origin; nobody else may. Styles: Plotly writes them into its elements.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self'; "
        "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# What a page of another origin that Airflow allows may read of an answer.
EXPOSED = f"{HEADER}, ETag, Retry-After, {NEXT_HEADER}"


class Guards:
    """The middleware."""

    def __init__(self, app: ASGIApp, limit: RateLimit | None = None) -> None:
        self.app = app
        self.limit = limit or RateLimit(settings().api_requests_per_minute)
        # Nobody has looked at a token yet: whoever makes one up for each request is still one address.
        self.limit_of_address = RateLimit(LOGINS_OF_AN_ADDRESS * self.limit.per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Number the request, count it, answer it, and put the headers on the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        number, started, status = begin_request(headers.get(HEADER)), time.perf_counter(), 0
        path = quote(scope["path"])  # a line break in it would begin a line of the log

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"] = int(message["status"])  # as a word of an enum it would be in Airflow's log
                _complete(MutableHeaders(scope=message), number, headers.get("origin"))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=number):  # Airflow puts them into every line of its log
            try:
                await self._pass(scope, receive, send_with_headers)
            except Exception:
                log.exception("unexpected error in %s %s", scope["method"], path)
                if status:  # too late to say anything else
                    raise
                detail = "something here went wrong that nobody foresaw; the log of the api-server has it under this request_id"
                await answer(HTTPStatus.INTERNAL_SERVER_ERROR, detail)(scope, receive, send_with_headers)
            finally:
                took = (time.perf_counter() - started) * 1000
                log.info("%s %s %s in %.1f ms", scope["method"], path, status, took)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        login, address = caller(scope)
        if wait := self.limit.wait(login or address) or self.limit_of_address.wait(address):
            seconds = math.ceil(wait)
            refusal = answer(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"expected at most {self.limit.per_minute} requests a minute, got more; ask again in {seconds} s",
                headers={"Retry-After": str(seconds)},
            )
            await refusal(scope, receive, send)
        else:
            await self.app(scope, bounded(receive), send)


def _complete(headers: MutableHeaders, number: str, origin: str | None) -> None:
    headers[HEADER] = number
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")  # what says nothing of it is of one login, or of one moment
    if origin:
        headers["Access-Control-Expose-Headers"] = EXPOSED


def bounded(receive: Receive, most: int = MOST_BODY_BYTES) -> Receive:
    """Return a ``receive`` that refuses a body of more bytes, whatever its headers say of its length."""
    seen = 0

    async def receive_some() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            sentence = f"expected a body of at most {most} bytes, got more; send less at once"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
        return message

    return receive_some


def caller(scope: Scope) -> tuple[str | None, str]:
    """Name who asks, without asking who that is: the token that Airflow will look at, if there is one, and the address."""
    connection = HTTPConnection(scope)
    token = bearer_token(connection.headers) or connection.cookies.get(COOKIE_NAME_JWT_TOKEN)
    return str(hash(token)) if token else None, connection.client.host if connection.client else ""


def install(app: FastAPI) -> None:
    """Put them before an app: the guards first, then the turns, then where a change was asked for."""
    app.add_middleware(SameOrigin)
    app.add_middleware(Turns)
    app.add_middleware(Guards)  # the last one added is the first one asked
