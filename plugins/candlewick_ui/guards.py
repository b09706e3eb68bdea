"""What stands before every route: the number of the request, security headers, cross-origin rules, a limit of requests.

Pure ASGI: answers that stream pass through unbuffered.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from airflow.configuration import conf
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware

from candlewick_ui.problems import HEADER, answer, begin_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    Next = Callable[[Message], Awaitable[None]]

log = logging.getLogger(__name__)

REQUESTS, PER_SECONDS = 600, 60.0
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
}


class RateLimit:
    """At most so many requests of one caller in a sliding time; counted in this process."""

    def __init__(self, most: int = REQUESTS, seconds: float = PER_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self.seconds, self._clock = most, seconds, clock
        self._seen: dict[str, deque[float]] = {}

    def wait(self, caller: str) -> float:
        """Count a request; return 0 when it may go on, else the seconds after which it may."""
        now = self._clock()
        seen = self._seen.setdefault(caller, deque())
        while seen and seen[0] <= now - self.seconds:
            seen.popleft()
        if len(seen) >= self.most:
            return seen[0] + self.seconds - now
        seen.append(now)
        if len(self._seen) > 10 * self.most:  # callers that are gone must not pile up
            self._seen = {name: times for name, times in self._seen.items() if times and times[-1] > now - self.seconds}
        return 0.0


class Guards:
    """The middleware."""

    def __init__(self, app: ASGIApp, limit: RateLimit | None = None) -> None:
        self.app, self.limit = app, limit or RateLimit()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Number the request, count it, answer it, and put the headers on the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        number, started, seen = begin_request(headers.get(HEADER)), time.perf_counter(), [0]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen[0] = message["status"]
                out = MutableHeaders(scope=message)
                out[HEADER] = number
                for name, value in SECURITY_HEADERS.items():
                    out.setdefault(name, value)
            await send(message)

        if wait := self.limit.wait(caller(headers, scope)):
            refusal = answer(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"expected at most {self.limit.most} requests in {self.limit.seconds:.0f} s, got more; wait {wait:.0f} s",
                headers={"Retry-After": str(int(wait) + 1)},
            )
            await refusal(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send_with_headers)
        took = (time.perf_counter() - started) * 1000
        log.info("[%s] %s %s %s %.0f ms", number, scope["method"], scope["path"], seen[0], took)


def caller(headers: Headers, scope: Scope) -> str:
    """Name who asks, without asking who that is: the login's token, else the address."""
    token = headers.get("authorization") or headers.get("cookie")
    return str(hash(token)) if token else str((scope.get("client") or ("",))[0])


def install(app: FastAPI, **limits: Any) -> None:
    """Put them before an app. Cross-origin rules are those of Airflow's own API (`[api] access_control_allow_…`)."""
    app.add_middleware(Guards, **limits)
    origins = conf.getlist("api", "access_control_allow_origins")
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=conf.getlist("api", "access_control_allow_methods"),
            allow_headers=conf.getlist("api", "access_control_allow_headers"),
            allow_credentials=True,
            expose_headers=[HEADER, "ETag"],
        )
