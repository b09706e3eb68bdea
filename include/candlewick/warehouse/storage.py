"""Sizes over time: ``storage_samples``, one row per sampling and table, bucket or disk.

Sizes of tables are the server's own, its row counts estimates. Buckets are known by the ledgers. The bucket of payloads
is counted once a week, which reads a row for each of its objects; from sampling to sampling what came is added and what
went is taken off. An outcome that is committed after the sampling behind its capture is missed until the next count, and so is what a step of
maintenance deletes after the sampling behind its begin: the count of the same run follows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from candlewick.warehouse import tables
from candlewick.warehouse.ageing import bundled
from candlewick.warehouse.holding import Holding
from candlewick.warehouse.lifecycle import Action, Store

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session

WAREHOUSE, DISK = "warehouse", "disk"
BUCKETS = (Store.RAW, Store.ARCHIVE, Store.BACKUP)
_GONE = (Action.SOURCES_DELETED, Action.EXPIRED)
_NAMES = "sampled_at, store, name, object_count, row_count, byte_count, capacity_bytes, oldest, newest"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """The size of one thing at one moment; times are naive UTC."""

    store: str
    name: str
    byte_count: int
    object_count: int | None = None
    row_count: int | None = None
    capacity_bytes: int | None = None
    """What the whole store can hold; None: nobody said."""
    oldest: datetime | None = None
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class TableSize:
    """A base table as the server sees it; bytes count data and indexes, ``free_bytes`` what deletions left unused."""

    schema: str
    name: str
    rows: int
    bytes: int
    free_bytes: int
    is_partitioned: bool

    @property
    def full_name(self) -> str:
        """Name with its schema."""
        return f"{self.schema}.{self.name}"


def table_sizes(session: Session, config: Settings) -> list[TableSize]:
    """Return every base table of both schemas, the largest first."""
    tables.show_fresh_sizes(session)
    rows = session.all(
        "SELECT table_schema, table_name, table_rows, COALESCE(data_length, 0) + COALESCE(index_length, 0), data_free, "
        "create_options LIKE '%%partitioned%%' FROM information_schema.tables "
        "WHERE table_schema IN (%s, %s) AND table_type = 'BASE TABLE' ORDER BY 4 DESC, 1, 2",
        (config.raw_schema, config.marts_schema),
    )
    return [
        TableSize(schema, name, int(count or 0), int(size), int(free or 0), bool(cut))
        for schema, name, count, size, free, cut in rows
    ]


def record(session: Session, samples: Iterable[Sample], now: datetime) -> None:
    """Write one sampling; the caller commits. The same moment again replaces what it said."""
    session.run_many(
        f"REPLACE INTO storage_samples ({_NAMES}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            (now, s.store, s.name, s.object_count, s.row_count, s.byte_count, s.capacity_bytes, s.oldest, s.newest)
            for s in samples
        ],
    )


def newest_sampling(session: Session, before: datetime) -> datetime | None:
    """Return the moment of the newest sampling before one; None: there is none."""
    row = session.one("SELECT MAX(sampled_at) FROM storage_samples WHERE sampled_at < %s", (before,))
    return row[0] if row else None


def held_at(session: Session, sampled_at: datetime) -> dict[str, Holding]:
    """Return what each bucket held at a sampling, by store."""
    rows = session.all(
        "SELECT store, object_count, byte_count, oldest, newest FROM storage_samples WHERE sampled_at = %s AND store IN %s",
        (sampled_at, tuple(store.value for store in BUCKETS)),
    )
    return {store: Holding.of(row) for store, *row in rows}


def archive_holds(session: Session, config: Settings, loose_before: datetime) -> Holding:
    """Count the archive: bundles by their ledger, and single answers (of an older platform) captured before a moment.

    What lies in no bundle and is that old is little: the look-up by bundle finds it.
    """
    single = session.one(
        "SELECT COUNT(*), COALESCE(SUM(payload_bytes), 0), MIN(captured_at), MAX(captured_at) FROM processed_files "
        "FORCE INDEX (by_bundle) WHERE bundle_id IS NULL AND captured_at < %s AND bucket = %s AND expired_at IS NULL",
        (loose_before, config.archive_bucket),
    )
    files, _ = bundled(session)
    return files + Holding.of(single)


def raw_after(session: Session, config: Settings, held: Holding, since: datetime, until: datetime) -> Holding:
    """Return what the bucket of payloads holds after [since, until), from what it held before."""
    put = Holding.of(
        session.one(
            "SELECT COUNT(*), COALESCE(SUM(payload_bytes), 0), MIN(captured_at), MAX(captured_at) FROM extraction_outcomes "
            "WHERE captured_at >= %s AND captured_at < %s AND status = 'stored' AND bucket = %s AND load_state <> 'none'",
            (since, until, config.raw_bucket),
        )
    )
    now_there = held + put - _events(session, Store.RAW, _GONE, since, until)
    oldest = session.one(
        "SELECT captured_at FROM processed_files FORCE INDEX (by_bundle) WHERE bundle_id IS NULL AND bucket = %s "
        "AND expired_at IS NULL ORDER BY captured_at LIMIT 1",
        (config.raw_bucket,),
    )
    return replace(now_there, oldest=oldest[0] if oldest else now_there.oldest)


def backups_after(session: Session, held: Holding, since: datetime, until: datetime) -> Holding:
    """Return what the bucket of backups holds after [since, until), from what it held before."""
    saved = _events(session, Store.BACKUP, (Action.SAVED,), since, until)
    return held + saved - _events(session, Store.BACKUP, _GONE, since, until)


def _events(session: Session, store: Store, actions: tuple[Action, ...], since: datetime, until: datetime) -> Holding:
    return Holding.of(
        session.one(
            "SELECT COALESCE(SUM(object_count), 0), COALESCE(SUM(byte_count), 0), MIN(occurred_at), MAX(occurred_at) "
            "FROM lifecycle_events WHERE occurred_at >= %s AND occurred_at < %s AND store = %s AND action IN %s",
            (since, until, store.value, tuple(action.value for action in actions)),
        )
    )


def thin_out(session: Session, before: datetime) -> int:
    """Of days before a midnight, keep the last sampling alone; commit day by day and return the rows that went."""
    days = session.all(
        "SELECT DATE(sampled_at), MAX(sampled_at) FROM storage_samples WHERE sampled_at < %s "
        "GROUP BY DATE(sampled_at) HAVING MIN(sampled_at) < MAX(sampled_at)",
        (before,),
    )
    gone = 0
    for day, last in days:
        gone += session.run("DELETE FROM storage_samples WHERE sampled_at >= %s AND sampled_at < %s", (day, last))
        session.commit()
    return gone
