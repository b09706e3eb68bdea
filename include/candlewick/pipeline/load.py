"""Load queued objects: lake → staging, a batch a transaction.

One commit holds the staged rows, the marks in ``processed_files``, the quarantine, the watermarks and the word to the
models. Killed before it, nothing happened; killed after it, everything did. While the database takes one batch, the
next is read and converted.
"""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from candlewick.lake.store import ObjectMissing
from candlewick.market import DataType
from candlewick.pipeline.batch import Fetched, by_series, convert_object, processed_object, quarantined_rows, reach
from candlewick.pipeline.symbols import utc_now
from candlewick.warehouse import outcomes, processed, staging, watermarks
from candlewick.warehouse.processed import QUARANTINED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future
    from datetime import datetime

    from candlewick.lake.store import Lake
    from candlewick.market import RejectReason
    from candlewick.pipeline.convert import Converted
    from candlewick.warehouse.database import Session, Warehouse
    from candlewick.warehouse.outcomes import LoadableObject
    from candlewick.warehouse.processed import ProcessedObject, QuarantinedRow
    from candlewick.warehouse.watermarks import Series

log = logging.getLogger(__name__)

LIVE_LANE = "live"
LOAD_LOCK = "load"
MEBIBYTE = 1 << 20
QUARANTINED_WORD = "quarantined"
TABLES = {DataType.KLINES: staging.KLINES, DataType.DEPTH: staging.ORDERBOOK}


@dataclass
class LoadSummary:
    """What a call loaded."""

    objects: int = 0
    rows: int = 0
    rejected: int = 0
    load_ids: list[int] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(self.reasons.items()))
        return f"{self.objects} objects, {self.rows} rows staged" + (f"; in quarantine: {why}" if why else "")


def load_pending(lake: Lake, warehouse: Warehouse, run_id: str) -> LoadSummary:
    """Load everything that is queued.

    Raises:
        WarehouseBusy, LakeUnavailable: a store does not answer; finished batches stay, the rest stays queued.
    """
    return _Loader(lake, warehouse, run_id).load(None)


def load_again(lake: Lake, warehouse: Warehouse, run_id: str, which: Sequence[str] | str) -> LoadSummary:
    """Load named objects again, or re-validate all that have rows in quarantine (the word ``quarantined``).

    Raises:
        ValueError: when an object key is not known.
    """
    with warehouse.session() as session:
        if which == QUARANTINED_WORD:
            objects = outcomes.quarantined(session)
        else:
            keys = [which] if isinstance(which, str) else list(which)
            objects = outcomes.named(session, keys) if keys else []
            unknown = sorted(set(keys) - {found.object_key for found in objects})
            if unknown:
                raise ValueError(
                    f"expected object keys like 2026-01-31/BTCUSDT_klines_1769817600123.json, got {unknown}, "
                    "which no extraction has written; look them up in ingestion_log"
                )
    return _Loader(lake, warehouse, run_id).load(objects)


