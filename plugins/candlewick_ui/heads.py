"""HEAD is answered wherever GET is (RFC 9110, 9.3.2): as GET would be, without the body.

FastAPI's routes know no HEAD of their own; as methods of theirs each would be one more operation of the description.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Heads:
    """The middleware: pure ASGI, the one nearest to the routes, so that those before it know what was asked."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a HEAD with the headers of a GET."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        is_over = False

        async def send_head(message: Message) -> None:
            nonlocal is_over
            scope["method"] = "HEAD"  # for those before it: theirs is the same scope, and the server's own
            if message["type"] == "http.response.start":
                await send(message)
            elif not is_over:  # of a stream too, which has no end: the server then says that nobody listens any more
                is_over = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        scope["method"] = "GET"
        try:
            await self.app(scope, receive, send_head)
        finally:
            scope["method"] = "HEAD"


def install(app: FastAPI) -> None:
    """Put it before an app, behind whatever is installed later."""
    app.add_middleware(Heads)
