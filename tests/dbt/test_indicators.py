"""How indicators are kept: from the state in the newest row, for final bars, again from the bar that changed."""

from __future__ import annotations

from datetime import timedelta

import pytest

ROWS = "select * from {marts}.indicators_1m where symbol = %s order by open_time"


@pytest.fixture
def minutes(warehouse, candle, at):
    """Load final minutes of a symbol; closes follow from the minute."""

    def loaded(first, count, symbol="BTCUSDT", **values):
        start = at(first)
        return warehouse.load([
            candle(start + timedelta(minutes=n), close_of(start + timedelta(minutes=n)), symbol=symbol, **values) for n in range(count)
        ])  # fmt: skip

    return loaded


def close_of(moment):
    n = int(moment.timestamp()) // 60
    return 100 + (n * 7919 % 101) / 10


def test_one_row_per_final_bar_and_nothing_until_warm(warehouse, minutes, candle):
    minutes("10:00", 40)
    warehouse.load([candle("10:40", 100, captured="10:40:30")])
    run(warehouse)
    rows = warehouse.run(
        "select bar_number, rsi, macd, macd_signal, bollinger_upper, atr, sma_20, sma_50, sma_200, ema_12, ema_26, ema_50, obv, vwap"
        " from {marts}.indicators_1m order by open_time"
    )
    assert [row[0] for row in rows] == list(range(1, 41))
    first = [next((row[0] for row in rows if row[n] is not None), None) for n in range(1, 14)]
    assert first == [15, 34, 34, 20, 15, 20, None, None, 12, 26, None, 1, 1]
    assert ("indicators_1m", 1) not in warehouse.pending()
    minutes("10:40", 1, captured="10:42")
    run(warehouse)
    assert warehouse.one("select max(bar_number) from {marts}.indicators_1m") == 41


def run(warehouse, *arguments):
    """Run the indicators and what they are made from; nothing else of the minute path."""
    return warehouse.dbt("run", "--select", "+indicators_1m", *arguments)
