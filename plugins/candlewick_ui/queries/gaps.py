"""Why a minute is missing: the mart `gap_ledger`, newest first."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from candlewick.market import GapReason as Reason
from candlewick_ui.paging import Page, cut

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick_ui.database import Reader
    from candlewick_ui.queries.ingestion import Kind

__all__ = ["COLUMNS", "KEY", "Filters", "Reason", "Status", "counts", "page"]

COLUMNS = (
    "gap_id", "exchange", "symbol", "data_type", "interval_code", "from_time", "to_time", "minutes", "reason", "status",
    "is_explained", "evidence", "attempts", "next_attempt_at", "detected_at", "updated_at", "closed_at", "closed_by",
)  # fmt: skip
KEY = (int,)
NEWEST = 2**63 - 1


class Status(StrEnum):
    """How a gap stands."""

    OPEN = "open"
    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which gaps; None: any. ``start`` and ``end`` (naive UTC) choose those that overlap [start, end)."""

    symbol: str | None = None
    status: Status | None = None
    reason: Reason | None = None
    data_type: Kind | None = None
    start: datetime | None = None
    end: datetime | None = None


_PAGE = f"""
SELECT {", ".join(COLUMNS)} FROM gap_ledger
WHERE gap_id < :before AND exchange = :exchange
    AND (:symbol IS NULL OR symbol = :symbol)
    AND (:status IS NULL OR status = :status)
    AND (:reason IS NULL OR reason = :reason)
    AND (:data_type IS NULL OR data_type = :data_type)
    AND (:start IS NULL OR to_time > :start)
    AND (:end IS NULL OR from_time < :end)
ORDER BY gap_id DESC
LIMIT :most
"""
_COUNTS = """
SELECT data_type, status, reason, COUNT(*) AS gaps, CAST(SUM(minutes) AS SIGNED) AS minutes
FROM gap_ledger
WHERE exchange = :exchange AND status <> 'closed'
GROUP BY data_type, status, reason
ORDER BY data_type, status, reason
"""


def page(reader: Reader, exchange: str, filters: Filters, limit: int, before: int | None = None) -> Page:
    """Return gaps, the one noticed last first; ``before`` is the gap_id after which the page begins."""
    values = asdict(filters)
    rows = reader.rows(_PAGE, exchange=exchange, before=NEWEST if before is None else before, most=limit + 1, **values)
    for row in rows:
        row["is_explained"] = bool(row["is_explained"])
    return cut(rows, limit, "gap_id")


def counts(reader: Reader, exchange: str) -> list[dict[str, Any]]:
    """Return how many gaps that are not closed there are, and of how many minutes, by data type, status and reason."""
    return reader.rows(_COUNTS, exchange=exchange)
