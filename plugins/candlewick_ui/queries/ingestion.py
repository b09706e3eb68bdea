"""The log of requests to the exchange and the archive, newest first: the mart `ingestion_log` by filters and pages."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from candlewick_ui.paging import Page, cut

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

COLUMNS = (
    "outcome_id", "captured_at", "exchange", "symbol", "data_type", "interval_code", "source", "lane", "status",
    "http_status", "latency_ms", "weight", "payload_bytes", "rows_received", "load_state", "load_id", "rows_staged",
    "rows_rejected", "processed_at", "load_delay_seconds", "error_kind", "error_message", "load_reason", "object_key", "run_id",
)  # fmt: skip
KEY = (datetime, int)  # captured_at, outcome_id
# A filter that hardly anything matches must not read weeks of the log for one page: a page looks at so many requests at
# most, and may then be short, or empty, though its `next` goes on.
EXAMINED, LOOKS = 50_000, 4
FAR_FUTURE = datetime(2200, 1, 1)  # noqa: DTZ001 -- naive UTC, as the tables hold it


class Status(StrEnum):
    """What became of a request."""

    STORED = "stored"
    FAILED = "failed"


class LoadState(StrEnum):
    """What became of its payload."""

    PENDING = "pending"
    LOADED = "loaded"
    QUARANTINED = "quarantined"
    NONE = "none"


class Kind(StrEnum):
    """What was asked for."""

    KLINES = "klines"
    DEPTH = "depth"


class Source(StrEnum):
    """Who was asked."""

    REST = "rest"
    ARCHIVE_DAILY = "archive_daily"
    ARCHIVE_MONTHLY = "archive_monthly"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which requests; None: any."""

    symbol: str | None = None
    data_type: Kind | None = None
    status: Status | None = None
    load_state: LoadState | None = None
    source: Source | None = None

    @property
    def are_any(self) -> bool:
        """Whether one is set."""
        return any(value is not None for value in asdict(self).values())


_RANGE = """
    captured_at >= :start AND captured_at < :end
    AND captured_at <= :before AND (captured_at < :before OR outcome_id < :before_id)
"""
_PAGE = f"""
SELECT {", ".join("log." + name for name in COLUMNS)}
FROM (
    SELECT outcome_id
    FROM (
        SELECT outcome_id, captured_at, exchange, symbol, data_type, status, load_state, source
        FROM {{raw}}.extraction_outcomes FORCE INDEX (by_time)
        WHERE {_RANGE}
        ORDER BY captured_at DESC, outcome_id DESC
        LIMIT :examined
    ) AS examined
    WHERE exchange = :exchange
        AND (:symbol IS NULL OR symbol = :symbol)
        AND (:data_type IS NULL OR data_type = :data_type)
        AND (:status IS NULL OR status = :status)
        AND (:load_state IS NULL OR load_state = :load_state)
        AND (:source IS NULL OR source = :source)
    ORDER BY captured_at DESC, outcome_id DESC
    LIMIT :most
) AS chosen
STRAIGHT_JOIN ingestion_log AS log ON log.outcome_id = chosen.outcome_id
ORDER BY log.captured_at DESC, log.outcome_id DESC
"""
_EDGE = f"""
SELECT captured_at, outcome_id FROM {{raw}}.extraction_outcomes FORCE INDEX (by_time)
WHERE {_RANGE}
ORDER BY captured_at DESC, outcome_id DESC
LIMIT 1 OFFSET :last
"""
_FAILURES = """
SELECT symbol, data_type, interval_code, status, error_kind, COUNT(*) AS requests
FROM {raw}.extraction_outcomes FORCE INDEX (by_time)
WHERE captured_at >= :since AND exchange = :exchange
GROUP BY symbol, data_type, interval_code, status, error_kind
ORDER BY symbol, data_type, interval_code, status, error_kind
"""


def page(
    reader: Reader,
    exchange: str,
    filters: Filters,
    start: datetime,
    end: datetime,
    limit: int,
    before: tuple[datetime, int] | None = None,
) -> Page:
    """Return requests captured in [start, end), newest first.

    Args:
        reader: the warehouse.
        exchange: name of the exchange.
        filters: which of them.
        start: naive UTC.
        end: naive UTC, exclusive.
        limit: most rows.
        before: captured_at and outcome_id after which the page begins.
    """
    at = before or (FAR_FUTURE, 0)
    examined = max(EXAMINED, limit + 1) if filters.are_any else limit + 1
    rows: list[dict[str, Any]] = []
    for _ in range(LOOKS):
        spot = {"start": start, "end": end, "before": at[0], "before_id": at[1]}
        rows += reader.rows(
            _PAGE, **spot, **asdict(filters), exchange=exchange, examined=examined, most=limit + 1 - len(rows)
        )
        if len(rows) > limit:
            return cut(rows, limit, "captured_at", "outcome_id")
        edge = reader.one(_EDGE, **spot, last=examined - 1)
        if edge is None:
            return Page(rows)
        at = (edge["captured_at"], edge["outcome_id"])
    return Page(rows, at)


def outcomes(reader: Reader, exchange: str, since: datetime) -> list[dict[str, Any]]:
    """Return how many requests since then ended how: by symbol, data type, interval, status and kind of failure."""
    return reader.rows(_FAILURES, exchange=exchange, since=since)
