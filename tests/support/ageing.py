"""Answers of chosen moments in a real lake and on the queue, as an extraction leaves them; and looks at where they are."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import datetime, timedelta

import msgspec

from candlewick.demo.market import candles
from candlewick.lake.bundle import members
from candlewick.lake.envelope import wrap
from candlewick.lake.keys import raw_key
from candlewick.market import DataType, Interval, Lane, Source
from candlewick.pipeline.load import load_pending
from candlewick.warehouse import outcomes
from candlewick.warehouse.database import from_ms, to_ms
from support.minute_path import ask

DAY = datetime(2024, 6, 1)
NOW = DAY + timedelta(days=8, hours=2)
"""A Sunday's run of maintenance: with 7 days, what was captured on the 1st is due, the 2nd is not."""


def answer(symbol: str, captured_at: datetime, data_type: DataType = DataType.KLINES, rows: int = 2) -> bytes:
    """An envelope with candles that were final, or a book, captured at this moment."""
    stamp = to_ms(captured_at)
    if data_type is DataType.KLINES:
        last = stamp // 60_000 * 60_000
        body = msgspec.json.encode(candles(7, symbol, "1m", last - rows * 60_000, last - 1, stamp))
    else:
        level = ["100.0", "1.5"]
        body = msgspec.json.encode({"lastUpdateId": stamp, "bids": [level], "asks": [["100.1", "2.5"]]})
    return wrap(
        body, exchange="binance", symbol=symbol, data_type=data_type,
        interval=Interval.MINUTE_1 if data_type is DataType.KLINES else None, source=Source.REST,
        captured_at_ms=stamp, exchange_time_ms=stamp,
    )  # fmt: skip


def capture(
    lake, warehouse, symbol: str, captured_at: datetime, data_type: DataType = DataType.KLINES, payload: bytes | None = None,
    lane: Lane = Lane.LIVE,
) -> str:  # fmt: skip
    """Put an answer into the lake and onto the queue; return its key."""
    interval = Interval.MINUTE_1 if data_type is DataType.KLINES else None
    key = raw_key(symbol, data_type, interval, to_ms(captured_at))
    payload = answer(symbol, captured_at, data_type) if payload is None else payload
    lake.put(lake.config.raw_bucket, key, payload)
    outcome = outcomes.Outcome(
        exchange="binance", symbol=symbol, data_type=data_type, interval_code=interval.value if interval else "",
        run_id="minute", shard="all", page=1, status="stored", source=Source.REST, captured_at=from_ms(to_ms(captured_at)),
        load_state="pending", lane=lane, bucket=lake.config.raw_bucket, object_key=key, payload_bytes=len(payload),
    )  # fmt: skip
    with warehouse.session() as session:
        outcomes.record(session, [outcome])
    return key


def live(
    lake, warehouse, days: int = 2, each: int = 3, symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")
) -> dict[str, bytes]:
    """Candles and books of some days from ``DAY`` on, loaded; return the payloads by key."""
    for day in range(days):
        for number in range(each):
            at = DAY + timedelta(days=day, minutes=5 * number + 1, milliseconds=123)
            for symbol in symbols:
                capture(lake, warehouse, symbol, at)
                capture(lake, warehouse, symbol, at, DataType.DEPTH)
    load_pending(lake, warehouse, "minute")
    return in_raw(lake)


def in_raw(lake) -> dict[str, bytes]:
    bucket = lake.config.raw_bucket
    return {key: lake.get(bucket, key) for key in lake.keys(bucket)}


def bundle_keys(lake) -> list[str]:
    return [key for key in lake.keys(lake.config.archive_bucket) if key.endswith(".tar.gz")]


def in_bundles(lake) -> dict[str, bytes]:
    """Every answer of every bundle in the archive, by its key."""
    found = {}
    for key in bundle_keys(lake):
        with tempfile.TemporaryFile() as file:
            lake.read_into(lake.config.archive_bucket, key, file)
            file.seek(0)
            found.update(members(file))
    return found


def where(warehouse) -> dict[str, tuple[str, str | None]]:
    """Bucket and bundle's key of each processed file."""
    rows = ask(
        warehouse,
        "SELECT p.object_key, p.bucket, b.object_key FROM processed_files AS p "
        "LEFT JOIN archive_bundles AS b ON b.bundle_id = p.bundle_id",
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def events(warehouse, step: str) -> list[tuple]:
    return ask(
        warehouse,
        "SELECT action, symbol, object_count FROM lifecycle_events WHERE step = %s ORDER BY event_id",
        step,
    )


def sha256(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()
