"""The ledger of bundles, ``archive_bundles``: a compressed file each, with a day's answers of one series."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING

from candlewick.market import Lane
from candlewick.warehouse.ageing import Held
from candlewick.warehouse.holding import Holding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

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

    @property
    def series(self) -> tuple[str, str, str, str]:
        """The key of its series."""
        return self.exchange, self.symbol, self.data_type, self.interval_code


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
_COLUMNS = tuple(field.name for field in fields(Bundle))


def unfinished(session: Session) -> Holding:
    """Sum up the answers of bundles whose sources may still be there."""
    return Holding.of(session.one(f"SELECT {_ANSWERS} FROM archive_bundles AS b WHERE b.state = 'archived'"))


def due(session: Session, before: date) -> tuple[Holding, Holding]:
    """Sum up the bundles of days before one that are to be deleted: the files, and the answers in them."""
    row = session.one(f"SELECT {_FILES}, {_ANSWERS} {_DUE}", (tuple(Lane), before))
    return Holding.of(row and row[:4]), Holding.of(row and row[4:])


def held(session: Session, before: date) -> tuple[Held, ...]:
    """Return the bundles of days before one that stay, by series: asked for, or their sources may still be there."""
    series = "b.exchange, b.symbol, b.data_type, b.interval_code"
    rows = session.all(
        f"SELECT {series}, IF(b.state = 'archived', 'archived', 'pending'), {_FILES} FROM archive_bundles AS b "
        f"LEFT JOIN (SELECT DISTINCT q.bundle_id FROM ({_ASKED_FOR}) AS q) AS asked ON asked.bundle_id = b.bundle_id "
        "WHERE b.date < %s AND (b.state = 'archived' OR (b.state = 'settled' AND asked.bundle_id IS NOT NULL)) "
        f"GROUP BY {series}, b.state = 'archived' ORDER BY {series}",
        (tuple(Lane), before),
    )
    return tuple(
        Held(exchange, symbol, data_type, interval_code, reason, Holding.of(rest))
        for exchange, symbol, data_type, interval_code, reason, *rest in rows
    )


def record(session: Session, bundle: Bundle, run_id: str, now: datetime) -> int:
    """Write a bundle's row, or that of an earlier try of the same file again; return its id."""
    return session.insert(
        "INSERT INTO archive_bundles (exchange, symbol, data_type, interval_code, date, bucket, object_key, object_count, "
        "source_bytes, bundle_bytes, sha256, state, run_id, archived_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE "
        "bundle_id = LAST_INSERT_ID(bundle_id), bucket = VALUES(bucket), object_count = VALUES(object_count), "
        "source_bytes = VALUES(source_bytes), bundle_bytes = VALUES(bundle_bytes), sha256 = VALUES(sha256), "
        "state = VALUES(state), run_id = VALUES(run_id), archived_at = VALUES(archived_at), settled_at = NULL, "
        "expired_at = NULL, expiry_reason = NULL",
        (
            *bundle.series, bundle.date, bundle.bucket, bundle.object_key, bundle.object_count, bundle.source_bytes,
            bundle.bundle_bytes, bundle.sha256, bundle.state, run_id, now,
        ),
    )  # fmt: skip


def mark(session: Session, bundle_id: int, object_ids: Sequence[int], places: tuple[str, str], now: datetime) -> int:
    """Note that loaded objects lie in a bundle now; return of how many that was true until this moment.

    ``places`` are the bucket they were in and the one of the bundle. Only what no load has found to be bad is moved.
    """
    marked = 0
    for start in range(0, len(object_ids), 1000):
        part = object_ids[start : start + 1000]
        marks = ", ".join(["%s"] * len(part))
        marked += session.run(
            "UPDATE processed_files SET bucket = %s, bundle_id = %s, archived_at = %s "
            f"WHERE object_id IN ({marks}) AND bundle_id IS NULL AND bucket = %s AND status IN ('loaded', 'partial')",
            (places[1], bundle_id, now, *part, places[0]),
        )
    return marked


def adopt(session: Session, bundle_id: int, keys: Sequence[str], places: tuple[str, str], now: datetime) -> None:
    """Note that objects lie in a bundle, whatever became of them: a rebuild found it, while their rows name the source."""
    if not keys:
        return
    marks = ", ".join(["%s"] * len(keys))
    session.run(
        "UPDATE processed_files SET bucket = %s, bundle_id = %s, archived_at = %s "
        f"WHERE object_key IN ({marks}) AND bundle_id IS NULL AND bucket = %s",
        (places[1], bundle_id, now, *keys, places[0]),
    )
    session.run(
        f"UPDATE extraction_outcomes SET bundle_id = %s WHERE object_key IN ({marks}) AND bundle_id IS NULL "
        "AND load_state = 'pending'",
        (bundle_id, *keys),
    )


def settle(session: Session, bundle_id: int, now: datetime) -> None:
    """Note that the sources of a bundle are gone."""
    session.run(
        "UPDATE archive_bundles SET state = 'settled', settled_at = %s WHERE bundle_id = %s AND state = 'archived'",
        (now, bundle_id),
    )


def unsettled(session: Session, after: int, most: int) -> list[Bundle]:
    """Return bundles whose sources may still be there, behind an id."""
    return _bundles(session, "b.state = 'archived' AND b.bundle_id > %s ORDER BY b.bundle_id LIMIT %s", (after, most))


def named(session: Session, object_key: str) -> Bundle | None:
    """Return the bundle with this key; None when no row knows it."""
    found = _bundles(session, "b.object_key = %s", (object_key,))
    return found[0] if found else None


def all_are_known(session: Session, bundle: Bundle) -> bool:
    """Whether every answer of a bundle has its row in ``processed_files``, which says that it lies there."""
    row = session.one("SELECT COUNT(*) FROM processed_files WHERE bundle_id = %s", (bundle.bundle_id,))
    return bool(row and row[0] == bundle.object_count)


def begin_expiry(session: Session, before: date, most: int) -> list[Bundle]:
    """Mark bundles of days before one as expiring, oldest first, and return them; the caller commits.

    Those that a killed run has marked come along; those with an answer that is queued stay.
    """
    rows = session.all(f"SELECT b.bundle_id {_DUE} ORDER BY b.date, b.bundle_id LIMIT %s", (tuple(Lane), before, most))
    if not rows:
        return []
    ids = tuple(row[0] for row in rows)
    session.run("UPDATE archive_bundles SET state = 'expiring' WHERE bundle_id IN %s AND state = 'settled'", (ids,))
    return _bundles(session, "b.bundle_id IN %s AND b.state = 'expiring' ORDER BY b.date, b.bundle_id", (ids,))


def expire(session: Session, bundle_ids: Sequence[int], reason: str, now: datetime) -> None:
    """Note that bundles, and with them their answers, were deleted for good."""
    session.run(
        "UPDATE archive_bundles SET state = 'expired', expired_at = %s, expiry_reason = %s WHERE bundle_id IN %s",
        (now, reason, tuple(bundle_ids)),
    )
    session.run(
        "UPDATE processed_files SET expired_at = %s, expiry_reason = %s WHERE bundle_id IN %s AND expired_at IS NULL",
        (now, reason, tuple(bundle_ids)),
    )


def _bundles(session: Session, where: str, values: tuple[object, ...]) -> list[Bundle]:
    columns = ", ".join(f"b.{name}" for name in _COLUMNS)
    rows = session.all(f"SELECT {columns} FROM archive_bundles AS b WHERE {where}", values)
    return [Bundle(**{**dict(zip(_COLUMNS, row, strict=True)), "state": BundleState(row[-1])}) for row in rows]
