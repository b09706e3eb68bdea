"""The budget of requests: what each host was charged, in this minute and in those before, and what it allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from candlewick.settings import settings
from candlewick.warehouse.database import EPOCH

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick_ui.database import Reader

COLUMNS = (
    "host", "used_weight", "weight_limit", "allowed_weight", "is_banned", "banned_until", "paused_until", "ban_reason",
    "breaker_state", "breaker_failures", "breaker_opened_at", "clock_offset_ms", "updated_at",
)  # fmt: skip
MINUTES = ("minute", "host", "requests", "weight", "failures", "mean_latency_ms", "max_latency_ms")

_HOSTS = """
SELECT
    host, window_minute, used_weight, weight_limit, banned_until, paused_until, ban_reason, breaker_state, breaker_failures,
    breaker_opened_at, clock_offset_ms, updated_at
FROM {raw}.host_state
ORDER BY host
"""
_MINUTES = """
SELECT
    CAST(DATE_FORMAT(captured_at, '%Y-%m-%d %H:%i') AS DATETIME(3)) AS minute,
    host,
    COUNT(*) AS requests,
    CAST(COALESCE(SUM(weight), 0) AS SIGNED) AS weight,
    CAST(SUM(status = 'failed') AS SIGNED) AS failures,
    CAST(AVG(latency_ms) AS SIGNED) AS mean_latency_ms,
    MAX(latency_ms) AS max_latency_ms
FROM {raw}.extraction_outcomes FORCE INDEX (by_time)
WHERE captured_at >= :since AND captured_at < :until AND host IS NOT NULL
GROUP BY minute, host
ORDER BY minute, host
"""


def hosts(reader: Reader, now: datetime) -> list[dict[str, Any]]:
    """Return a row per host: its weight in the minute of ``now``, what it allows, and whether it bans or is left alone.

    Args:
        reader: the warehouse.
        now: naive UTC. What was used in an earlier minute counts no more.
    """
    this_minute = int((now.replace(second=0, microsecond=0) - EPOCH).total_seconds()) // 60
    rows = reader.rows(_HOSTS)
    for row in rows:
        if row.pop("window_minute") != this_minute:
            row["used_weight"] = 0
        limit = row["weight_limit"]
        row["allowed_weight"] = None if limit is None else int(limit * settings().weight_share)
        row["is_banned"] = row["banned_until"] is not None and row["banned_until"] > now
    return rows


def minutes(reader: Reader, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Return a row per minute in [since, until) and host: requests, weight, failures, latency in ms."""
    return reader.rows(_MINUTES, since=since, until=until)
