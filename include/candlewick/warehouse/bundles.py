"""The ledger of bundles, ``archive_bundles``: a compressed file each, with a day's answers of one series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from candlewick.market import Lane
from candlewick.warehouse.ageing import Held, Holding

if TYPE_CHECKING:
    from datetime import date

    from candlewick.warehouse.database import Session


class BundleState(StrEnum):
    """Where a bundle stands; it goes through all four, in this order."""

    ARCHIVED = "archived"  # read back, its objects are marked; their sources may still be there
    SETTLED = "settled"  # the sources are gone
    EXPIRING = "expiring"  # its object may be gone
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle's row."""

    bundle_id: int
    exchange: str
    symbol: str
    data_type: str
    interval_code: str
    date: date
    bucket: str
    object_key: str
    object_count: int
    source_bytes: int
    bundle_bytes: int
    sha256: str
    state: BundleState


_ANSWERS = "COALESCE(SUM(b.object_count), 0), COALESCE(SUM(b.source_bytes), 0), MIN(b.date), MAX(b.date)"
_FILES = "COUNT(*), COALESCE(SUM(b.bundle_bytes), 0), MIN(b.date), MAX(b.date)"
# Bundles with an answer that is queued, to be loaded once more. They are read off the queue, which is short.
_ASKED_FOR = (
    "SELECT COALESCE(f.bundle_id, o.bundle_id) AS bundle_id FROM extraction_outcomes AS o "
    "LEFT JOIN processed_files AS f ON f.object_id = o.outcome_id WHERE o.lane IN %s AND o.load_state = 'pending' "
    "AND COALESCE(f.bundle_id, o.bundle_id) IS NOT NULL"
)
_DUE = (
    f"FROM archive_bundles AS b LEFT JOIN (SELECT DISTINCT q.bundle_id FROM ({_ASKED_FOR}) AS q) AS asked "
    "ON asked.bundle_id = b.bundle_id WHERE b.date < %s AND (b.state = 'expiring' OR (b.state = 'settled' AND asked.bundle_id IS NULL))"
)
_LANES = (Lane.LIVE, Lane.BACKFILL)


def unfinished(session: Session) -> Holding:
    """Sum up the answers of bundles whose sources may still be there."""
    return _holding(session.one(f"SELECT {_ANSWERS} FROM archive_bundles AS b WHERE b.state = 'archived'"))


def due(session: Session, before: date) -> tuple[Holding, Holding]:
    """Sum up the bundles of days before one that are to be deleted: the files, and the answers in them."""
    row = session.one(f"SELECT {_FILES}, {_ANSWERS} {_DUE}", (_LANES, before))
    return _holding(row and row[:4]), _holding(row and row[4:])


def held(session: Session, before: date) -> tuple[Held, ...]:
    """Return the bundles of days before one that stay, by series: asked for, or their sources may still be there."""
    series = "b.exchange, b.symbol, b.data_type, b.interval_code"
    rows = session.all(
        f"SELECT {series}, IF(b.state = 'archived', 'archived', 'pending'), {_FILES} FROM archive_bundles AS b "
        f"LEFT JOIN (SELECT DISTINCT q.bundle_id FROM ({_ASKED_FOR}) AS q) AS asked ON asked.bundle_id = b.bundle_id "
        "WHERE b.date < %s AND (b.state = 'archived' OR (b.state = 'settled' AND asked.bundle_id IS NOT NULL)) "
        f"GROUP BY {series}, b.state = 'archived' ORDER BY {series}",
        (_LANES, before),
    )
    return tuple(Held(*row[:5], _holding(row[5:])) for row in rows)


def _holding(row: tuple[Any, ...] | None) -> Holding:
    objects, size, oldest, newest = row or (0, 0, None, None)
    first, last = (day and datetime.combine(day, time()) for day in (oldest, newest))
    return Holding(int(objects), int(size), first, last)
