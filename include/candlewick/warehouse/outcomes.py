"""The outcome of every request: a row each, and the work queue of the load."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Any

from candlewick.market import DataType, Interval, Lane, Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from candlewick.warehouse.database import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one request. Stamps are naive UTC; field names are the columns' names."""

    exchange: str
    symbol: str
    data_type: DataType
    interval_code: str
    run_id: str
    shard: str
    page: int
    status: str
    source: Source
    captured_at: datetime
    load_state: str
    lane: Lane = Lane.LIVE
    bucket: str | None = None
    object_key: str | None = None
    payload_bytes: int | None = None
    sha256: str | None = None
    row_count: int | None = None
    first_open_time: datetime | None = None
    last_open_time: datetime | None = None
    host: str | None = None
    http_status: int | None = None
    weight: int | None = None
    latency_ms: int | None = None
    exchange_time: datetime | None = None
    error_kind: str | None = None
    error_message: str | None = None
    bundle_id: int | None = None


@dataclass(frozen=True, slots=True)
class LoadableObject:
    """An object of the lake that a load is to read; ``object_id`` is its outcome's id."""

    object_id: int
    bucket: str
    object_key: str
    payload_bytes: int
    exchange: str
    symbol: str
    data_type: DataType
    interval_code: str
    source: Source
    captured_at: datetime
    exchange_time: datetime | None
    first_open_time: datetime | None = None
    sha256: str | None = None
    bundle_id: int | None = None
    bundle_key: str | None = None
    """The bundle it lies in, in ``bucket``; None while it is an object by itself."""
    is_expired: bool = False
    """Whether its object was deleted for good, or is about to be."""

    @property
    def series(self) -> tuple[str, str, str, str]:
        """The key of the watermark this object belongs to."""
        return self.exchange, self.symbol, self.data_type.value, self.interval_code


_COLUMNS = tuple(f.name for f in fields(Outcome))
_INSERT = f"INSERT INTO extraction_outcomes ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
_EXPIRED = "(p.expired_at IS NOT NULL OR COALESCE(b.state, '') IN ('expiring', 'expired'))"
_LOADABLE = (
    "SELECT o.outcome_id, COALESCE(b.bucket, p.bucket, o.bucket), o.object_key, o.payload_bytes, o.exchange, o.symbol, "
    "o.data_type, o.interval_code, o.source, o.captured_at, o.exchange_time, o.first_open_time, o.sha256, b.bundle_id, "
    f"b.object_key, {_EXPIRED} FROM extraction_outcomes AS o "
    "LEFT JOIN processed_files AS p ON p.object_id = o.outcome_id "
    "LEFT JOIN archive_bundles AS b ON b.bundle_id = COALESCE(p.bundle_id, o.bundle_id)"
)


def record(session: Session, outcomes: Sequence[Outcome]) -> None:
    """Write outcomes; those with ``load_state`` pending are queued for the load by the same row."""
    session.run_many(_INSERT, [astuple(outcome) for outcome in outcomes])


def pending(session: Session, after: int, most: int, lane: Lane = Lane.LIVE) -> list[LoadableObject]:
    """Return a lane's queued objects behind an id, oldest first. Costs the queue, not the history: read off an index.

    Without those that were archived since they were loaded first: see ``pending_bundles``.
    """
    rows = session.all(
        f"{_LOADABLE} WHERE o.lane = %s AND o.load_state = 'pending' AND o.outcome_id > %s AND p.bundle_id IS NULL "
        "ORDER BY o.outcome_id LIMIT %s",
        (lane, after, most),
    )
    return [_loadable(row) for row in rows]


def pending_bundles(session: Session, lane: Lane) -> list[int]:
    """Return the bundles with queued objects: taken bundle by bundle, each is opened once; by id they lie across all."""
    rows = session.all(
        "SELECT DISTINCT p.bundle_id FROM extraction_outcomes AS o JOIN processed_files AS p ON p.object_id = o.outcome_id "
        "WHERE o.lane = %s AND o.load_state = 'pending' AND p.bundle_id IS NOT NULL ORDER BY 1",
        (lane,),
    )
    return [row[0] for row in rows]


def pending_of_bundle(session: Session, bundle_id: int, after: int, most: int, lane: Lane) -> list[LoadableObject]:
    """Return a bundle's queued objects behind an id, oldest first."""
    rows = session.all(
        f"{_LOADABLE} WHERE p.bundle_id = %s AND o.lane = %s AND o.load_state = 'pending' AND o.outcome_id > %s "
        "ORDER BY o.outcome_id LIMIT %s",
        (bundle_id, lane, after, most),
    )
    return [_loadable(row) for row in rows]


def named(session: Session, object_keys: Sequence[str]) -> list[LoadableObject]:
    """Return the objects with these keys, oldest first."""
    marks = ", ".join(["%s"] * len(object_keys))
    rows = session.all(f"{_LOADABLE} WHERE o.object_key IN ({marks}) ORDER BY o.outcome_id", list(object_keys))
    return [_loadable(row) for row in rows]


