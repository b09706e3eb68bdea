"""What the ledgers say of objects that a listing of the lake shows, and of those it does not show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from candlewick.market import Lane, Source
from candlewick.warehouse.ageing import ALIVE
from candlewick.warehouse.archive_files import FileState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from candlewick.warehouse.database import Session

SEEN = "swept_objects"
"""A temporary table: ids of the objects of one folder that are where their rows say."""


@dataclass(frozen=True, slots=True)
class KnownObject:
    """An object as its row describes it."""

    object_id: int
    key: str
    bucket: str
    bytes: int | None
    bundle_state: str | None
    """State of the bundle it lies in; None: it lies by itself."""
    bundle_key: str | None
    expired_at: datetime | None

    @property
    def is_expired(self) -> bool:
        """Whether it was deleted on purpose."""
        return self.expired_at is not None


@dataclass(frozen=True, slots=True)
class KnownBundle:
    """A bundle as its row describes it."""

    bundle_id: int
    key: str
    bytes: int
    state: str


@dataclass(frozen=True, slots=True)
class Missing:
    """Objects that rows name and no listing shows: how many there are, and the keys of the first of them."""

    count: int
    keys: tuple[str, ...]


def begin_folder(session: Session) -> None:
    """Forget what was seen of the folder before."""
    session.run(f"CREATE TEMPORARY TABLE IF NOT EXISTS {SEEN} (object_id BIGINT NOT NULL PRIMARY KEY)")
    session.run(f"DELETE FROM {SEEN}")


def seen(session: Session, object_ids: Iterable[int]) -> None:
    """Remember objects that are there."""
    session.run_many(f"INSERT IGNORE INTO {SEEN} VALUES (%s)", [(object_id,) for object_id in object_ids])


def known(session: Session, keys: Sequence[str]) -> dict[str, KnownObject]:
    """Return the rows of objects by key: of outcomes, and of processed files whose outcome was pruned."""
    rows = session.all(
        "SELECT o.outcome_id, o.object_key, COALESCE(p.bucket, o.bucket), COALESCE(p.payload_bytes, o.payload_bytes), "
        "b.state, b.object_key, p.expired_at FROM extraction_outcomes AS o "
        "LEFT JOIN processed_files AS p ON p.object_id = o.outcome_id "
        "LEFT JOIN archive_bundles AS b ON b.bundle_id = COALESCE(p.bundle_id, o.bundle_id) WHERE o.object_key IN %s "
        "UNION ALL SELECT p.object_id, p.object_key, p.bucket, p.payload_bytes, b.state, b.object_key, p.expired_at "
        "FROM processed_files AS p LEFT JOIN extraction_outcomes AS o ON o.outcome_id = p.object_id "
        "LEFT JOIN archive_bundles AS b ON b.bundle_id = p.bundle_id WHERE p.object_key IN %s AND o.outcome_id IS NULL",
        (tuple(keys), tuple(keys)),
    )
    return {row[1]: KnownObject(*row) for row in rows}


def place(session: Session, object_ids: Sequence[int], bucket: str, bundle_id: int, now: datetime) -> None:
    """Let the rows of objects that lay by themselves name a bundle, whatever a load made of them."""
    for start in range(0, len(object_ids), 1000):
        part = tuple(object_ids[start : start + 1000])
        session.run(
            "UPDATE processed_files SET bucket = %s, bundle_id = %s, archived_at = %s WHERE object_id IN %s "
            "AND bundle_id IS NULL AND expired_at IS NULL",
            (bucket, bundle_id, now, part),
        )
        session.run(
            "UPDATE extraction_outcomes AS o LEFT JOIN processed_files AS p ON p.object_id = o.outcome_id "
            "SET o.bucket = %s, o.bundle_id = %s WHERE o.outcome_id IN %s AND p.object_id IS NULL",
            (bucket, bundle_id, part),
        )


def known_bundles(session: Session, keys: Sequence[str]) -> dict[str, KnownBundle]:
    """Return the rows of bundles by key, whatever their state."""
    rows = session.all(
        "SELECT bundle_id, object_key, bundle_bytes, state FROM archive_bundles WHERE object_key IN %s", (tuple(keys),)
    )
    return {row[1]: KnownBundle(*row) for row in rows}


def living_bundles(session: Session, day: date) -> list[KnownBundle]:
    """Return the bundles of a day whose file has to be there."""
    rows = session.all(
        "SELECT bundle_id, object_key, bundle_bytes, state FROM archive_bundles WHERE date = %s "
        "AND state IN ('archived', 'settled') ORDER BY object_key",
        (day,),
    )
    return [KnownBundle(*row) for row in rows]


def days_of_bundles(session: Session) -> list[date]:
    """Return the days that have bundles."""
    return [row[0] for row in session.all("SELECT DISTINCT date FROM archive_bundles WHERE state IN %s", (ALIVE,))]


def days_of_answers(session: Session, bucket: str, before: datetime) -> list[date]:
    """Return the days with answers that lie in a bucket by themselves."""
    rows = session.all(
        "SELECT DISTINCT DATE(captured_at) FROM processed_files FORCE INDEX (by_bundle) WHERE bundle_id IS NULL "
        "AND captured_at < %s AND bucket = %s AND source = %s AND expired_at IS NULL",
        (before, bucket, Source.REST.value),
    )
    return [row[0] for row in rows]


def missing_answers(session: Session, bucket: str, start: datetime, end: datetime, most: int) -> Missing:
    """Return what rows say was captured in [start, end) and lies in a bucket by itself, and was not seen there."""
    loaded = (
        "FROM processed_files AS p FORCE INDEX (by_bundle) "
        f"LEFT JOIN {SEEN} AS s ON s.object_id = p.object_id WHERE p.bundle_id IS NULL AND p.captured_at >= %s "
        "AND p.captured_at < %s AND p.bucket = %s AND p.source = %s AND p.expired_at IS NULL AND s.object_id IS NULL"
    )
    return _missing(session, "p.object_key", loaded, (start, end, bucket, Source.REST.value), most)


def missing_queued(session: Session, bucket: str, start: datetime, end: datetime, most: int) -> Missing:
    """Return what is queued, was captured in [start, end), and was not seen."""
    queued = (
        "FROM extraction_outcomes AS o LEFT JOIN processed_files AS p ON p.object_id = o.outcome_id "
        f"LEFT JOIN {SEEN} AS s ON s.object_id = o.outcome_id WHERE o.lane IN %s AND o.load_state = 'pending' "
        "AND o.captured_at >= %s AND o.captured_at < %s AND o.bucket = %s AND o.source = %s AND o.bundle_id IS NULL "
        "AND p.object_id IS NULL AND s.object_id IS NULL"
    )
    return _missing(session, "o.object_key", queued, (tuple(Lane), start, end, bucket, Source.REST.value), most)


def missing_evidence(session: Session, bucket: str, before: datetime, most: int) -> Missing:
    """Return the answers kept as evidence that were not seen."""
    kept = (
        f"FROM extraction_outcomes AS o LEFT JOIN {SEEN} AS s ON s.object_id = o.outcome_id WHERE o.lane IN %s "
        "AND o.load_state = 'none' AND o.status = 'stored' AND o.bucket = %s AND o.captured_at < %s AND s.object_id IS NULL"
    )
    return _missing(session, "o.object_key", kept, (tuple(Lane), bucket, before), most)


def missing_editions(session: Session, before: datetime, most: int) -> Missing:
    """Return the newest editions of published archive files that were not seen."""
    stored = (
        "FROM archive_files AS a JOIN extraction_outcomes AS o ON o.outcome_id = a.object_id "
        f"LEFT JOIN {SEEN} AS s ON s.object_id = o.outcome_id WHERE a.state IN %s AND o.captured_at < %s "
        "AND s.object_id IS NULL"
    )
    states = (FileState.STORED.value, FileState.LOADED.value)
    return _missing(session, "o.object_key", stored, (states, before), most)


def _missing(session: Session, key: str, rows: str, values: tuple[Any, ...], most: int) -> Missing:
    count = session.one(f"SELECT COUNT(*) {rows}", values)
    if not count or not count[0]:
        return Missing(0, ())
    first = session.all(f"SELECT {key} {rows} ORDER BY {key} LIMIT {int(most)}", values)
    return Missing(int(count[0]), tuple(row[0] for row in first))
