"""What is new since the last look, told once. Blocking: the hub calls it in a thread."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from candlewick.warehouse.database import utc_now
from candlewick_ui.queries import stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from candlewick_ui.database import Reader


class Kind(StrEnum):
    """Kinds of news."""

    READY = "ready"
    CANDLE = "candle"
    PIPELINE = "pipeline"
    RESYNC = "resync"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class News:
    """One message before it is numbered; ``symbol`` None: it concerns every listener."""

    kind: Kind
    content: dict[str, Any]
    symbol: str | None = None


MUCH_AT_ONCE = News(
    Kind.RESYNC, {"detail": "more changed at once than is told one by one; ask for what you show again"}
)


class Feed:
    """Two statements a look, a third when candles came."""

    def __init__(self, reader: Reader, exchange: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._reader, self._exchange, self._clock = reader, exchange, clock
        self._load_floor, self._event_floor = 0, 0
        self._told_loads: set[int] = set()
        self._told_events: set[int] = set()

    def begin(self) -> None:
        """Begin here: what is there by now is no news, but candles whose load still waits will be."""
        load_id, event_id = stream.newest(self._reader)
        self._load_floor, self._told_loads = max(0, load_id - stream.MOST_LOADS), set()
        self._event_floor, self._told_events = max(0, event_id - stream.OVERLAP), set()
        self._note_loads(stream.loads(self._reader, self._load_floor))
        self._note_events(stream.events(self._reader, self._event_floor))

    def look(self) -> list[News]:
        """Return the news since the last look, candles first; when a statement fails, the next look tells them."""
        loads = stream.loads(self._reader, self._load_floor)
        events = stream.events(self._reader, self._event_floor)
        fresh = sorted(_ready(loads) - self._told_loads)
        candles = self._candles(fresh) if fresh else []
        # Only now, with everything read, are they told: what is noted before a statement that fails is never heard of.
        told = [event for event in events if event["event_id"] not in self._told_events]
        self._note_loads(loads)
        self._note_events(events)
        return candles + [News(Kind.PIPELINE, event) for event in told]

    def _candles(self, load_ids: list[int]) -> list[News]:
        found = stream.candles(self._reader, self._exchange, load_ids, self._clock())
        if len(found) > stream.MOST_CANDLES:
            return [MUCH_AT_ONCE]
        return [News(Kind.CANDLE, candle, candle["symbol"]) for candle in found]

    def _note_loads(self, seen: dict[int, bool]) -> None:
        if seen:
            waiting = [load_id for load_id, is_pending in seen.items() if is_pending]
            self._load_floor = max(self._load_floor, min([*waiting, max(seen) - stream.OVERLAP]))
        self._told_loads = {load_id for load_id in self._told_loads | _ready(seen) if load_id >= self._load_floor}

    def _note_events(self, seen: list[dict[str, Any]]) -> None:
        if seen:
            self._event_floor = max(self._event_floor, seen[-1]["event_id"] - stream.OVERLAP)
            told = self._told_events | {event["event_id"] for event in seen}
            self._told_events = {number for number in told if number > self._event_floor}


def _ready(seen: dict[int, bool]) -> set[int]:
    """Return the loads whose candles are facts."""
    return {load_id for load_id, is_pending in seen.items() if not is_pending}
