"""How large the stores are and how fast they grow (mart `storage_health`), and what maintenance did to them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from candlewick_ui.paging import Page, cut

if TYPE_CHECKING:
    from datetime import date

    from candlewick_ui.database import Reader

COLUMNS = (
    "store", "name", "date", "object_count", "row_count", "byte_count", "growth_bytes_per_day", "full_at_bytes", "days_until_full",
    "deleted_objects", "deleted_rows", "deleted_bytes", "oldest", "newest", "sampled_at",
)  # fmt: skip
EVENTS = (
    "event_id", "occurred_at", "run_id", "step", "action", "store", "subject", "symbol", "from_time", "to_time", "object_count",
    "row_count", "byte_count", "reason",
)  # fmt: skip
EVENTS_KEY = (int,)
NEWEST = 2**63 - 1


class Store(StrEnum):
    """What holds bytes."""

    RAW = "raw"
    ARCHIVE = "archive"
    BACKUP = "backup"
    LAKE = "lake"
    WAREHOUSE = "warehouse"
    DISK = "disk"


_DAYS = f"""
SELECT {", ".join(COLUMNS)} FROM storage_health
WHERE date >= :first AND date <= :last AND (:store IS NULL OR store = :store)
ORDER BY date DESC, store, byte_count DESC, name
"""
_NEWEST_DAY = "SELECT CAST(MAX(sampled_at) AS DATE) AS date FROM {raw}.storage_samples"
_EVENTS = f"""
SELECT {", ".join(EVENTS)} FROM {{raw}}.lifecycle_events
WHERE event_id < :before AND (:store IS NULL OR store = :store)
ORDER BY event_id DESC
LIMIT :most
"""


def days(reader: Reader, store: Store | None, first: date, last: date) -> list[dict[str, Any]]:
    """Return a row per store, name and UTC day from first to last, the newest day first and in it the largest first."""
    return reader.rows(_DAYS, store=store, first=first, last=last)


def newest(reader: Reader) -> list[dict[str, Any]]:
    """Return the rows of the day of the newest sampling; none before the first hourly run."""
    found = reader.one(_NEWEST_DAY)
    return days(reader, None, found["date"], found["date"]) if found and found["date"] else []


def events(reader: Reader, store: Store | None, limit: int, before: int | None = None) -> Page:
    """Return what maintenance archived, deleted, cared for; newest first, ``before`` is the event_id after which it begins."""
    rows = reader.rows(_EVENTS, store=store, before=NEWEST if before is None else before, most=limit + 1)
    return cut(rows, limit, "event_id")
