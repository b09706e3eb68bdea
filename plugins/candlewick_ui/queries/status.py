"""How the pipeline stands: each series (mart `pipeline_status`), queues, and what people were told (`pipeline_events`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from candlewick.warehouse.events import Kind, Severity
from candlewick_ui.paging import Page, cut

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick_ui.database import Reader

__all__ = ["COLUMNS", "EVENTS", "EVENTS_KEY", "Kind", "Severity", "events", "events_since", "loads", "queues", "series"]

COLUMNS = (
    "exchange", "symbol", "data_type", "interval_code", "symbol_status", "last_outcome_status", "last_error_kind", "lag_seconds",
    "pending_loads", "quarantined_rows_24h", "events_24h", "watermark", "newest_final_open_time", "newest_captured_at", "updated_at",
)  # fmt: skip
EVENTS = (
    "event_id", "occurred_at", "kind", "severity", "subject", "message", "dag_id", "task_id", "run_id", "map_index", "try_number",
    "notified_at", "notified_via", "notify_error",
)  # fmt: skip
QUEUES = ("model", "lane", "loads", "rows_staged", "oldest_loaded_at")
LOADS = ("lane", "loads", "objects", "rows_staged", "rows_rejected", "newest_loaded_at")
EVENTS_KEY = (int,)
NEWEST = 2**63 - 1

_SERIES = f"""
SELECT {", ".join(COLUMNS)} FROM pipeline_status
WHERE exchange = :exchange AND (:symbol IS NULL OR symbol = :symbol)
ORDER BY symbol, data_type, interval_code
"""
_EVENTS = f"""
SELECT {", ".join(EVENTS)} FROM {{raw}}.pipeline_events
WHERE event_id < :before
    AND (:kind IS NULL OR kind = :kind) AND (:severity IS NULL OR severity = :severity) AND (:subject IS NULL OR subject = :subject)
ORDER BY event_id DESC
LIMIT :most
"""
_SEVERITIES = """
SELECT severity, COUNT(*) AS events FROM {raw}.pipeline_events WHERE occurred_at >= :since GROUP BY severity ORDER BY severity
"""
_QUEUES = """
SELECT
    pending.model, COALESCE(loads.lane, 'live') AS lane, COUNT(*) AS loads,
    CAST(COALESCE(SUM(loads.rows_staged), 0) AS SIGNED) AS rows_staged, MIN(loads.loaded_at) AS oldest_loaded_at
FROM {raw}.pending_loads AS pending
LEFT JOIN {raw}.loads AS loads ON pending.load_id = loads.load_id
GROUP BY pending.model, COALESCE(loads.lane, 'live')
ORDER BY pending.model, lane
"""
_LOADS = """
SELECT
    lane, COUNT(*) AS loads, CAST(SUM(objects) AS SIGNED) AS objects, CAST(SUM(rows_staged) AS SIGNED) AS rows_staged,
    CAST(SUM(rows_rejected) AS SIGNED) AS rows_rejected, MAX(loaded_at) AS newest_loaded_at
FROM {raw}.loads FORCE INDEX (by_time)
WHERE loaded_at >= :since
GROUP BY lane
ORDER BY lane
"""


def series(reader: Reader, exchange: str, symbol: str | None = None) -> list[dict[str, Any]]:
    """Return a row per tracked symbol, data type and interval; times naive UTC, lag in seconds."""
    return reader.rows(_SERIES, exchange=exchange, symbol=symbol)


def queues(reader: Reader) -> list[dict[str, Any]]:
    """Return how many loads wait for each dbt model, by lane, and since when."""
    return reader.rows(_QUEUES)


def loads(reader: Reader, since: datetime) -> list[dict[str, Any]]:
    """Return what was loaded since then (naive UTC), by lane."""
    return reader.rows(_LOADS, since=since)


def events_since(reader: Reader, since: datetime) -> dict[str, int]:
    """Return how many events there were since then (naive UTC), by severity."""
    return {row["severity"]: row["events"] for row in reader.rows(_SEVERITIES, since=since)}


def events(
    reader: Reader,
    limit: int,
    *,
    kind: Kind | None = None,
    severity: Severity | None = None,
    subject: str | None = None,
    before: int | None = None,
) -> Page:
    """Return what people were told, newest first; ``before`` is the event_id after which the page begins."""
    rows = reader.rows(
        _EVENTS,
        kind=kind,
        severity=severity,
        subject=subject,
        before=NEWEST if before is None else before,
        most=limit + 1,
    )
    return cut(rows, limit, "event_id")
