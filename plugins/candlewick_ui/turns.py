"""Who comes first is answered first: at most a few requests for data are worked on at a time, the others wait in line.

Their threads share one interpreter with the loop that serves all of them and Airflow: twenty at once finish no earlier than
in turns, only in no order, and each as late as the last. Two keep it busy, one at work while the other waits for the
warehouse. Whoever turns out to take long goes on beside them, so that two of those do not hold up everybody.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING

from candlewick_ui.problems import answer
from candlewick_ui.same_origin import SAFE_METHODS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

AT_ONCE, QUICK_AT_ONCE = 4, 2
QUICK_SECONDS = 0.25
WAIT_SECONDS = 5.0
# What is made of many rows: the API and the charts. Pages and their files are there also when the warehouse holds up these.
WAIT = ("/api/v1/", "/figures/")
# The first never ends; the others are what a monitor asks, most of all when the warehouse holds up all the rest.
NEVER_WAIT = tuple(
    f"/api/v1/{name}" for name in ("stream", "health/live", "health/ready", "health/freshness", "metrics")
)


class Turns:
    """The middleware."""

    def __init__(
        self,
        app: ASGIApp,
        at_once: int = AT_ONCE,
        quick_at_once: int = QUICK_AT_ONCE,
        wait_seconds: float = WAIT_SECONDS,
        quick_seconds: float = QUICK_SECONDS,
    ) -> None:
        self.app, self._wait_seconds, self._quick_seconds = app, wait_seconds, quick_seconds
        self._all, self._quick = asyncio.Semaphore(at_once), asyncio.Semaphore(quick_at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request when its turn has come, or say that it did not come in time."""
        if scope["type"] != "http" or not _waits(scope["method"], scope["path"]):
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._wait_seconds):
                turn = await self._turn()
        except TimeoutError:
            detail = f"too many requests are being answered, this one had no turn within {self._wait_seconds:g} s; ask again in a moment"
            refusal = answer(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "2"})
            await refusal(scope, receive, send)
            return

        async def send_after_it(message: Message) -> None:
            turn.close()  # the answer is made; who reads it slowly keeps nobody waiting
            await send(message)

        with turn:
            await self.app(scope, receive, send_after_it)

    async def _turn(self) -> ExitStack:
        """Wait for a turn; closing it gives it back."""
        with ExitStack() as turn:
            await self._all.acquire()
            turn.callback(self._all.release)
            await self._quick.acquire()
            quick = turn.enter_context(ExitStack())
            quick.callback(self._quick.release)
            turn.callback(asyncio.get_running_loop().call_later(self._quick_seconds, quick.close).cancel)
            return turn.pop_all()


def _waits(method: str, path: str) -> bool:
    # A body is read within the turn: who sends it slowly would keep it.
    return method in SAFE_METHODS and any(part in path for part in WAIT) and not path.endswith(NEVER_WAIT)
