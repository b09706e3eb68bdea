"""Load the backfill lane: an archive file, or the answers of one series, a load; straight into the facts where none are.

One commit holds the staged rows, the ledgers, the quarantine and the facts, or else word to dbt's models. Killed before
it, nothing happened; killed after it, everything did. While the database takes one load, the next is read and checked.
Two processes that are given the same object load it once. Watermarks are left alone: they belong to the live lane.
"""

from __future__ import annotations

import logging
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from candlewick.lake.bundle import DamagedBundle
from candlewick.lake.store import LakeError
from candlewick.market import Lane, RejectReason
from candlewick.pipeline.batch import read_and_convert, settle, stage
from candlewick.pipeline.convert import unreadable
from candlewick.pipeline.load_summary import BulkSummary
from candlewick.pipeline.objects import ObjectReader
from candlewick.pipeline.units import Unit, cut_into_units, read_file
from candlewick.warehouse import archive_files, facts, outcomes, processed, staging
from candlewick.warehouse.database import WarehouseBusy, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from candlewick.lake.store import Lake
    from candlewick.warehouse.database import Session, Warehouse
    from candlewick.warehouse.outcomes import LoadableObject
    from candlewick.warehouse.staging import FaultyRow

log = logging.getLogger(__name__)

UNREAD_IN_A_ROW = 3


def load_objects(
    lake: Lake, warehouse: Warehouse, run_id: str, object_ids: Sequence[int], summary: BulkSummary | None = None
) -> BulkSummary:
    """Load those of these objects that are queued; another process that loads one of them is waited for.

    Args:
        lake: where the objects are.
        warehouse: the writer's account.
        run_id: goes into the loads' rows.
        object_ids: ``extraction_outcomes.outcome_id``; what is loaded already is only counted in ``rows_by_object``.
        summary: counts each load as it is committed; give one to know of them also when this raises.

    Raises:
        WarehouseBusy: the warehouse does not answer; finished loads stay, the rest stays queued.
        LakeUnavailable, LakeError: objects could not be read; they stay queued, the others are loaded.
    """
    with warehouse.session() as session:
        objects = outcomes.numbered(session, object_ids)
    bulk = _Bulk(lake, warehouse, run_id, summary)
    bulk.counts_objects = True
    return bulk.load(cut_into_units(objects, warehouse.config))


def load_backlog(lake: Lake, warehouse: Warehouse, run_id: str, summary: BulkSummary | None = None) -> BulkSummary:
    """Load all that is queued in the lane: what killed tasks have left, or what a rebuild has queued.

    Objects are not counted one by one (``rows_by_object`` stays empty): a rebuild's are too many to remember.

    Raises:
        WarehouseBusy, LakeUnavailable, LakeError: as ``load_objects``.
    """
    return _Bulk(lake, warehouse, run_id, summary).load(_queue(warehouse))


def _queue(warehouse: Warehouse) -> Iterator[list[LoadableObject]]:
    """Read the queue piece by piece; what is being loaded is still on it, so go on behind the last one seen."""
    most = warehouse.config.load_batch_objects
    yield from _pieces(warehouse, lambda session, after: outcomes.pending(session, after, most, Lane.BACKFILL))
    with warehouse.session() as session:
        bundles = outcomes.pending_bundles(session, Lane.BACKFILL)
    for bundle_id in bundles:
        of_bundle = partial(_of_bundle, bundle_id, most)
        yield from _pieces(warehouse, of_bundle)


def _of_bundle(bundle_id: int, most: int, session: Session, after: int) -> list[LoadableObject]:
    return outcomes.pending_of_bundle(session, bundle_id, after, most, Lane.BACKFILL)


def _pieces(
    warehouse: Warehouse, behind: Callable[[Session, int], list[LoadableObject]]
) -> Iterator[list[LoadableObject]]:
    last_seen = 0
    while True:
        with warehouse.session() as session:
            found = behind(session, last_seen)
        if not found:
            return
        yield from cut_into_units(found, warehouse.config)
        last_seen = found[-1].object_id


