"""Which objects of the lake are due, as the ledgers know them: nothing here lists a bucket.

Only whole UTC days are due. Published archive files, refused ones and evidence never are: no answer of theirs was
loaded from ``rest`` into ``processed_files``.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from candlewick.market import Lane, Source
from candlewick.spans import of_day
from candlewick.warehouse.database import EPOCH
from candlewick.warehouse.holding import Holding
from candlewick.warehouse.processed import LOADED, PARTIAL, QUARANTINED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from candlewick.settings import Settings
    from candlewick.spans import Span
    from candlewick.warehouse.database import Session

PENDING = "pending"
ALIVE = ("archived", "settled", "expiring")


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

    @property
    def span(self) -> Span:
        """The day."""
        return of_day(self.date)

    @property
    def label(self) -> str:
        """The series, as people read it."""
        return f"{self.symbol} {self.data_type} {self.interval_code}".strip()


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


def midnight(now: datetime, days: int) -> datetime:
    """Return the begin of the UTC day that lies so many days before ``now``: what was captured before it is due."""
    return of_day((now - timedelta(days=days)).date()).start


def due(session: Session, bucket: str, before: datetime) -> Holding:
    """Sum up the answers that are to be archived."""
    return Holding.of(session.one(f"SELECT {_HOLDING}{_DUE}", (EPOCH, before, bucket)))


def due_days(session: Session, bucket: str, before: datetime) -> Iterator[DaySeries]:
    """Yield the series and days with answers that are to be archived, the oldest day first; each day is looked up anew."""
    day = next_day(session, bucket, EPOCH, before)
    while day:
        yield from due_series(session, bucket, day)
        day = next_day(session, bucket, of_day(day).end, before)


def next_day(session: Session, bucket: str, start: datetime, before: datetime) -> date | None:
    """Return the first day, from ``start`` on, with answers that are to be archived; None when there is none."""
    row = session.one(f"SELECT p.captured_at {_DUE} ORDER BY p.captured_at LIMIT 1", (start, before, bucket))
    return row[0].date() if row else None


def due_series(session: Session, bucket: str, day: date) -> list[DaySeries]:
    """Return the series with answers of a day that are to be archived."""
    rows = session.all(
        f"SELECT {_SERIES}, COUNT(*), COALESCE(SUM(p.payload_bytes), 0) {_DUE} GROUP BY {_SERIES} ORDER BY {_SERIES}",
        (*astuple(of_day(day)), bucket),
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
    values = (*astuple(unit.span), bucket, unit.exchange, unit.symbol, unit.data_type, unit.interval_code)
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
        (tuple(Lane), bucket, before),
    )
    rejected = session.all(
        f"SELECT {_SERIES}, '{QUARANTINED}', {_HOLDING}{_LOOSE}WHERE p.bundle_id IS NULL AND p.bucket = %s "
        f"AND p.captured_at < %s AND p.source = '{rest}' AND p.status = '{QUARANTINED}' AND p.expired_at IS NULL "
        f"GROUP BY {_SERIES} ORDER BY {_SERIES}",
        (bucket, before),
    )
    return tuple(
        Held(exchange, symbol, data_type, interval_code, reason, Holding.of(rest_of_row))
        for exchange, symbol, data_type, interval_code, reason, *rest_of_row in (*queued, *rejected)
    )


def totals(session: Session, config: Settings) -> tuple[Holding, Holding]:
    """Return what the bucket of payloads and the archive hold by the ledgers; a bundle counts as one object."""
    loose = session.all(
        f"SELECT p.bucket, {_HOLDING}{_LOOSE}WHERE p.bundle_id IS NULL AND p.expired_at IS NULL GROUP BY p.bucket"
    )
    by_bucket = {row[0]: Holding.of(row[1:]) for row in loose}
    queued = session.one(
        f"SELECT {_HOLDING}FROM extraction_outcomes AS p LEFT JOIN processed_files AS f ON f.object_id = p.outcome_id "
        f"WHERE p.lane IN %s AND p.load_state = '{PENDING}' AND p.bucket = %s AND f.object_id IS NULL",
        (tuple(Lane), config.raw_bucket),
    )
    bundles, _ = bundled(session)
    return (
        by_bucket.get(config.raw_bucket, Holding()) + Holding.of(queued),
        by_bucket.get(config.archive_bucket, Holding()) + bundles,
    )


def bundled(session: Session) -> tuple[Holding, Holding]:
    """Sum up the bundles whose file is there: the files, and the answers in them with their bytes as captured."""
    row = session.one(
        "SELECT COUNT(*), COALESCE(SUM(bundle_bytes), 0), MIN(date), MAX(date), COALESCE(SUM(object_count), 0), "
        "COALESCE(SUM(source_bytes), 0), MIN(date), MAX(date) FROM archive_bundles WHERE state IN %s",
        (ALIVE,),
    )
    return Holding.of(row and row[:4]), Holding.of(row and row[4:])


def _escaped(text: str) -> str:
    """Take the meaning of wildcards from a text for LIKE."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
