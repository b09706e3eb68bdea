"""Load queued objects: lake → staging, a batch a transaction.

One commit holds the staged rows, the marks in ``processed_files``, the quarantine, the watermarks and the word to the
models. Killed before it, nothing happened; killed after it, everything did. While the database takes one batch, the
next is read and converted.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from candlewick.lake.store import LakeError, LakeUnavailable
from candlewick.market import DataType, Lane, RejectReason
from candlewick.pipeline.batch import Fetched, by_series, cut, reach, read_and_convert, settle, stage
from candlewick.pipeline.convert import unreadable
from candlewick.pipeline.load_summary import LoadSummary
from candlewick.pipeline.objects import ObjectReader
from candlewick.warehouse import outcomes, processed, staging, watermarks
from candlewick.warehouse.database import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future
    from datetime import datetime

    from candlewick.lake.store import Lake
    from candlewick.warehouse.database import Session, Warehouse
    from candlewick.warehouse.outcomes import LoadableObject
    from candlewick.warehouse.processed import ProcessedObject
    from candlewick.warehouse.watermarks import Series

LOAD_LOCK = "load"


class UnknownObject(LookupError):
    """Somebody named an object that no extraction has written."""


def load_pending(lake: Lake, warehouse: Warehouse, run_id: str, summary: LoadSummary | None = None) -> LoadSummary:
    """Load everything that is queued.

    Args:
        lake: where the objects are.
        warehouse: the writer's account.
        run_id: goes into the loads' rows.
        summary: counts each batch as it is committed; give one to know of them also when this raises.

    Raises:
        WarehouseBusy: the warehouse does not answer; finished batches stay, the rest stays queued.
        LakeUnavailable, LakeError: objects could not be read; they stay queued, the others are loaded.
    """
    return _Loader(lake, warehouse, run_id, summary).load(None)


def load_again(
    lake: Lake, warehouse: Warehouse, run_id: str, object_keys: Sequence[str], summary: LoadSummary | None = None
) -> LoadSummary:
    """Load named objects again.

    Raises:
        UnknownObject: an object key is not known, that of an archive file, or of an object deleted for good; nothing
            was loaded.
        WarehouseBusy, LakeUnavailable, LakeError: as ``load_pending``.
    """
    with warehouse.session() as session:
        if object_keys:
            outcomes.restore(session, object_keys, run_id)
        objects = outcomes.named(session, object_keys) if object_keys else []
    unknown = sorted(set(object_keys) - {found.object_key for found in objects})
    if unknown:
        raise UnknownObject(
            f"expected object keys like 2026-01-31/BTCUSDT_klines_1769817600123.json, got {unknown}, "
            "which no extraction has written; look them up in ingestion_log"
        )
    if files := sorted(found.object_key for found in objects if found.source.is_archive):
        raise UnknownObject(
            f"expected object keys of answers, got archive files: {files}; market_backfill or market_rebuild with force "
            "loads those again"
        )
    if gone := sorted(found.object_key for found in objects if found.is_expired):
        raise UnknownObject(
            f"expected objects that the lake still has, got {gone}, which were deleted for good by age; "
            "market_backfill asks the exchange for that span again"
        )
    return _Loader(lake, warehouse, run_id, summary).load(objects)


def load_quarantined(lake: Lake, warehouse: Warehouse, run_id: str, summary: LoadSummary | None = None) -> LoadSummary:
    """Load every object again of which something is in quarantine, by the rules of today."""
    with warehouse.session() as session:
        objects = outcomes.quarantined(session)
    return _Loader(lake, warehouse, run_id, summary).load(objects)


class _Loader:
    """One call: batches in order, the next one prepared while the current one is written."""

    def __init__(self, lake: Lake, warehouse: Warehouse, run_id: str, summary: LoadSummary | None) -> None:
        self.lake, self.warehouse, self.run_id = lake, warehouse, run_id
        self.summary = summary if summary is not None else LoadSummary()
        self.config = warehouse.config
        # A series in which an object could not be read: later objects must not carry the watermark across it.
        self.held: set[Series] = set()
        self.unread: dict[str, LakeError] = {}

    def load(self, named: Sequence[LoadableObject] | None) -> LoadSummary:
        """Load the queue, or named objects: those are old, so they move no watermark."""
        with self.warehouse.session() as session, self.warehouse.named_lock(session, LOAD_LOCK):
            batches = self._batches(session) if named is None else cut(named, self.config)
            is_live = named is None
            with (
                ThreadPoolExecutor(1, thread_name_prefix="prepare") as ahead,
                ObjectReader(self.lake, self.warehouse) as reader,
            ):
                waiting: Future[list[Fetched]] | None = None
                for batch in batches:
                    prepared, waiting = waiting, ahead.submit(self._prepare, batch, reader)
                    if prepared:
                        self._write_what_is_taken(session, prepared.result(), is_live)
                if waiting:
                    self._write_what_is_taken(session, waiting.result(), is_live)
        if self.unread:
            key, error = next(iter(self.unread.items()))
            raise type(error)(f"{len(self.unread)} objects could not be read and stay queued, {key} first: {error}")
        return self.summary

    def _batches(self, session: Session) -> Iterator[Sequence[LoadableObject]]:
        """Read the queue piece by piece; what is being written is still on it, so go on behind the last one seen."""
        last_seen = 0
        while found := outcomes.pending(session, last_seen, self.config.load_batch_objects):
            yield from cut(found, self.config)
            last_seen = found[-1].object_id

    def _prepare(self, batch: Sequence[LoadableObject], reader: ObjectReader) -> list[Fetched]:
        """Read and convert a batch; a series with an object that cannot be read now is held."""
        unread: dict[int, LakeError] = {}
        fetched = read_and_convert(reader, batch, unread)
        for one in batch:
            if one.object_id in unread:
                self.unread[one.object_key] = unread[one.object_id]
                self.held.add(one.series)
        if self.unread and not fetched:
            raise LakeUnavailable(f"not one of {len(batch)} objects could be read: {next(iter(self.unread.values()))}")
        return fetched

    def _write_what_is_taken(self, session: Session, batch: list[Fetched], is_live: bool) -> None:
        """Write a batch; when the server refuses a row of it, find the object and put that into quarantine."""
        try:
            self._write(session, batch, is_live)
        except staging.RowsRefused as refusal:
            session.rollback()
            if len(batch) > 1:
                middle = len(batch) // 2
                self._write_what_is_taken(session, batch[:middle], is_live)
                self._write_what_is_taken(session, batch[middle:], is_live)
                return
            if batch[0].converted.is_unreadable:
                raise
            batch[0].converted = unreadable(RejectReason.REFUSED_BY_WAREHOUSE, str(refusal))
            self._write(session, batch, is_live)

    def _write(self, session: Session, batch: list[Fetched], is_live: bool) -> None:
        """Write a batch in one transaction."""
        started = utc_now()
        load_id = processed.begin_load(session, Lane.LIVE, self.run_id, started)
        staged = stage(session, load_id, batch)
        reached = staging.reached(session, load_id) if staged[staging.KLINES] else {}
        faulty = staging.take_out_faulty_klines(session, load_id) if staged[staging.KLINES] else []
        staged[staging.KLINES] -= len(faulty)
        now = utc_now()
        objects, rejected = settle(session, load_id, batch, faulty, now)
        if is_live:
            self._move_watermarks(session, batch, objects, reached)
        processed.finish_load(session, load_id, len(batch), staged, len(rejected), now)
        session.commit()
        self.summary.count(load_id, len(batch), sum(staged.values()), rejected)

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
