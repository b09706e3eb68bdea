"""What is new since the last look: candles that were committed to the facts, and events of the pipeline.

A live load leaves the queue of `fact_klines` in the transaction that writes its candles, so a load that is no longer in the
queue is one whose candles are there. Numbers may become visible out of their order: some before the newest are looked at
again, and those that were told are remembered.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from candlewick_ui.queries.candles import COLUMNS as CANDLE_COLUMNS

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick_ui.database import Reader

CANDLES = ("exchange", "symbol", "interval_code", *CANDLE_COLUMNS)
EVENTS = ("event_id", "occurred_at", "kind", "severity", "subject", "message", "dag_id", "task_id", "run_id")
OVERLAP = 100
MOST_LOADS, MOST_CANDLES, MOST_EVENTS = 2_000, 5_000, 500
# What is older is history that was brought, no news. It also prunes the partitions.
NEWS = timedelta(days=2)

_NEWEST = """
SELECT
    (SELECT COALESCE(MAX(load_id), 0) FROM {raw}.loads) AS load_id,
    (SELECT COALESCE(MAX(event_id), 0) FROM {raw}.pipeline_events) AS event_id
"""
_LOADS = """
SELECT loads.load_id, pending.load_id IS NOT NULL AS is_pending
FROM {raw}.loads AS loads
LEFT JOIN {raw}.pending_loads AS pending ON pending.model = 'fact_klines' AND loads.load_id = pending.load_id
WHERE loads.load_id >= :floor AND loads.lane = 'live'
ORDER BY loads.load_id DESC
LIMIT :most
"""
_CANDLES = f"""
SELECT {", ".join(CANDLES)} FROM fact_klines FORCE INDEX (by_load)
WHERE load_id IN :loads AND exchange = :exchange AND interval_code = '1m' AND open_time >= :since
ORDER BY symbol, open_time
LIMIT :most
"""
_EVENTS = f"""
SELECT {", ".join(EVENTS)} FROM {{raw}}.pipeline_events
WHERE event_id > :floor
ORDER BY event_id
LIMIT :most
"""


def newest(reader: Reader) -> tuple[int, int]:
    """Return the newest load_id and event_id; 0 where there is none."""
    row = reader.one(_NEWEST)
    return (int(row["load_id"]), int(row["event_id"])) if row else (0, 0)


def loads(reader: Reader, floor: int) -> dict[int, bool]:
    """Return the live loads from ``floor`` on, and whether their candles have yet to become facts; the newest so many."""
    return {row["load_id"]: bool(row["is_pending"]) for row in reader.rows(_LOADS, floor=floor, most=MOST_LOADS)}


def candles(reader: Reader, exchange: str, load_ids: list[int], now: datetime) -> list[dict[str, Any]]:
    """Return the 1m candles of the last two days that these loads brought or changed; one more than `MOST_CANDLES` if there are."""
    rows = reader.rows(_CANDLES, exchange=exchange, loads=load_ids, since=now - NEWS, most=MOST_CANDLES + 1)
    for row in rows:
        row["is_final"] = bool(row["is_final"])
    return rows


def events(reader: Reader, floor: int) -> list[dict[str, Any]]:
    """Return what people were told after the event with the number ``floor``, oldest first."""
    return reader.rows(_EVENTS, floor=floor, most=MOST_EVENTS)
