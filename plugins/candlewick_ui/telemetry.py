"""Spans of requests (those of their statements the reader makes), for whoever switched OpenTelemetry on in Airflow (`[traces] otel_on`).

Airflow then sets up the exporter in the api-server; without it every span here is a no-op. Names of attributes:
https://opentelemetry.io/docs/specs/semconv/http/http-spans/ and …/db/database-spans/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from starlette.datastructures import Headers

from candlewick_ui.problems import request_id

if TYPE_CHECKING:
    from fastapi import FastAPI
    from opentelemetry.trace import Span, Tracer
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAME = "candlewick"
SERVER_ERROR = 500


class Traced:
    """The middleware: a span a request, named by its route; a stream's ends with the stream."""

    def __init__(self, app: ASGIApp, tracer: Tracer | None = None) -> None:
        self.app, self.tracer = app, tracer or trace.get_tracer(NAME)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer inside of a span, which belongs to the caller's trace if it sent one (`traceparent`)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"]
        parent = propagate.extract(Headers(scope=scope))
        attributes = {"http.request.method": method, "url.path": scope["path"]}
        with self.tracer.start_as_current_span(method, parent, SpanKind.SERVER, attributes) as span:

            async def send_and_note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _note(span, scope, message["status"])
                await send(message)

            await self.app(scope, receive, send_and_note)


def _note(span: Span, scope: Scope, status: int) -> None:
    route = getattr(scope.get("route"), "path", None)
    if route:
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    span.set_attribute("candlewick.request_id", request_id())
    if status >= SERVER_ERROR:
        span.set_status(Status(StatusCode.ERROR))


def install(app: FastAPI) -> None:
    """Put it before an app."""
    app.add_middleware(Traced)
