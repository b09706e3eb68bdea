"""The lake against its ledgers: objects that no row knows, and rows whose object is gone.

Each bucket is listed once, in the order of its keys. A page of keys is compared with their rows; the ids that are where
their rows say are kept in a temporary table until the folder ends, and what is not among them is missing. Memory does
not grow with the lake. What is younger than a day is left alone: its row may be on its way.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby, islice
from typing import TYPE_CHECKING

from candlewick.lake.keys import ARCHIVE, CHECKSUM_SUFFIX, EVIDENCE, parse_bundle_key, parse_raw_key
from candlewick.lake.store import ObjectMissing
from candlewick.pipeline.found import FoundAnswer
from candlewick.pipeline.maintenance.sweep_bundles import PAGE, SHARD, Bundles
from candlewick.pipeline.maintenance.sweep_summary import Finding, SweepSummary
from candlewick.spans import DAY
from candlewick.warehouse import lifecycle, outcomes, processed, swept
from candlewick.warehouse.database import from_ms
from candlewick.warehouse.events import Kind
from candlewick.warehouse.lifecycle import Action, LifecycleEvent, Step, Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from candlewick.lake.store import Lake, StoredObject
    from candlewick.warehouse.database import Warehouse
    from candlewick.warehouse.outcomes import Outcome
    from candlewick.warehouse.swept import KnownObject, Missing

log = logging.getLogger(__name__)

MOST_LOOKS = 1000
"""Missing objects of one folder that are asked for one by one before they are called missing."""
SHOWN = 3
GONE = "objects are gone that rows name"
FOREIGN = (
    "objects that no row knows have no name of ours, or are editions of archive files: market_rebuild takes those in"
)
DAMAGED = "objects are not as long as their rows say"
LEFT_BEHIND = "objects are still there that the ledger calls archived or deleted"
FORGOTTEN = (
    "answers that no row knows are older than what processed_files remembers: market_rebuild with force loads them"
)


@dataclass
class _Strange:
    """What a folder has of one kind that is only reported."""

    count: int = 0
    bytes: int = 0
    keys: tuple[str, ...] = ()

    def add(self, key: str, size: int) -> None:
        self.count, self.bytes = self.count + 1, self.bytes + size
        if len(self.keys) < SHOWN:
            self.keys = (*self.keys, key)


class LakeSweep:
    """One pass over both buckets."""

    def __init__(self, lake: Lake, warehouse: Warehouse, run_id: str, now: datetime, summary: SweepSummary) -> None:
        self.lake, self.warehouse, self.run_id, self.now, self.summary = lake, warehouse, run_id, now, summary
        self.config = warehouse.config
        self.old = now - DAY
        self.stores = {self.config.archive_bucket: Store.ARCHIVE, self.config.raw_bucket: Store.RAW}
        self.strange: dict[str, _Strange] = defaultdict(_Strange)

    def run(self) -> None:
        """Look at both buckets; the archive first, since a bundle that gets its row says where answers are."""
        with self.warehouse.session() as session:
            self.session = session
            self.bundles = Bundles(self.lake, self.warehouse, session, self.run_id, self.now, self.summary)
            self.horizon = processed.horizon(session, self.config.exchange)
            for bucket in self.stores:
                self._bucket(bucket)

    def _bucket(self, bucket: str) -> None:
        listed = set()
        for folder, objects in groupby(self.lake.objects(bucket), key=_folder):
            listed.add(folder)
            self._folder_begins()
            for page in _pages(objects):
                self._page(bucket, page)
            self._folder_ends(bucket, folder)
        for folder in sorted(self._folders_with_rows(bucket) - listed):
            self._folder_begins()
            self._folder_ends(bucket, folder)

    def _folders_with_rows(self, bucket: str) -> set[str]:
        days = swept.days_of_answers(self.session, bucket, self.old)
        if bucket == self.config.archive_bucket:
            return {str(day) for day in (*days, *swept.days_of_bundles(self.session))}
        return {ARCHIVE, EVIDENCE, *map(str, days)}

    def _folder_begins(self) -> None:
        swept.begin_folder(self.session)
        self.strange.clear()
        self.bundles.begin_day()

    def _page(self, bucket: str, page: list[StoredObject]) -> None:
        """Compare a page with its rows; give answers that have none their row again."""
        self.summary.objects += len(page)
        known = swept.known(self.session, [_named(one.key) for one in page])
        is_archive = bucket == self.config.archive_bucket
        files = {one.key: one for one in page if is_archive and parse_bundle_key(one.key)}
        for what, one in self.bundles.compare(list(files.values())):
            self.strange[what].add(one.key, one.bytes)
        rows: list[Outcome] = []
        there = []
        for one in page:
            row = known.get(_named(one.key))
            if row is not None:
                there += self._compare(bucket, one, row)
            elif one.key not in files:
                rows += self._unknown(bucket, one)
        swept.seen(self.session, there)
        outcomes.record(self.session, rows)
        if rows:
            self._repaired(bucket, rows)
        self.session.commit()

    def _compare(self, bucket: str, one: StoredObject, row: KnownObject) -> list[int]:
        """Return the id of an object that is where its row says."""
        if row.key != one.key:  # the checksum beside a file that is known
            return []
        if row.bucket != bucket or row.bundle_state is not None or row.is_expired:
            # The copy in the archive, or the source of a bundle the next run settles, is nobody's mistake.
            is_usual = row.bundle_state == "archived"
            if not is_usual:
                self.strange[LEFT_BEHIND].add(one.key, one.bytes)
            return []
        if row.bytes is not None and row.bytes != one.bytes:
            self.strange[DAMAGED].add(one.key, one.bytes)
        return [row.object_id]

    def _unknown(self, bucket: str, one: StoredObject) -> list[Outcome]:
        """Return the row an answer without one is given; anything else is a thing to report, once it is old enough."""
        evidence = one.key.removeprefix(f"{EVIDENCE}/") if one.key.startswith(f"{EVIDENCE}/") else None
        found = parse_raw_key(evidence or one.key)
        captured_at = from_ms(found.captured_at_ms) if found else one.written_at
        if captured_at > self.old:
            return []
        if found is None:
            self.strange[FOREIGN].add(one.key, one.bytes)
            return []
        if self.horizon and captured_at < self.horizon:
            self.strange[FORGOTTEN].add(one.key, one.bytes)
            return []
        answer = FoundAnswer(named=found, bucket=bucket, key=one.key, payload_bytes=one.bytes)
        return [answer.outcome(self.config.exchange, self.run_id, SHARD, is_queued=evidence is None)]

    def _repaired(self, bucket: str, rows: list[Outcome]) -> None:
        self.summary.repaired += len(rows)
        first = rows[0].object_key or ""
        event = LifecycleEvent(
            step=Step.SWEEP, action=Action.REPAIRED, store=self.stores[bucket], subject=f"{bucket}/{first}",
            from_time=min(row.captured_at for row in rows), to_time=max(row.captured_at for row in rows) + timedelta(milliseconds=1),
            object_count=len(rows), byte_count=sum(row.payload_bytes or 0 for row in rows),
            reason="no row knew these answers; they have one again and wait for their load in the lane of backfills",
        )  # fmt: skip
        lifecycle.record(self.session, [event], run_id=self.run_id, now=self.now)

    def _folder_ends(self, bucket: str, folder: str) -> None:
        """Look for what rows name and the folder did not show; write down what is only reported."""
        for missing in self._missing(bucket, folder):
            count, keys = self._confirmed(bucket, missing)
            if count:
                gone = self.strange[GONE]
                gone.count, gone.keys = gone.count + count, (*gone.keys, *keys)[:SHOWN]
        for what, found in self.strange.items():
            self._report(bucket, folder, what, found)
        self.session.commit()

    def _missing(self, bucket: str, folder: str) -> Iterator[Missing]:
        if folder == EVIDENCE and bucket == self.config.raw_bucket:
            yield swept.missing_evidence(self.session, bucket, self.old, MOST_LOOKS)
        elif folder == ARCHIVE and bucket == self.config.raw_bucket:
            yield swept.missing_editions(self.session, self.old, MOST_LOOKS)
        elif (start := _day(folder)) and start < self.old:
            end = min(start + DAY, self.old)
            yield swept.missing_answers(self.session, bucket, start, end, MOST_LOOKS)
            yield swept.missing_queued(self.session, bucket, start, end, MOST_LOOKS)
            if bucket == self.config.archive_bucket:
                yield self.bundles.missing(start.date())

    def _confirmed(self, bucket: str, missing: Missing) -> tuple[int, list[str]]:
        """Ask for missing objects one by one: a name from outside may lie in another folder than its day's."""
        gone = [key for key in missing.keys if not _is_there(self.lake, bucket, key)]
        return missing.count - (len(missing.keys) - len(gone)), gone

    def _report(self, bucket: str, folder: str, what: str, found: _Strange) -> None:
        sentence = f"{found.count} {what}: {', '.join(found.keys)}" + (", …" if found.count > len(found.keys) else "")
        subject = f"{bucket}/{folder}"
        self.summary.findings.append(Finding(Kind.LAKE_DIFFERS, f"{subject}: {what}", sentence))
        event = LifecycleEvent(
            step=Step.SWEEP, action=Action.REPORTED, store=self.stores[bucket], subject=subject, object_count=found.count,
            byte_count=found.bytes, from_time=_day(folder), to_time=(day := _day(folder)) and day + DAY, reason=sentence,
        )  # fmt: skip
        lifecycle.record(self.session, [event], run_id=self.run_id, now=self.now)


def _is_there(lake: Lake, bucket: str, key: str) -> bool:
    """Ask the store for one object."""
    try:
        lake.size(bucket, key)
    except ObjectMissing:
        return False
    return True


def _named(key: str) -> str:
    """Return the key whose row speaks for an object: a checksum has none of its own."""
    return key.removesuffix(CHECKSUM_SUFFIX)


def _folder(one: StoredObject) -> str:
    folder, slash, _ = one.key.partition("/")
    return folder if slash else ""


def _day(folder: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(folder), time())
    except ValueError:
        return None


def _pages(objects: Iterable[StoredObject]) -> Iterator[list[StoredObject]]:
    listed = iter(objects)
    while page := list(islice(listed, PAGE)):
        yield page
