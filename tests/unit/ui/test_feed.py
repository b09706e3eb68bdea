"""What a look tells when the warehouse fails in the middle of one: later all of it, and nothing twice."""

from __future__ import annotations

from datetime import datetime

import pytest

from candlewick_ui.database import DatabaseDown
from candlewick_ui.stream.feed import Feed

NOON = datetime(2026, 3, 5, 12)
LOADS, CANDLES, EVENTS = "FROM {raw}.loads", "FROM fact_klines", "FROM {raw}.pipeline_events"


class Ledgers:
    """Stands where the reader of the warehouse does; fails once at the statement it is told to."""

    def __init__(self):
        self.loads, self.events, self.fails_at = {}, [], None

    def one(self, _statement):
        return {"load_id": max(self.loads, default=0), "event_id": max(self.events, default=0)}

    def rows(self, statement, **values):
        if self.fails_at and self.fails_at in statement:
            self.fails_at = None
            raise DatabaseDown("the warehouse does not answer")
        if CANDLES in statement:
            return [{"symbol": f"OF LOAD {number}", "is_final": 1} for number in values["loads"]]
        if EVENTS in statement:
            return [{"event_id": number} for number in self.events if number > values["floor"]]
        return [
            {"load_id": number, "is_pending": waits}
            for number, waits in self.loads.items()
            if number >= values["floor"]
        ]


def told(feed):
    return [one.symbol or one.content["event_id"] for one in feed.look()]


@pytest.mark.parametrize("statement", [LOADS, CANDLES, EVENTS])
def test_what_a_failed_look_could_not_tell_the_next_one_tells_once(statement):
    ledgers = Ledgers()
    feed = Feed(ledgers, "binance", lambda: NOON)
    ledgers.loads, ledgers.events = {1: False, 2: True}, [1]
    feed.begin()
    ledgers.loads, ledgers.events = {1: False, 2: False, 3: False, 4: True}, [1, 2]
    ledgers.fails_at = statement
    with pytest.raises(DatabaseDown):
        feed.look()

    assert told(feed) == ["OF LOAD 2", "OF LOAD 3", 2]
    assert told(feed) == []
