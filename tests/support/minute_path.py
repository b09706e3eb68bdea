"""One cycle of the minute path without dbt, and looks at what it left in the warehouse and in the lake."""

from __future__ import annotations

from datetime import datetime

from candlewick.pipeline.extract import extract_shard
from candlewick.pipeline.load import load_pending
from candlewick.pipeline.symbols import refresh_states

NOON = datetime(2024, 6, 1, 12)
SHARD = {"name": "two", "symbols": ["BTCUSDT", "ETHUSDT"]}


def extract(binance, lake, warehouse, shard=SHARD):
    with binance() as exchange:
        return extract_shard(exchange, lake, warehouse, shard, "run")


def cycle(binance, lake, warehouse, shard=SHARD):
    extract(binance, lake, warehouse, shard)
    return load_pending(lake, warehouse, "run")


def refresh(binance, warehouse):
    with binance() as exchange:
        return refresh_states(exchange, warehouse)


def ask(warehouse, query, *parameters):
    with warehouse.session() as session:
        return session.all(query, parameters)


def staged_minutes(warehouse, symbol="BTCUSDT"):
    query = "SELECT DISTINCT open_time FROM staging_klines WHERE symbol = %s ORDER BY 1"
    return [row[0] for row in ask(warehouse, query, symbol)]


def watermark(warehouse, symbol="BTCUSDT", data_type="klines"):
    query = "SELECT last_open_time FROM extraction_metadata WHERE symbol = %s AND data_type = %s"
    rows = ask(warehouse, query, symbol, data_type)
    return rows[0][0] if rows else None


def keys(lake):
    return list(lake.keys(lake.config.raw_bucket))
