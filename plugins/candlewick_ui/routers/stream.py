"""New candles and pipeline events as server-sent events."""

from functools import lru_cache
from http import HTTPStatus
from threading import Lock
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import StreamingResponse

from candlewick.settings import settings
from candlewick_ui.database import reader
from candlewick_ui.identity import ReaderDep
from candlewick_ui.problems import Problem
from candlewick_ui.stream.feed import Feed, Kind
from candlewick_ui.stream.hub import MOST_LISTENERS, MOST_OF_ONE, Hub

router = APIRouter(tags=["market"])
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


_making = Lock()


def hub() -> Hub:
    """Return this process's hub, made when the first comes to listen."""
    with _making:  # the first two may come at once, in threads of their own
        return _hub()


@lru_cache(maxsize=1)
def _hub() -> Hub:
    return Hub(Feed(reader(), settings().exchange))


HubDep = Annotated[Hub, Depends(hub)]


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={
        200: {"description": "Messages without end.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    },
)
async def stream(
    hub: HubDep,
    user: ReaderDep,
    symbols: Annotated[
        str | None, Query(max_length=5000, description="Candles of these only, comma separated.")
    ] = None,
    kinds: Annotated[list[Kind] | None, Query(description="Messages of these kinds only.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=100, description="The last message that was seen.")] = None,
) -> StreamingResponse:
    """Tell new candles (within two seconds of their commit) and pipeline events as they come.

    Messages: `ready`, `candle`, `pipeline`, `status` (the warehouse does not answer; it does again) and `resync` (ask for
    what you show again). Every 15 s without one a comment. The stream ends after a quarter of an hour: come back with
    `Last-Event-ID`, as a browser's EventSource does by itself, and nothing is missed.
    """
    wanted = [word.strip().upper() for word in (symbols or "").split(",") if word.strip()]
    login = str(user.get_id())
    if hub.is_full(login):
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"expected at most {MOST_LISTENERS} streams of this server, {MOST_OF_ONE} of one login, got one more; "
            "close some, or poll /dashboard/metrics instead",
            headers={"Retry-After": "30"},
        )
    frames = hub.listen(login, wanted, kinds or (), last_event_id)
    return StreamingResponse(frames, media_type="text/event-stream", headers=HEADERS)
