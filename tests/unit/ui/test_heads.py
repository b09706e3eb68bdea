"""A HEAD is answered as a GET would be, without its body, and whoever stands before it sees a HEAD."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.testclient import TestClient

from candlewick_ui import heads


def app_with(seen):
    """An app that answers at once and without end; `seen` gets the method each message is sent under."""
    app = FastAPI()
    heads.install(app)

    class Watching:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            async def watch(message):
                seen.append((message["type"], scope["method"], message.get("body", b"")))
                await send(message)

            await self.app(scope, receive, watch)
            seen.append(("end", scope["method"], b""))

    app.add_middleware(Watching)

    @app.get("/")
    def answer() -> dict[str, int]:
        return {"one": 1}

    @app.post("/change")
    def change() -> None: ...

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def frames():
            while True:
                yield b"frame"
                await asyncio.sleep(0)

        return StreamingResponse(frames(), media_type="text/event-stream")

    return app


def test_it_has_the_headers_and_no_body():
    seen = []
    client = TestClient(app_with(seen))
    got, head = client.get("/"), client.head("/")

    assert (head.status_code, head.content, head.headers) == (200, b"", got.headers)
    assert seen[-3:] == [
        ("http.response.start", "HEAD", b""), ("http.response.body", "HEAD", b""), ("end", "HEAD", b""),
    ]  # fmt: skip


def test_of_what_only_changes_there_is_none():
    assert TestClient(app_with([])).head("/change").status_code == 405


def test_a_stream_without_end_ends_after_its_headers():
    head = TestClient(app_with([])).head("/stream")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")
