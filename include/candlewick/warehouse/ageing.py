"""Which objects of the lake are due, as the ledgers know them: nothing here lists a bucket.

Only whole UTC days are due. Published archive files, refused ones and evidence never are: no answer of theirs was
loaded from ``rest`` into ``processed_files``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from candlewick.market import Lane, Source
from candlewick.warehouse.processed import LOADED, PARTIAL, QUARANTINED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session

PENDING = "pending"
ALIVE = ("archived", "settled", "expiring")
_LANES = (Lane.LIVE, Lane.BACKFILL)


@dataclass(frozen=True, slots=True)
class Holding:
    """Objects of a store: how many, their bytes, captures of the oldest and the newest (naive UTC; None: there is none)."""

    objects: int = 0
    bytes: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None

    def __add__(self, other: Holding) -> Holding:
        stamps = [moment for one in (self, other) for moment in (one.oldest, one.newest) if moment]
        return Holding(
            self.objects + other.objects,
            self.bytes + other.bytes,
            min(stamps, default=None),
            max(stamps, default=None),
        )


@dataclass(frozen=True, slots=True)
class Held:
    """Objects of a series that are due by age and stay, with the reason: ``pending`` or ``quarantined``."""

    exchange: str
    symbol: str
    data_type: str
    interval_code: str
    reason: str
    holding: Holding


@dataclass(frozen=True, slots=True)
class DaySeries:
    """A series' objects captured on one UTC day, and how many of them are due."""

    exchange: str
    symbol: str
    data_type: str
    interval_code: str
    date: date
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class DueObject:
    """An object that is due; ``sha256`` and ``payload_bytes`` as its load found them, None where no load said."""

    object_id: int
    object_key: str
    captured_at: datetime
    payload_bytes: int | None
    sha256: str | None


# The look-up by bundle finds what lies in none, by capture: its cost is what is not archived, not the whole ledger.
_LOOSE = "FROM processed_files AS p FORCE INDEX (by_bundle) "
_DUE = (
    f"{_LOOSE}LEFT JOIN extraction_outcomes AS o ON o.outcome_id = p.object_id AND o.load_state = '{PENDING}' "
    f"WHERE p.bundle_id IS NULL AND p.captured_at >= %s AND p.captured_at < %s AND p.bucket = %s "
    f"AND p.source = '{Source.REST.value}' AND p.status IN ('{LOADED}', '{PARTIAL}') AND p.expired_at IS NULL "
    "AND o.outcome_id IS NULL "
)
_HOLDING = "COUNT(*), COALESCE(SUM(p.payload_bytes), 0), MIN(p.captured_at), MAX(p.captured_at) "
_SERIES = "p.exchange, p.symbol, p.data_type, p.interval_code"
BEGINNING = datetime(1970, 1, 1)  # noqa: DTZ001 -- the tables hold naive UTC


def midnight(now: datetime, days: int) -> datetime:
    """Return the begin of the UTC day that lies so many days before ``now``: what was captured before it is due."""
    return datetime.combine((now - timedelta(days=days)).date(), time())


def due(session: Session, bucket: str, before: datetime) -> Holding:
    """Sum up the answers that are to be archived."""
    return _holding(session.one(f"SELECT {_HOLDING}{_DUE}", (BEGINNING, before, bucket)))


def next_day(session: Session, bucket: str, start: datetime, before: datetime) -> date | None:
    """Return the first day, from ``start`` on, with answers that are to be archived; None when there is none."""
    row = session.one(f"SELECT p.captured_at {_DUE} ORDER BY p.captured_at LIMIT 1", (start, before, bucket))
    return row[0].date() if row else None


def due_series(session: Session, bucket: str, day: date) -> list[DaySeries]:
    """Return the series with answers of a day that are to be archived."""
    rows = session.all(
        f"SELECT {_SERIES}, COUNT(*), COALESCE(SUM(p.payload_bytes), 0) {_DUE} GROUP BY {_SERIES} ORDER BY {_SERIES}",
        (*_span(day), bucket),
    )
    return [
        DaySeries(exchange, symbol, data_type, interval_code, day, int(count), int(size))
        for exchange, symbol, data_type, interval_code, count, size in rows
    ]


