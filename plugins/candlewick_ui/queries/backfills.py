"""Backfills, newest first: what was asked for, how far each is, how fast it goes, when it will be done.

The numbers are those of the mart `backfill_progress`, read here for the newest backfills alone: a page that is open asks
every few seconds, and the mart's view adds up the parts of all backfills there ever were.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

COLUMNS = (
    "backfill_id", "run_id", "symbols", "interval_code", "source", "state", "from_time", "to_time", "is_forced", "is_kept",
    "requested_at", "updated_at", "finished_at", "part_count", "finished_parts", "missing_parts", "failed_parts", "pending_parts",
    "rows_loaded", "payload_bytes", "rows_per_second", "eta_seconds",
)  # fmt: skip
PACE_WINDOW = timedelta(minutes=10)
RUNNING = "running"
_NO_PARTS = dict.fromkeys(
    (
        "part_count", "finished_parts", "missing_parts", "failed_parts", "pending_parts", "rows_loaded", "payload_bytes",
        "recent_rows", "recent_minutes", "pending_minutes",
    ), 0,
)  # fmt: skip

_NEWEST = """
SELECT
    backfill_id, run_id, symbols, interval_code, source, state, from_time, to_time, is_forced, is_kept, requested_at, updated_at,
    finished_at
FROM {raw}.backfills
WHERE exchange = :exchange
ORDER BY backfill_id DESC
LIMIT :most
"""
_PARTS = """
SELECT
    backfill_id,
    COUNT(*) AS part_count,
    CAST(SUM(state IN ('done', 'unchanged', 'missing')) AS SIGNED) AS finished_parts,
    CAST(SUM(state = 'missing') AS SIGNED) AS missing_parts,
    CAST(SUM(state = 'failed') AS SIGNED) AS failed_parts,
    CAST(SUM(state = 'pending') AS SIGNED) AS pending_parts,
    CAST(SUM(row_count) AS SIGNED) AS rows_loaded,
    CAST(SUM(payload_bytes) AS SIGNED) AS payload_bytes,
    CAST(SUM(CASE WHEN finished_at >= :since THEN row_count ELSE 0 END) AS SIGNED) AS recent_rows,
    CAST(SUM(CASE WHEN finished_at >= :since THEN TIMESTAMPDIFF(MINUTE, from_time, to_time) ELSE 0 END) AS SIGNED) AS recent_minutes,
    CAST(SUM(CASE WHEN state = 'pending' THEN TIMESTAMPDIFF(MINUTE, from_time, to_time) ELSE 0 END) AS SIGNED) AS pending_minutes
FROM {raw}.backfill_parts
WHERE backfill_id IN :ids
GROUP BY backfill_id
"""


def newest(reader: Reader, exchange: str, most: int, now: datetime) -> list[dict[str, Any]]:
    """Return the newest backfills with their progress.

    Args:
        reader: the warehouse.
        exchange: name of the exchange.
        most: rows.
        now: naive UTC; the pace of one that is running is that of the ten minutes before.
    """
    found = reader.rows(_NEWEST, exchange=exchange, most=most)
    ids = [row["backfill_id"] for row in found]
    parts = {row["backfill_id"]: row for row in reader.rows(_PARTS, ids=ids, since=now - PACE_WINDOW)} if ids else {}
    return [progress(row, parts.get(row["backfill_id"], _NO_PARTS), now) for row in found]


def progress(backfill: dict[str, Any], parts: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Add to a backfill the sums of its parts, its pace, and the seconds left at that pace (None: not running, or no pace)."""
    is_running = backfill["state"] == RUNNING
    began = max(backfill["requested_at"], now - PACE_WINDOW) if is_running else backfill["requested_at"]
    ended = now if is_running else backfill["finished_at"] or backfill["updated_at"]
    seconds = max(int((ended - began).total_seconds()), 1)
    rows = parts["recent_rows"] if is_running else parts["rows_loaded"]
    pace = parts["recent_minutes"] / seconds
    merged = {
        **backfill,
        **parts,
        "rows_per_second": round(rows / seconds, 1),
        "eta_seconds": ceil(parts["pending_minutes"] / pace) if is_running and pace else None,
    }
    return {name: merged[name] for name in COLUMNS}
