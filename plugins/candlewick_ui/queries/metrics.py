"""What a monitoring system is told; each statement reads a row per symbol or a short ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from candlewick_ui.database import NotBuilt
from candlewick_ui.queries import dashboard, status, weights

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

WINDOW = timedelta(hours=1)

_REQUESTS = """
SELECT data_type, status, COALESCE(error_kind, '') AS error_kind, COUNT(*) AS requests
FROM {raw}.extraction_outcomes FORCE INDEX (by_time)
WHERE captured_at >= :since AND exchange = :exchange
GROUP BY data_type, status, COALESCE(error_kind, '')
"""
_GAPS = """
SELECT symbol, data_type, status, COUNT(*) AS gaps, CAST(SUM(minutes) AS SIGNED) AS minutes
FROM {raw}.gap_ledger
WHERE exchange = :exchange AND status IN ('open', 'unexplained')
GROUP BY symbol, data_type, status
"""


@dataclass(frozen=True, slots=True)
class Measures:
    """All that is told at one moment (naive UTC); rows as the queries give them. ``cards`` None: dbt has yet to build the marts."""

    now: datetime
    cards: list[dict[str, Any]] | None
    loads: list[dict[str, Any]]
    requests: list[dict[str, Any]]
    gaps: list[dict[str, Any]]
    hosts: list[dict[str, Any]]
    queues: list[dict[str, Any]]
    events: dict[str, int]


def measure(reader: Reader, exchange: str, now: datetime) -> Measures:
    """Measure: the hour before ``now`` for what is counted, ``now`` for what is a state."""
    since = now - WINDOW
    return Measures(
        now,
        _cards(reader, exchange, now),
        status.loads(reader, since),
        reader.rows(_REQUESTS, exchange=exchange, since=since),
        reader.rows(_GAPS, exchange=exchange),
        weights.hosts(reader, now),
        status.queues(reader),
        status.events_since(reader, since),
    )


def _cards(reader: Reader, exchange: str, now: datetime) -> list[dict[str, Any]] | None:
    try:
        return dashboard.cards(reader, exchange, now)
    except NotBuilt:  # all else is of ledgers, which are there from the start: whoever watches sees the first loads
        return None
