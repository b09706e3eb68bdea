"""Backfills and their parts: how far they are, at what pace, and when they will be done.

The numbers are those of the mart `backfill_progress`, counted here for the backfills that are asked for alone, by the key of
their parts: a page asks every few seconds, and a new platform brings history before dbt has made that view.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Any

from candlewick.warehouse.database import utc_now
from candlewick_ui.paging import Page, cut

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

COLUMNS = (
    "backfill_id", "run_id", "exchange", "symbols", "interval_code", "source", "state", "part_count", "finished_parts",
    "missing_parts", "failed_parts", "pending_parts", "object_count", "rows_loaded", "payload_bytes", "rows_per_second",
    "eta_seconds", "is_forced", "is_kept", "from_time", "to_time", "requested_at", "updated_at", "finished_at",
)  # fmt: skip
PARTS = (
    "part_number", "symbol", "interval_code", "method", "from_time", "to_time", "state", "object_count", "row_count",
    "payload_bytes", "seconds", "reason", "finished_at",
)  # fmt: skip
NUMBERS_OF_PARTS = ("seconds",)
KEY, PARTS_KEY = (int,), (int,)
NEWEST, BEFORE_ALL = 2**63 - 1, 0
RUNNING = "running"
REFUSED = "AirflowFailException: "  # of a request that makes no sense: the sentence behind it says all
PACE_WINDOW = timedelta(minutes=10)
_SUMS = (
    "part_count", "finished_parts", "missing_parts", "failed_parts", "pending_parts", "object_count", "rows_loaded", "payload_bytes",
    "recent_rows", "recent_minutes", "pending_minutes",
)  # fmt: skip

_BACKFILLS = """
SELECT
    backfill_id, run_id, exchange, symbols, interval_code, source, state, is_forced, is_kept, from_time, to_time, requested_at,
    updated_at, finished_at
FROM {raw}.backfills
"""
_NEWEST = f"{_BACKFILLS} WHERE backfill_id < :before ORDER BY backfill_id DESC LIMIT :most"
_OF_RUN = f"{_BACKFILLS} WHERE run_id = :run_id"
_PROGRESS = """
SELECT
    backfill_id,
    COUNT(*) AS part_count,
    CAST(SUM(state IN ('done', 'unchanged', 'missing')) AS SIGNED) AS finished_parts,
    CAST(SUM(state = 'missing') AS SIGNED) AS missing_parts,
    CAST(SUM(state = 'failed') AS SIGNED) AS failed_parts,
    CAST(SUM(state = 'pending') AS SIGNED) AS pending_parts,
    CAST(SUM(object_count) AS SIGNED) AS object_count,
    CAST(SUM(row_count) AS SIGNED) AS rows_loaded,
    CAST(SUM(payload_bytes) AS SIGNED) AS payload_bytes,
    CAST(SUM(CASE WHEN finished_at >= :since THEN row_count ELSE 0 END) AS SIGNED) AS recent_rows,
    CAST(SUM(CASE WHEN finished_at >= :since THEN TIMESTAMPDIFF(MINUTE, from_time, to_time) ELSE 0 END) AS SIGNED) AS recent_minutes,
    CAST(SUM(CASE WHEN state = 'pending' THEN TIMESTAMPDIFF(MINUTE, from_time, to_time) ELSE 0 END) AS SIGNED) AS pending_minutes
FROM {raw}.backfill_parts
WHERE backfill_id IN :ids
GROUP BY backfill_id
"""
_PLANNED = "SELECT run_id FROM {raw}.backfills WHERE run_id IN :run_ids"
_REASONS = """
SELECT run_id, message FROM {raw}.pipeline_events
WHERE kind = 'task_failed' AND subject = 'market_backfill.plan' AND run_id IN :run_ids
ORDER BY occurred_at, event_id
"""
_PARTS = f"""
SELECT {", ".join(PARTS)} FROM {{raw}}.backfill_parts
WHERE backfill_id = :backfill_id AND part_number > :after
    AND (:state IS NULL OR state = :state)
ORDER BY backfill_id, part_number
LIMIT :most
"""


def newest(reader: Reader, limit: int, before: int | None = None, now: datetime | None = None) -> Page:
    """Return a page of backfills, newest first.

    Args:
        reader: the warehouse.
        limit: most backfills.
        before: the id the page before ended with.
        now: naive UTC; the pace of a backfill that runs is that of the ten minutes before. None: this moment.
    """
    found = reader.rows(_NEWEST, before=NEWEST if before is None else before, most=limit + 1)
    return cut(_progress(reader, found, now or utc_now()), limit, "backfill_id")


def of_run(reader: Reader, run_id: str) -> dict[str, Any] | None:
    """Return the backfill of a run of market_backfill; None while it has not planned one."""
    return next(iter(_progress(reader, reader.rows(_OF_RUN, run_id=run_id), utc_now())), None)


def planned(reader: Reader, run_ids: list[str]) -> set[str]:
    """Return those of the runs whose parts were written down."""
    return {row["run_id"] for row in reader.rows(_PLANNED, run_ids=run_ids)} if run_ids else set()


def reasons(reader: Reader, run_ids: list[str]) -> dict[str, str]:
    """Return what people were told when the planning of these runs failed: the sentence, without the address of the log."""
    rows = reader.rows(_REASONS, run_ids=run_ids) if run_ids else []
    return {row["run_id"]: row["message"].partition("\n")[0].removeprefix(REFUSED) for row in rows}


def parts(reader: Reader, backfill_id: int, limit: int, after: int | None = None, state: str | None = None) -> Page:
    """Return a page of a backfill's parts, in their order."""
    rows = reader.rows(
        _PARTS,
        backfill_id=backfill_id,
        after=BEFORE_ALL if after is None else after,
        state=state,
        most=limit + 1,
    )
    return cut(rows, limit, "part_number")


def _progress(reader: Reader, found: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    ids = [row["backfill_id"] for row in found]
    since = (now - PACE_WINDOW).replace(microsecond=0)
    sums = {row["backfill_id"]: row for row in reader.rows(_PROGRESS, ids=ids, since=since)} if ids else {}
    return [progress(row, sums.get(row["backfill_id"], dict.fromkeys(_SUMS, 0)), now) for row in found]


def progress(backfill: dict[str, Any], sums: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Add to a backfill the sums of its parts, its pace, and the seconds left at that pace.

    While it runs, pace and time left are those of the last ten minutes (a part counts when it ends): one that was killed and
    goes on later is not called slow. ``eta_seconds`` is None when it does not run, or has no pace.
    """
    is_running = backfill["state"] == RUNNING
    began = max(backfill["requested_at"], now - PACE_WINDOW) if is_running else backfill["requested_at"]
    ended = now if is_running else backfill["finished_at"] or backfill["updated_at"]
    seconds = max(int((ended - began).total_seconds()), 1)
    rows, recent = sums["recent_rows"] if is_running else sums["rows_loaded"], sums["recent_minutes"]
    merged = {
        **backfill,
        **sums,
        "is_forced": bool(backfill["is_forced"]),
        "is_kept": bool(backfill["is_kept"]),
        "rows_per_second": (Decimal(rows) / seconds).quantize(Decimal("0.1")),
        "eta_seconds": ceil(Decimal(sums["pending_minutes"] * seconds) / recent) if is_running and recent else None,
    }
    return {name: merged[name] for name in COLUMNS}
