"""Who comes first is answered first: at most a few requests for data are worked on at a time, the others wait in line.

Their threads share one interpreter with the loop that serves all of them and Airflow: twenty at once finish no earlier than
in turns, only in no order, and each as late as the last.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from candlewick_ui.problems import answer
from candlewick_ui.same_origin import SAFE_METHODS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

AT_ONCE = 4
WAIT_SECONDS = 5.0
# What is made of many rows: the API and the charts. Pages and their files are there also when the warehouse holds up these.
WAIT = ("/api/v1/", "/figures/")
# The first never ends; the others are what a monitor asks, most of all when the warehouse holds up all the rest.
NEVER_WAIT = tuple(
    f"/api/v1/{name}" for name in ("stream", "health/live", "health/ready", "health/freshness", "metrics")
)


class Turns:
    """The middleware."""

    def __init__(self, app: ASGIApp, at_once: int = AT_ONCE, wait_seconds: float = WAIT_SECONDS) -> None:
        self.app, self._wait_seconds = app, wait_seconds
        self._free = asyncio.Semaphore(at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request when its turn has come, or say that it did not come in time."""
        if scope["type"] != "http" or not _waits(scope["method"], scope["path"]):
            await self.app(scope, receive, send)
            return
        try:
            await asyncio.wait_for(self._free.acquire(), self._wait_seconds)
        except TimeoutError:
            detail = f"too many requests are being answered, this one had no turn within {self._wait_seconds:g} s; ask again in a moment"
            refusal = answer(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "2"})
            await refusal(scope, receive, send)
            return
        is_mine = True

        async def send_after_it(message: Message) -> None:
            nonlocal is_mine
            if is_mine:  # the answer is made; who reads it slowly keeps nobody waiting
                is_mine = False
                self._free.release()
            await send(message)

        try:
            await self.app(scope, receive, send_after_it)
        finally:
            if is_mine:
                self._free.release()


def _waits(method: str, path: str) -> bool:
    # A body is read within the turn: who sends it slowly would keep it.
    return method in SAFE_METHODS and any(part in path for part in WAIT) and not path.endswith(NEVER_WAIT)