def due_objects(session: Session, bucket: str, unit: DaySeries, prefix: str) -> list[DueObject]:
    """Return the answers of a series and day that are to be archived, by key.

    ``prefix`` is what their keys begin with: an index look-up finds them. Where names say something else, they are
    looked for among all of the day's.
    """
    select = "SELECT p.object_id, p.object_key, p.captured_at, p.payload_bytes, p.sha256 "
    where = f"{_DUE} AND {' AND '.join(f'{name} = %s' for name in _SERIES.split(', '))} "
    values = (*_span(unit.date), bucket, unit.exchange, unit.symbol, unit.data_type, unit.interval_code)
    by_key = where.replace("(by_bundle)", "(by_object)") + "AND p.object_key LIKE %s "
    rows = session.all(f"{select}{by_key}ORDER BY p.object_key", (*values, _escaped(prefix) + "%"))
    if len(rows) < unit.objects:
        rows = session.all(f"{select}{where}ORDER BY p.object_key", values)
    return [DueObject(*row) for row in rows]


def expire(session: Session, object_ids: Sequence[int], reason: str, now: datetime) -> None:
    """Note that objects were deleted for good."""
    for start in range(0, len(object_ids), 1000):
        part = object_ids[start : start + 1000]
        marks = ", ".join(["%s"] * len(part))
        session.run(
            f"UPDATE processed_files SET expired_at = %s, expiry_reason = %s WHERE object_id IN ({marks})",
            (now, reason, *part),
        )


def held(session: Session, bucket: str, before: datetime) -> tuple[Held, ...]:
    """Return what is old enough and stays, by series: answers that are queued, and answers in quarantine."""
    rest = Source.REST.value
    queued = session.all(
        f"SELECT {_SERIES}, '{PENDING}', {_HOLDING}FROM extraction_outcomes AS p "
        "LEFT JOIN processed_files AS f ON f.object_id = p.outcome_id "
        f"WHERE p.lane IN %s AND p.load_state = '{PENDING}' AND p.bucket = %s AND p.captured_at < %s AND p.source = '{rest}' "
        f"AND f.bundle_id IS NULL AND p.bundle_id IS NULL GROUP BY {_SERIES} ORDER BY {_SERIES}",
        (_LANES, bucket, before),
    )
    rejected = session.all(
        f"SELECT {_SERIES}, '{QUARANTINED}', {_HOLDING}{_LOOSE}WHERE p.bundle_id IS NULL AND p.bucket = %s "
        f"AND p.captured_at < %s AND p.source = '{rest}' AND p.status = '{QUARANTINED}' AND p.expired_at IS NULL "
        f"GROUP BY {_SERIES} ORDER BY {_SERIES}",
        (bucket, before),
    )
    return tuple(
        Held(exchange, symbol, data_type, interval_code, reason, _holding(rest_of_row))
        for exchange, symbol, data_type, interval_code, reason, *rest_of_row in (*queued, *rejected)
    )


def totals(session: Session, config: Settings) -> tuple[Holding, Holding]:
    """Return what the bucket of payloads and the archive hold by the ledgers; a bundle counts as one object."""
    loose = session.all(
        f"SELECT p.bucket, {_HOLDING}{_LOOSE}WHERE p.bundle_id IS NULL AND p.expired_at IS NULL GROUP BY p.bucket"
    )
    by_bucket = {row[0]: _holding(row[1:]) for row in loose}
    queued = session.one(
        f"SELECT {_HOLDING}FROM extraction_outcomes AS p LEFT JOIN processed_files AS f ON f.object_id = p.outcome_id "
        f"WHERE p.lane IN %s AND p.load_state = '{PENDING}' AND p.bucket = %s AND f.object_id IS NULL",
        (_LANES, config.raw_bucket),
    )
    bundles = session.one(
        "SELECT COUNT(*), COALESCE(SUM(bundle_bytes), 0), MIN(date), MAX(date) FROM archive_bundles WHERE state IN %s",
        (ALIVE,),
    )
    return (
        by_bucket.get(config.raw_bucket, Holding()) + _holding(queued),
        by_bucket.get(config.archive_bucket, Holding()) + _holding(bundles),
    )


def _span(day: date) -> tuple[datetime, datetime]:
    start = datetime.combine(day, time())
    return start, start + timedelta(days=1)


def _holding(row: Iterable[object] | None) -> Holding:
    objects, size, oldest, newest = row or (0, 0, None, None)
    return Holding(int(str(objects)), int(str(size)), _moment(oldest), _moment(newest))


def _moment(value: object) -> datetime | None:
    """Turn a column's date or datetime into a datetime."""
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time()) if isinstance(value, date) else None


def _escaped(text: str) -> str:
    """Take the meaning of wildcards from a text for LIKE."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
