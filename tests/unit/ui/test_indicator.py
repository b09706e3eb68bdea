"""What an indicator that is computed reads, and what it claims of its exactness."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from candlewick_ui.analytics import room
from candlewick_ui.database import DatabaseBusy
from candlewick_ui.providers import registry
from candlewick_ui.providers.base import Asked
from support.bars import walk

START, MINUTE = datetime(2026, 3, 5), timedelta(minutes=1)
STANDING = (Decimal("1.00000000"),) * 3


class History:
    """Stands where the reader of the warehouse does: final bars (high, low, close), and whether retention took some before."""

    def __init__(self, bars, *, is_cut=False):
        names = ("high_price", "low_price", "close_price")
        self.bars = [
            {"open_time": START + place * MINUTE, **dict(zip(names, bar, strict=True))}
            for place, bar in enumerate(bars)
        ]
        self.is_cut, self.read = is_cut, []

    def rows(self, _statement, reading, /, *, most, before=datetime(2100, 1, 1), **_series):
        found = [bar for bar in self.bars if bar["open_time"] < before][-most:]
        self.read += [bar["open_time"] for bar in found]
        return [
            {name: value if name == "open_time" else reading.decimals(str(value)) for name, value in bar.items()}
            for bar in found[::-1]
        ]

    def one(self, _statement, **_series):
        return {"is_there": 1} if self.is_cut else None


def walked(count):
    return [(bar.high, bar.low, bar.close) for bar in walk(7, count, 100.0)]


def ask(history, name, **parameters):
    provider = registry()[name]
    return provider.answer(Asked(history, "binance", "BTCUSDT"), provider.parameters(**parameters))


def test_of_a_price_that_stands_still_no_bar_is_read_twice():
    history = History([STANDING] * 20_000)
    made = ask(history, "rsi", period=21)

    warm_up = made.more["warm_up"]
    assert warm_up["bars"] > 10_000
    assert warm_up["error_bound"] == 0.0
    assert len(history.read) == len(set(history.read)) == warm_up["bars"] + 200
    assert [row["open_time"] for row in made.rows] == [bar["open_time"] for bar in history.bars[-200:]]


@pytest.mark.parametrize(
    ("name", "parameters"), [("rsi", {"period": 21}), ("atr", {"period": 21}), ("macd", {"slow_period": 40})]
)
def test_where_retention_took_minutes_the_first_one_there_is_counts_as_a_beginning_only(name, parameters):
    bars = walked(2000)
    whole = ask(History(bars), name, limit=200, **parameters)
    first = whole.rows[0]
    for count in (300, 500, 1000):
        cut = ask(History(bars[-count:], is_cut=True), name, limit=200, **parameters)
        told = cut.more["warm_up"]
        column = cut.columns[2]
        scale = {"rsi": 100.0, "macd": float(first["close_price"])}.get(name, first[column])
        off = abs(cut.rows[0][column] - first[column]) / scale
        assert told["is_from_first_bar"] is False
        assert off <= told["error_bound"] + 1e-13, (count, off, told)
        assert told["error_bound"] > 0


def test_what_is_cold_because_of_retention_claims_nothing():
    told = ask(History(walked(150), is_cut=True), "rsi", period=21).more["warm_up"]

    assert (told["is_from_first_bar"], told["error_bound"]) == (False, math.inf)


def test_few_at_a_time_compute_over_very_many_bars_and_the_next_one_is_told_to_come_again(monkeypatch):
    monkeypatch.setattr(room, "MANY_BARS", 1000)
    history = History([STANDING] * 3000)
    with room.room_for(1001), room.room_for(1001):
        with pytest.raises(DatabaseBusy, match="ask again"):
            ask(history, "rsi", period=21)
        with pytest.raises(DatabaseBusy, match="ask again"):
            ask(history, "correlation", interval="1m", limit=400, others=("ETHUSDT", "SOLUSDT"))
        assert ask(History(walked(3000)), "rsi", period=7).rows

    assert ask(history, "rsi", period=21).rows
    assert len(ask(history, "correlation", interval="1m", limit=400, others=("ETHUSDT", "SOLUSDT")).rows) == 3


def test_a_symbol_without_a_bar_has_no_values():
    assert ask(History([], is_cut=True), "rsi", period=21).rows == []
