"""The work of archiving: bundles are made by threads, marked and settled one after the other."""

from __future__ import annotations

import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from candlewick.lake.store import LakeError, LakeUnavailable
from candlewick.pipeline.maintenance import bundling
from candlewick.pipeline.maintenance.archive import ArchiveSummary
from candlewick.pipeline.maintenance.bundling import Bundled, NotReadBack
from candlewick.pipeline.maintenance.unfinished import finish
from candlewick.warehouse import ageing, bundles, lifecycle, outcomes
from candlewick.warehouse.bundles import Bundle, BundleState
from candlewick.warehouse.lifecycle import Action, LifecycleEvent, Step, Store
from candlewick.warehouse.processed import QUARANTINED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from candlewick.lake.bundle import Packed
    from candlewick.lake.store import Lake
    from candlewick.warehouse.ageing import DaySeries, DueObject, Held
    from candlewick.warehouse.database import Session

log = logging.getLogger(__name__)

MOST_PROBLEMS = 20
AT_ONCE = 2
"""Bundles that are made while one is marked and its sources are deleted."""


class Archiving:
    """One call; its session holds the lock that makes it the only one."""

    def __init__(self, lake: Lake, session: Session, run_id: str, now: datetime) -> None:
        self.lake, self.session, self.run_id, self.now = lake, session, run_id, now
        self.config = lake.config
        self.summary = ArchiveSummary()
        self.failure: LakeError | None = None

    def all(self, cutoff: datetime) -> ArchiveSummary:
        """Archive what was captured before a moment; see ``archive.run``."""
        self._finish_unfinished()
        self._report_held(cutoff)
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="bundle") as makers:
            waiting: deque[Future[Bundled]] = deque()
            try:
                for unit, objects in self._due(cutoff):
                    waiting.append(makers.submit(bundling.make, self.lake, unit, objects))
                    if len(waiting) > AT_ONCE:
                        self._take(waiting.popleft())
                while waiting:
                    self._take(waiting.popleft())
            finally:
                for one in waiting:
                    one.cancel()
        log.info("%s", self.summary.sentence)
        if self.failure:
            raise self.failure
        return self.summary

    def _due(self, cutoff: datetime) -> Iterator[tuple[DaySeries, list[DueObject]]]:
        """Yield what goes into one bundle each, the oldest day first."""
        for unit in ageing.due_days(self.session, self.config.raw_bucket, cutoff):
            for part in bundling.parts(self._objects(unit)):
                yield unit, part

    def _objects(self, unit: DaySeries) -> list[DueObject]:
        return ageing.due_objects(self.session, self.config.raw_bucket, unit, bundling.prefix(unit))

    def _take(self, made: Future[Bundled]) -> None:
        try:
            bundled = made.result()
        except NotReadBack as error:  # this bundle's alone: its sources stay, the others go on
            self._problem(str(error))
            self.failure = self.failure or error
            return
        if bundled.problems:
            self._report_left(bundled)
        if bundled.packed and bundled.members:
            self._mark(bundled, bundled.packed)

    def _mark(self, bundled: Bundled, packed: Packed) -> None:
        """Note in one transaction where the answers lie now; then delete the sources."""
        unit, ids = bundled.unit, [one.object_id for one in bundled.members]
        config = self.config
        bundle_id = bundles.record(
            self.session,
            Bundle(
                0, unit.exchange, unit.symbol, unit.data_type, unit.interval_code, unit.date, config.archive_bucket,
                bundled.key, len(ids), packed.source_bytes, packed.bundle_bytes, packed.sha256, BundleState.ARCHIVED,
            ),
            self.run_id,
            self.now,
        )  # fmt: skip
        queued = outcomes.claim(self.session, ids)
        marked = bundles.mark(self.session, bundle_id, ids, (config.raw_bucket, config.archive_bucket), self.now)
        if queued or marked != len(ids):
            self.session.rollback()
            self._problem(f"{bundled.key}: its answers were asked for or changed meanwhile; the next run takes them")
            return
        reason = f"captured on {unit.date}, {packed.source_bytes} bytes; read back: {len(ids)} answers, all the same"
        self._record(Action.ARCHIVED, Store.ARCHIVE, unit, bundled.key, reason, len(ids), packed.bundle_bytes)
        self.session.commit()
        self.summary.bundles += 1
        self.summary.objects += len(ids)
        self.summary.source_bytes += packed.source_bytes
        self.summary.bundle_bytes += packed.bundle_bytes
        self._delete_sources(bundle_id, bundled, packed)

    def _delete_sources(self, bundle_id: int, bundled: Bundled, packed: Packed) -> None:
        refused = self.lake.delete_many(self.config.raw_bucket, [one.object_key for one in bundled.members])
        if refused:
            key, why = next(iter(refused.items()))
            self._refused(f"{len(refused)} sources of {bundled.key} could not be deleted, {key} first: {why}")
        else:
            bundles.settle(self.session, bundle_id, self.now)
        stay = [one.payload_bytes or 0 for one in bundled.members if one.object_key in refused]
        if count := len(bundled.members) - len(stay):
            reason, size = f"they lie in {bundled.key}", packed.source_bytes - sum(stay)
            self._record(Action.SOURCES_DELETED, Store.RAW, bundled.unit, bundled.key, reason, count, size)
        self.session.commit()

    def _finish_unfinished(self) -> None:
        after = 0
        while found := bundles.unsettled(self.session, after, 100):
            for one in found:
                done = finish(self.lake, one, partial(self._adopt, one.bundle_id))
                lifecycle.record(self.session, done.events, run_id=self.run_id, now=self.now)
                if done.is_settled:
                    bundles.settle(self.session, one.bundle_id, self.now)
                    self.summary.finished += 1
                if done.failure:
                    self._problem(str(done.failure))
                    self.failure = self.failure or done.failure
                self.session.commit()
            after = found[-1].bundle_id

    def _adopt(self, bundle_id: int, keys: Sequence[str]) -> None:
        places = (self.config.raw_bucket, self.config.archive_bucket)
        bundles.adopt(self.session, bundle_id, keys, places, self.now)
        self.session.commit()

    def _report_held(self, cutoff: datetime) -> None:
        for one in ageing.held(self.session, self.config.raw_bucket, cutoff):
            why = "in quarantine" if one.reason == QUARANTINED else "queued, not loaded yet"
            lifecycle.record(
                self.session, [held_event(Step.ARCHIVE, Store.RAW, self.config.raw_bucket, one, why)],
                run_id=self.run_id, now=self.now,
            )  # fmt: skip
            self.summary.held += one.holding.objects
        self.session.commit()

    def _report_left(self, bundled: Bundled) -> None:
        count = len(bundled.problems)
        reason = f"{count} answers stay where they are; {bundled.problems[0]}"
        subject = f"{bundled.unit.label} {bundled.unit.date}"
        self._record(Action.REPORTED, Store.RAW, bundled.unit, subject, reason, count)
        self.session.commit()
        self.summary.left += count
        self._problem(reason)

    def _refused(self, sentence: str) -> None:
        self._problem(sentence)
        self.failure = self.failure or LakeUnavailable(f"{sentence}; the next run tries again")

    def _problem(self, sentence: str) -> None:
        log.warning("%s", sentence)
        if len(self.summary.problems) < MOST_PROBLEMS:
            self.summary.problems.append(sentence)

    def _record(
        self, action: Action, store: Store, unit: DaySeries, subject: str, reason: str, objects: int, size: int = 0
    ) -> None:
        event = LifecycleEvent.of_day(
            unit.date, step=Step.ARCHIVE, action=action, store=store, subject=subject, reason=reason, symbol=unit.symbol,
            object_count=objects, byte_count=size,
        )  # fmt: skip
        lifecycle.record(self.session, [event], run_id=self.run_id, now=self.now)


def held_event(step: Step, store: Store, subject: str, held: Held, why: str) -> LifecycleEvent:
    """Say which objects of a series are old enough and stay."""
    newest = held.holding.newest
    return LifecycleEvent(
        step=step, action=Action.KEPT, store=store, subject=subject, symbol=held.symbol,
        reason=f"{held.holding.objects} {held.data_type} {held.interval_code} objects stay: {why}".replace("  ", " "),
        from_time=held.holding.oldest, to_time=newest and newest + timedelta(milliseconds=1),
        object_count=held.holding.objects, byte_count=held.holding.bytes,
    )  # fmt: skip
