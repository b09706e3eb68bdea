"""Which final candles are there already, or on their way: in the facts, or staged in a load dbt has yet to merge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.market import DataType, Lane
from candlewick.warehouse import tables
from candlewick.warehouse.database import from_ms, to_ms
from candlewick.warehouse.processed import CONSUMERS
from candlewick.warehouse.staging import KLINES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from candlewick.market import Interval
    from candlewick.warehouse.database import Session

FACTS = CONSUMERS[KLINES]


@dataclass(frozen=True, slots=True)
class QueuedSpan:
    """An object and the open times (ms) it spans; an object without candles spans none."""

    object_id: int
    symbol: str
    payload_bytes: int
    first_open_ms: int | None
    last_open_ms: int | None


def final_open_times(
    session: Session, marts: str, series: tuple[str, str, Interval], start_ms: int, end_ms: int
) -> set[int]:
    """Return the open times (ms) in [start_ms, end_ms) of a series' final candles; costs the span, not the history."""
    exchange, symbol, interval = series
    span = (exchange, symbol, interval.value, from_ms(start_ms), from_ms(end_ms))
    rows = []
    if tables.exist(session, marts, FACTS):
        rows += session.all(
            f"SELECT open_time FROM {marts}.{FACTS} FORCE INDEX (PRIMARY) WHERE exchange = %s AND symbol = %s "
            "AND interval_code = %s AND open_time >= %s AND open_time < %s AND is_final = 1",
            span,
        )
    rows += session.all(
        "SELECT s.open_time FROM pending_loads AS p JOIN processed_files AS f ON f.load_id = p.load_id "
        f"JOIN {KLINES} AS s ON s.load_id = f.load_id AND s.object_id = f.object_id WHERE p.model = %s AND f.exchange = %s "
        "AND f.symbol = %s AND f.interval_code = %s AND s.open_time >= %s AND s.open_time < %s "
        "AND s.close_time < s.exchange_time",
        (FACTS, *span),
    )
    return {to_ms(row[0]) for row in rows}


def queued_objects(session: Session, series: tuple[str, str, Interval], start_ms: int, end_ms: int) -> list[int]:
    """Return the backfill lane's queued objects whose first candle lies in [start_ms, end_ms): left by a killed task."""
    exchange, symbol, interval = series
    rows = session.all(
        "SELECT outcome_id FROM extraction_outcomes WHERE lane = %s AND load_state = 'pending' AND exchange = %s "
        "AND symbol = %s AND data_type = %s AND interval_code = %s AND first_open_time >= %s AND first_open_time < %s",
        (
            Lane.BACKFILL, exchange, symbol, DataType.KLINES, interval.value, from_ms(start_ms), from_ms(end_ms),
        ),
    )  # fmt: skip
    return [int(row[0]) for row in rows]


def spans(session: Session, object_ids: Sequence[int]) -> list[QueuedSpan]:
    """Return which symbol and span objects are of, oldest first."""
    found = []
    for start in range(0, len(object_ids), 1000):
        part = object_ids[start : start + 1000]
        marks = ", ".join(["%s"] * len(part))
        found += session.all(
            "SELECT outcome_id, symbol, COALESCE(payload_bytes, 0), first_open_time, last_open_time "
            f"FROM extraction_outcomes WHERE outcome_id IN ({marks})",
            list(part),
        )
    return [
        QueuedSpan(one, symbol, size, first and to_ms(first), last and to_ms(last))
        for one, symbol, size, first, last in sorted(found)
    ]


def candles_of(session: Session, object_id: int) -> int:
    """Return how many candles an object brought, one that it holds twice counted once; 0 when staging has none of it."""
    row = session.one(
        f"SELECT COUNT(DISTINCT s.open_time) FROM processed_files AS f JOIN {KLINES} AS s ON s.load_id = f.load_id "
        "AND s.object_id = f.object_id WHERE f.object_id = %s",
        (object_id,),
    )
    return int(row[0]) if row else 0


def is_staged(session: Session, object_id: int, start: datetime, end: datetime) -> bool:
    """Tell whether an object brought a candle that opens in [start, end)."""
    row = session.one(
        f"SELECT 1 FROM processed_files AS f JOIN {KLINES} AS s ON s.load_id = f.load_id AND s.object_id = f.object_id "
        "WHERE f.object_id = %s AND s.open_time >= %s AND s.open_time < %s LIMIT 1",
        (object_id, start, end),
    )
    return row is not None


def oldest_live_work(session: Session) -> set[tuple[str, int]]:
    """Return the oldest object the live lane has queued, and the oldest of its loads that is not in the facts yet."""
    queued = session.all(
        "SELECT 'object', MIN(outcome_id) FROM extraction_outcomes WHERE lane = %s AND load_state = 'pending'",
        (Lane.LIVE,),
    )
    models = sorted(CONSUMERS.values())  # what they feed may be built hourly, or by nobody while a DAG is paused
    staged = session.all(
        "SELECT 'load', MIN(p.load_id) FROM pending_loads AS p JOIN loads AS l ON l.load_id = p.load_id "
        f"WHERE l.lane = %s AND p.model IN ({', '.join(['%s'] * len(models))})",
        (Lane.LIVE, *models),
    )
    return {(what, int(oldest)) for what, oldest in queued + staged if oldest is not None}