class _Bulk:
    """One call: units in order, the next one read and checked while the current one is written."""

    counts_objects = False

    def __init__(self, lake: Lake, warehouse: Warehouse, run_id: str, summary: BulkSummary | None) -> None:
        self.lake, self.warehouse, self.run_id = lake, warehouse, run_id
        self.summary = summary if summary is not None else BulkSummary()
        self.unread: dict[int, LakeError] = {}
        self.unread_in_a_row = 0

    def load(self, units: Iterable[list[LoadableObject]]) -> BulkSummary:
        with (
            tempfile.TemporaryDirectory(prefix="candlewick-") as scratch,
            self.warehouse.session() as session,
            ThreadPoolExecutor(1, thread_name_prefix="prepare") as ahead,
            ObjectReader(self.lake, self.warehouse) as reader,
        ):
            waiting: Future[Unit] | None = None
            for objects in units:
                prepared, waiting = waiting, ahead.submit(self._prepare, objects, Path(scratch), reader)
                if prepared:
                    self._load(session, prepared.result())
                if self.unread_in_a_row >= UNREAD_IN_A_ROW:
                    break  # the store is down: the others would only wait for it as well
            if waiting:
                self._load(session, waiting.result())
        if self.unread:
            error = next(iter(self.unread.values()))
            raise type(error)(f"{len(self.unread)} objects could not be read and stay queued: {error}")
        return self.summary

    def _prepare(self, objects: list[LoadableObject], folder: Path, reader: ObjectReader) -> Unit:
        if objects[0].source.is_archive:
            try:
                return read_file(self.lake, objects[0], folder, self.summary)
            except LakeError as error:
                self.unread[objects[0].object_id] = error
                return Unit([], is_refused=True)
        unread: dict[int, LakeError] = {}
        with self.summary.timed("lake"):
            batch = read_and_convert(reader, objects, unread)
        self.unread |= unread
        return Unit(batch, is_refused=not batch and not any(isinstance(one, DamagedBundle) for one in unread.values()))

    def _load(self, session: Session, unit: Unit) -> None:
        """Write a unit; what the server does not take as it is goes to quarantine."""
        self.unread_in_a_row = self.unread_in_a_row + 1 if unit.is_refused else 0
        try:
            self._write(session, unit)
        except staging.RowsRefused as refusal:
            session.rollback()
            if len(unit.batch) > 1:
                for half in unit.halves():
                    self._load(session, half)
                return
            only = unit.batch[0]
            if only.converted.is_unreadable:
                raise
            only.converted = unreadable(RejectReason.REFUSED_BY_WAREHOUSE, str(refusal))
            self._write(session, unit)
        finally:
            if unit.lines:
                unit.lines.unlink(missing_ok=True)

    def _write(self, session: Session, unit: Unit) -> None:
        """Write a unit in one transaction, without those of its objects that somebody else has loaded meanwhile."""
        started, clock = utc_now(), time.monotonic()
        ids = [fetched.source.object_id for fetched in unit.batch]
        queued = outcomes.claim(session, ids) if ids else set()
        batch = [fetched for fetched in unit.batch if fetched.source.object_id in queued]
        if self.counts_objects:
            self.summary.rows_by_object.update(processed.record_counts(session, [i for i in ids if i not in queued]))
        if not batch:
            session.rollback()
            return
        unit.batch = batch
        load_id = processed.begin_load(session, Lane.BACKFILL, self.run_id, started)
        with self.summary.timed("staging"):
            staged, faulty = _stage(session, load_id, unit)
        now = utc_now()
        objects, rejected = settle(session, load_id, batch, faulty, now)
        if unit.span:
            fault = next((row.reason.sentence for row in rejected if row.row_number_in_object == 0), None)
            archive_files.settle(session, batch[0].source.object_id, fault)
        is_direct = self._finish(session, load_id, len(batch), staged, len(rejected))
        rows = sum(staged.values())
        self.summary.count(load_id, len(batch), rows, rejected)
        self.summary.direct_rows += rows if is_direct else 0
        if self.counts_objects:
            self.summary.rows_by_object.update({done.source.object_id: done.record_count for done in objects})
        road = "straight into the facts" if is_direct else "queued for the models"
        log.info("%s: %s rows in %.1f s, %s", unit.name, rows, time.monotonic() - clock, road)

    def _finish(self, session: Session, load_id: int, objects: int, staged: dict[str, int], rejected: int) -> bool:
        """Write the facts, or queue the load for the models, and commit; tell whether facts were written."""

        def commit(models: Sequence[str] | None) -> None:
            processed.finish_load(session, load_id, objects, staged, rejected, utc_now(), models=models)
            session.commit()

        if staged[staging.KLINES]:
            try:
                # Taken so late, and freed only after the commit: dbt waits for it, and must find what was written.
                with self.warehouse.writer_lock(session, facts.FACTS), self.summary.timed("facts"):
                    is_direct = facts.insert_directly(self.warehouse, session, load_id)
                    if is_direct:
                        commit(facts.FEEDS)
                        return True
            except WarehouseBusy as busy:
                log.info("load %s is left to dbt: %s", load_id, busy)
        commit(None)
        return False


def _stage(session: Session, load_id: int, unit: Unit) -> tuple[dict[str, int], list[FaultyRow]]:
    """Load a unit's rows into staging, without those that contradict themselves."""
    if unit.lines:
        source, rows = unit.batch[0].source, unit.batch[0].converted.staged
        labels = [getattr(source, label) for label in staging.LABELS]
        staging.load_csv(session, unit.lines, load_id, labels, rows)
        staged = {staging.KLINES: rows, staging.ORDERBOOK: 0}
    else:
        staged = stage(session, load_id, unit.batch)
    if not staged[staging.KLINES]:
        return staged, []
    faulty = staging.take_out_faulty_klines(session, load_id, unit.span)
    staged[staging.KLINES] -= len(faulty)
    return staged, faulty
