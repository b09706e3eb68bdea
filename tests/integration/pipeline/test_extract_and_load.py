"""The road from the exchange to staging, on a real database, a real object store and the simulated exchange."""

from __future__ import annotations

from candlewick.pipeline.extract import extract_shard
from candlewick.pipeline.load import load_pending

NOW = "2024-06-01T12:00:30Z"
SHARD = {"name": "two", "symbols": ["BTCUSDT", "ETHUSDT"]}


def cycle(binance, lake, warehouse, shard=SHARD):
    extract_shard(binance, lake, warehouse, shard, "run")
    return load_pending(lake, warehouse, "run")


def staged(warehouse, symbol):
    with warehouse.session() as session:
        return session.all(
            "SELECT DISTINCT open_time, close_price, volume, trade_count FROM staging_klines WHERE symbol = %s ORDER BY 1",
            (symbol,),
        )


def test_a_first_cycle_brings_the_last_hundred_minutes_and_the_forming_candle(binance, lake, warehouse):
    summary = cycle(binance, lake, warehouse)

    assert summary.objects == 4
    assert len(staged(warehouse, "BTCUSDT")) == 101
    assert summary.rejected == 0