def quarantined(session: Session) -> list[LoadableObject]:
    """Return the live lane's objects with anything in quarantine, oldest first; a backfill asks for its own again.

    Those whose object was deleted for good are left out.
    """
    rows = session.all(
        f"{_LOADABLE} WHERE p.status IN ('quarantined', 'partial') AND NOT {_EXPIRED} AND o.lane = %s "
        "ORDER BY o.outcome_id",
        (Lane.LIVE,),
    )
    return [_loadable(row) for row in rows]


def numbered(session: Session, object_ids: Sequence[int]) -> list[LoadableObject]:
    """Return the objects with these ids, oldest first; an id nobody knows is left out."""
    found = []
    for start in range(0, len(object_ids), 1000):
        part = object_ids[start : start + 1000]
        marks = ", ".join(["%s"] * len(part))
        found += [_loadable(row) for row in session.all(f"{_LOADABLE} WHERE o.outcome_id IN ({marks})", part)]
    return sorted(found, key=lambda one: one.object_id)


def claim(session: Session, object_ids: Sequence[int]) -> set[int]:
    """Return which of these objects are still queued; nobody else may load them until the transaction ends.

    Waits for a load that holds one of them: after it, that one is not queued any more.
    """
    marks = ", ".join(["%s"] * len(object_ids))
    rows = session.all(
        f"SELECT outcome_id, load_state FROM extraction_outcomes FORCE INDEX (PRIMARY) WHERE outcome_id IN ({marks}) "
        "ORDER BY outcome_id FOR UPDATE",
        list(object_ids),
    )
    return {object_id for object_id, load_state in rows if load_state == "pending"}


def known_keys(session: Session, object_keys: Sequence[str]) -> set[str]:
    """Return which of these keys a ledger names: the outcomes, or, when those were pruned, the processed files."""
    marks = ", ".join(["%s"] * len(object_keys))
    rows = session.all(
        f"SELECT object_key FROM extraction_outcomes WHERE object_key IN ({marks}) "
        f"UNION SELECT object_key FROM processed_files WHERE object_key IN ({marks})",
        (*object_keys, *object_keys),
    )
    return {row[0] for row in rows}


def restore(session: Session, object_keys: Sequence[str], run_id: str) -> int:
    """Write the outcomes of loaded objects again that were pruned, under the ids they had; return how many.

    What the request cost is gone with the old rows. An object that was deleted for good stays as it is.
    """
    marks = ", ".join(["%s"] * len(object_keys))
    return session.run(
        "INSERT INTO extraction_outcomes (outcome_id, exchange, symbol, data_type, interval_code, lane, run_id, shard, "
        "status, source, bucket, object_key, payload_bytes, sha256, captured_at, load_state, load_id) "
        "SELECT p.object_id, p.exchange, p.symbol, p.data_type, p.interval_code, l.lane, %s, 'restored', 'stored', "
        "p.source, p.bucket, p.object_key, p.payload_bytes, p.sha256, p.captured_at, "
        "IF(p.status = 'quarantined', 'quarantined', 'loaded'), p.load_id "
        "FROM processed_files AS p JOIN loads AS l ON l.load_id = p.load_id "
        "LEFT JOIN extraction_outcomes AS o ON o.outcome_id = p.object_id "
        "LEFT JOIN extraction_outcomes AS n ON n.object_key = p.object_key "
        f"WHERE p.object_key IN ({marks}) AND p.expired_at IS NULL AND o.outcome_id IS NULL AND n.outcome_id IS NULL",
        (run_id, *object_keys),
    )


def queue_again(session: Session, object_keys: Sequence[str]) -> int:
    """Queue objects that a load has taken once more, in the backfill lane; return how many.

    Those that were deleted for good, or are about to be, are left out.
    """
    marks = ", ".join(["%s"] * len(object_keys))
    return session.run(
        "UPDATE extraction_outcomes AS o LEFT JOIN processed_files AS p ON p.object_id = o.outcome_id "
        "LEFT JOIN archive_bundles AS b ON b.bundle_id = COALESCE(p.bundle_id, o.bundle_id) "
        "SET o.load_state = 'pending', o.lane = %s "
        f"WHERE o.object_key IN ({marks}) AND o.load_state IN ('loaded', 'quarantined') AND NOT {_EXPIRED}",
        (Lane.BACKFILL, *object_keys),
    )


def settle(session: Session, object_ids: Sequence[int], load_state: str, load_id: int) -> None:
    """Take objects off the queue, in the transaction of their load."""
    for start in range(0, len(object_ids), 1000):
        part = object_ids[start : start + 1000]
        marks = ", ".join(["%s"] * len(part))
        session.run(
            f"UPDATE extraction_outcomes SET load_state = %s, load_id = %s WHERE outcome_id IN ({marks})",
            (load_state, load_id, *part),
        )


def _loadable(row: tuple[Any, ...]) -> LoadableObject:
    object_id, bucket, key, size, exchange, symbol, data_type, interval_code, source, *others = row
    return LoadableObject(
        object_id,
        bucket,
        key,
        size or 0,
        exchange,
        symbol,
        DataType(data_type),
        interval_code,
        Source(source),
        *others,
    )


def interval_of(interval_code: str) -> Interval | None:
    """Turn a column's interval code into an Interval; books have none."""
    return Interval(interval_code) if interval_code else None
