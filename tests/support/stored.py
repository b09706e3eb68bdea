"""Objects and their rows as the pipeline leaves them, without asking an exchange."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from candlewick.lake.keys import raw_key
from candlewick.market import DataType, Interval
from candlewick.warehouse.database import to_ms

if TYPE_CHECKING:
    from datetime import datetime

MINUTE_1 = Interval.MINUTE_1


def key_of(captured_at: datetime, symbol: str = "BTCUSDT", data_type: DataType = DataType.KLINES) -> str:
    return raw_key(symbol, data_type, MINUTE_1 if data_type is DataType.KLINES else None, to_ms(captured_at))


def payload_of(key: str) -> bytes:
    """Some bytes of its own for each key; sweeps and archives do not read answers."""
    return f'{{"answer": "{key}"}}'.encode() * 3


def put(lake, captured_at: datetime, symbol: str = "BTCUSDT", data_type: DataType = DataType.KLINES) -> str:
    """An answer in the bucket of payloads; return its key."""
    key = key_of(captured_at, symbol, data_type)
    lake.put(lake.config.raw_bucket, key, payload_of(key))
    return key


def row(
    session, key: str, captured_at: datetime, *, bucket: str, load_state: str = "loaded", symbol: str = "BTCUSDT"
) -> int:
    """The outcome of an answer; return its id."""
    payload = payload_of(key)
    return session.insert(
        "INSERT INTO extraction_outcomes (exchange, symbol, data_type, interval_code, run_id, shard, status, source, bucket, "
        "object_key, payload_bytes, sha256, captured_at, load_state) VALUES ('binance', %s, 'klines', '1m', 'run', 's', 'stored', "
        "'rest', %s, %s, %s, %s, %s, %s)",
        (symbol, bucket, key, len(payload), hashlib.sha256(payload).hexdigest(), captured_at, load_state),
    )


def loaded(lake, warehouse, captured_at: datetime, symbol: str = "BTCUSDT", *, is_put: bool = True) -> str:
    """An answer that was loaded: its object, its outcome and its processed file; return its key."""
    key = put(lake, captured_at, symbol) if is_put else key_of(captured_at, symbol)
    payload = payload_of(key)
    with warehouse.session() as session:
        number = row(session, key, captured_at, bucket=lake.config.raw_bucket, symbol=symbol)
        session.run(
            "INSERT INTO processed_files (object_id, bucket, object_key, exchange, symbol, data_type, interval_code, source, "
            "captured_at, record_count, rejected_count, payload_bytes, sha256, load_id, status, processed_at) "
            "VALUES (%s, %s, %s, 'binance', %s, 'klines', '1m', 'rest', %s, 1, 0, %s, %s, 1, 'loaded', %s)",
            (
                number, lake.config.raw_bucket, key, symbol, captured_at, len(payload),
                hashlib.sha256(payload).hexdigest(), captured_at,
            ),
        )  # fmt: skip
    return key
