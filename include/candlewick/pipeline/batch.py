"""A batch of objects: cut from the queue, read, converted, and what its load leaves in the ledgers."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.lake.envelope import unwrap
from candlewick.lake.store import LakeError
from candlewick.market import DataType, RejectReason
from candlewick.pipeline.convert import Converted, convert_book, convert_klines, unreadable
from candlewick.warehouse import outcomes, processed, staging
from candlewick.warehouse.database import from_ms, to_ms
from candlewick.warehouse.processed import QUARANTINED, ProcessedObject, QuarantinedRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from candlewick.pipeline.objects import ObjectReader
    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session
    from candlewick.warehouse.outcomes import LoadableObject
    from candlewick.warehouse.staging import FaultyRow
    from candlewick.warehouse.watermarks import Series

MEBIBYTE = 1 << 20
TABLES = {DataType.KLINES: staging.KLINES, DataType.DEPTH: staging.ORDERBOOK}


@dataclass(slots=True)
class Fetched:
    """An object read and converted; ``rows_before`` tells its rows from others in the load's table."""

    source: LoadableObject
    converted: Converted
    rows_before: int
    sha256: str | None
    payload_bytes: int | None


def convert_object(one: LoadableObject, payload: bytes | None, rows_before: int) -> Converted:
    """Convert an object as it came from the lake; None when it was not there."""
    if payload is None:
        return unreadable(RejectReason.OBJECT_MISSING, f"{one.bucket}/{one.object_key}")
    try:
        envelope = unwrap(payload)
    except ValueError as error:
        return unreadable(RejectReason.BAD_ENVELOPE, str(error))
    found = (
        envelope.exchange,
        envelope.symbol,
        envelope.type.value,
        envelope.interval.value if envelope.interval else "",
    )
    if found != one.series:
        return unreadable(RejectReason.BAD_ENVELOPE, f"the object says {found}, its outcome {one.series}")
    convert = convert_klines if one.data_type is DataType.KLINES else convert_book
    return convert(envelope, one.object_id, rows_before)


def cut(objects: Iterable[LoadableObject], config: Settings) -> Iterator[list[LoadableObject]]:
    """Cut into batches by number and size; an object above the size is a batch by itself."""
    batch: list[LoadableObject] = []
    size = 0
    for one in objects:
        too_big = size + one.payload_bytes > config.load_batch_megabytes * MEBIBYTE
        if batch and (too_big or len(batch) >= config.load_batch_objects):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.payload_bytes
    if batch:
        yield batch


def read_and_convert(
    reader: ObjectReader, batch: Sequence[LoadableObject], unread: dict[int, LakeError]
) -> list[Fetched]:
    """Read a batch's objects and convert them in order.

    Args:
        reader: knows where they are.
        batch: objects that hold answers.
        unread: gets those that cannot be read now, by object_id: they must not stop the others.
    """
    fetched = []
    rows = dict.fromkeys(DataType, 0)
    for one, payload in zip(batch, reader.read(batch), strict=True):
        if isinstance(payload, LakeError):
            unread[one.object_id] = payload
            continue
        converted = convert_object(one, payload, rows[one.data_type])
        sha256 = hashlib.sha256(payload).hexdigest() if payload is not None else None
        size = None if payload is None else len(payload)
        fetched.append(Fetched(one, converted, rows[one.data_type], sha256, size))
        rows[one.data_type] += converted.staged
    return fetched


def stage(session: Session, load_id: int, batch: Sequence[Fetched]) -> dict[str, int]:
    """Load a batch's lines into staging; return the rows by table."""
    staged = {}
    for data_type, table in TABLES.items():
        parts = [fetched.converted for fetched in batch if fetched.source.data_type is data_type]
        staged[table] = sum(part.staged for part in parts)
        staging.load_lines(session, table, load_id, (part.lines for part in parts), staged[table])
    return staged


def settle(
    session: Session, load_id: int, batch: list[Fetched], faulty: list[FaultyRow], now: datetime
) -> tuple[list[ProcessedObject], list[QuarantinedRow]]:
    """Write what a load found in its objects and what it rejected, and take them off the queue; return both."""
    rejected = quarantined_rows(batch, faulty)
    by_object: dict[int, list[QuarantinedRow]] = defaultdict(list)
    for row in rejected:
        by_object[row.source.object_id].append(row)
    objects = [processed_object(f, by_object[f.source.object_id]) for f in batch]
    ids = [f.source.object_id for f in batch]
    processed.record_objects(session, load_id, objects, now)
    processed.record_quarantine(session, load_id, ids, rejected, now)
    bad = {o.source.object_id for o in objects if o.status == QUARANTINED}
    outcomes.settle(session, [i for i in ids if i not in bad], "loaded", load_id)
    outcomes.settle(session, [i for i in ids if i in bad], "quarantined", load_id)
    return objects, rejected


def by_series(
    pairs: Iterable[tuple[Fetched, ProcessedObject]],
) -> dict[Series, list[tuple[Fetched, ProcessedObject]]]:
    """Group by watermark, in the order of its name, so that two loads lock the rows in one order."""
    groups: dict[Series, list[tuple[Fetched, ProcessedObject]]] = defaultdict(list)
    for fetched, done in pairs:
        groups[fetched.source.series].append((fetched, done))
    return dict(sorted(groups.items()))


def reach(fetched: Fetched, reached: dict[int, datetime]) -> datetime | None:
    """How far an object carries its watermark: past rows in quarantine too, asking for those again would not help."""
    source = fetched.source
    if source.data_type is DataType.DEPTH:
        return None if fetched.converted.is_unreadable else source.captured_at
    interval = outcomes.interval_of(source.interval_code)
    stamps = [reached[source.object_id]] if source.object_id in reached else []
    if interval and source.exchange_time:
        closed_before = to_ms(source.exchange_time) - interval.milliseconds
        opened = [r.open_ms for r in fetched.converted.rejects if r.open_ms is not None and r.open_ms >= 0]
        stamps += [from_ms(interval.floor(stamp)) for stamp in opened if interval.floor(stamp) <= closed_before]
    return max(stamps, default=None)


def quarantined_rows(batch: list[Fetched], faulty: list[FaultyRow]) -> list[QuarantinedRow]:
    """Bring together what the conversion and what the database rejected."""
    by_id = {f.source.object_id: f for f in batch}
    rows = [
        QuarantinedRow(f.source, r.row_number, _open_time(r.open_ms), r.reason, r.offending)
        for f in batch
        for r in f.converted.rejects
    ]
    for row in faulty:
        home = by_id[row.object_id]
        number = home.converted.row_number(row.row_number_in_load - home.rows_before)
        rows.append(QuarantinedRow(home.source, number, row.open_time, row.reason, row.offending))
    return rows


def _open_time(stamp_ms: int | None) -> datetime | None:
    """Turn a rejected row's open time into a column value; one beyond the calendar has none."""
    if stamp_ms is None:
        return None
    try:
        return from_ms(stamp_ms) if stamp_ms >= 0 else None
    except OverflowError:
        return None


def processed_object(fetched: Fetched, rejected: list[QuarantinedRow]) -> ProcessedObject:
    """Say what a load found in an object, and what of it was rejected."""
    reasons = sorted({row.reason for row in rejected})
    return ProcessedObject(
        source=fetched.source,
        record_count=fetched.converted.staged - (len(rejected) - len(fetched.converted.rejects)),
        rejected_count=len(rejected),
        sha256=fetched.sha256,
        payload_bytes=fetched.payload_bytes,
        reason="; ".join(f"{reason.value}: {reason.sentence}" for reason in reasons)[:500] or None,
    )