class _Loader:
    """One call: batches in order, the next one prepared while the current one is written."""

    def __init__(self, lake: Lake, warehouse: Warehouse, run_id: str) -> None:
        self.lake, self.warehouse, self.run_id = lake, warehouse, run_id
        self.config = warehouse.config
        self.summary = LoadSummary()
        # A series in which an object could not be read: later objects must not carry the watermark across it.
        self.held: set[Series] = set()

    def load(self, named: Sequence[LoadableObject] | None) -> LoadSummary:
        with self.warehouse.session() as session, self.warehouse.named_lock(session, LOAD_LOCK):
            batches = self._batches(session) if named is None else self._cut(named)
            with (
                ThreadPoolExecutor(1, thread_name_prefix="prepare") as ahead,
                ThreadPoolExecutor(self.config.lake_concurrency, thread_name_prefix="lake") as readers,
            ):
                waiting: Future[list[Fetched]] | None = None
                for batch in batches:
                    prepared, waiting = waiting, ahead.submit(self._prepare, batch, readers)
                    if prepared:
                        self._write(session, prepared.result())
                if waiting:
                    self._write(session, waiting.result())
        return self.summary

    def _batches(self, session: Session) -> Iterator[Sequence[LoadableObject]]:
        """Read the queue piece by piece; what is being written is still on it, so go on behind the last one seen."""
        last_seen = 0
        while found := outcomes.pending(session, last_seen, self.config.load_batch_objects):
            yield from self._cut(found)
            last_seen = found[-1].object_id

    def _cut(self, objects: Sequence[LoadableObject]) -> Iterator[Sequence[LoadableObject]]:
        """Cut into batches by number and size; an object above the size is a batch by itself."""
        batch: list[LoadableObject] = []
        size = 0
        for one in objects:
            too_big = size + one.payload_bytes > self.config.load_batch_megabytes * MEBIBYTE
            if batch and (too_big or len(batch) >= self.config.load_batch_objects):
                yield batch
                batch, size = [], 0
            batch.append(one)
            size += one.payload_bytes
        if batch:
            yield batch

    def _prepare(self, batch: Sequence[LoadableObject], readers: ThreadPoolExecutor) -> list[Fetched]:
        """Read a batch's objects, many at once, and convert them in order."""
        fetched = []
        rows = dict.fromkeys(DataType, 0)
        for one, payload in zip(batch, readers.map(self._read, batch), strict=True):
            converted = convert_object(one, payload, rows[one.data_type])
            sha256 = hashlib.sha256(payload).hexdigest() if payload is not None else None
            size = None if payload is None else len(payload)
            fetched.append(Fetched(one, converted, rows[one.data_type], sha256, size))
            rows[one.data_type] += converted.staged
        return fetched

    def _read(self, one: LoadableObject) -> bytes | None:
        try:
            return self.lake.get(one.bucket, one.object_key)
        except ObjectMissing:
            return None

    def _write(self, session: Session, batch: list[Fetched]) -> None:
        """Write a batch in one transaction."""
        started = utc_now()
        load_id = processed.begin_load(session, LIVE_LANE, self.run_id, started)
        staged = {table: _stage(session, table, load_id, batch, data_type) for data_type, table in TABLES.items()}
        reached = staging.reached(session, load_id) if staged[staging.KLINES] else {}
        faulty = staging.take_out_faulty_klines(session, load_id) if staged[staging.KLINES] else []
        staged[staging.KLINES] -= len(faulty)
        rejected = quarantined_rows(batch, faulty)
        by_object: dict[int, list[QuarantinedRow]] = defaultdict(list)
        for row in rejected:
            by_object[row.source.object_id].append(row)
        objects = [processed_object(f, by_object[f.source.object_id]) for f in batch]
        now = utc_now()
        ids = [f.source.object_id for f in batch]
        processed.record_objects(session, load_id, objects, now)
        processed.record_quarantine(session, load_id, ids, rejected, now)
        bad = {o.source.object_id for o in objects if o.status == QUARANTINED}
        outcomes.settle(session, [i for i in ids if i not in bad], "loaded", load_id)
        outcomes.settle(session, [i for i in ids if i in bad], "quarantined", load_id)
        self._move_watermarks(session, batch, objects, reached)
        processed.finish_load(session, load_id, len(batch), staged, len(rejected), now)
        session.commit()
        self._count(load_id, staged, rejected, len(batch))

    def _move_watermarks(
        self,
        session: Session,
        batch: list[Fetched],
        objects: list[ProcessedObject],
        reached: dict[int, datetime],
    ) -> None:
        now = utc_now()
        for series, members in by_series(zip(batch, objects, strict=True)).items():
            newest: datetime | None = None
            for fetched, _ in members:
                if fetched.converted.is_unreadable and fetched.source.data_type is DataType.KLINES:
                    self.held.add(series)
                own = reach(fetched, reached)
                if own and series not in self.held:
                    newest = max(own, newest or own)
            watermarks.move(
                session,
                series,
                fetched_at=max(fetched.source.captured_at for fetched, _ in members),
                last_open_time=newest,
                record_count=sum(done.record_count for _, done in members),
                now=now,
            )

    def _count(self, load_id: int, staged: dict[str, int], rejected: list[QuarantinedRow], objects: int) -> None:
        self.summary.load_ids.append(load_id)
        self.summary.objects += objects
        self.summary.rows += sum(staged.values())
        self.summary.rejected += len(rejected)
        groups: dict[tuple[str, RejectReason], list[QuarantinedRow]] = defaultdict(list)
        for row in rejected:
            self.summary.reasons[row.reason.value] = self.summary.reasons.get(row.reason.value, 0) + 1
            groups[row.source.object_key, row.reason].append(row)
        for (key, reason), rows in groups.items():
            where = (
                f"{len(rows)} rows, the first is row {rows[0].row_number_in_object}"
                if rows[0].row_number_in_object
                else "whole"
            )
            log.warning("in quarantine: %s (%s): %s: %s", key, where, reason.sentence, rows[0].offending[:200])


def _stage(session: Session, table: str, load_id: int, batch: Sequence[Fetched], data_type: DataType) -> int:
    parts: list[Converted] = [fetched.converted for fetched in batch if fetched.source.data_type is data_type]
    rows = sum(part.staged for part in parts)
    staging.load_lines(session, table, load_id, (part.lines for part in parts), rows)
    return rows
