"""Fill a warehouse from the lake alone: objects that no ledger names get their rows again and are loaded.

The key of an object, and the checksum beside an archive file, say all that its row needs; the rest is in the object.
Answers lie in either bucket, by themselves or in bundles; bundles come first, so that an answer which also lies
elsewhere is read from its bundle, and the archive step deletes the other copy.
Rows are written in small commits, so a killed rebuild is simply run again. What the lake does not hold is not rebuilt:
watermarks, failed requests, the history of symbols' states, the gap ledger's attempts.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from candlewick.exchange.archive_answers import read_checksum
from candlewick.exchange.errors import ExchangeError
from candlewick.lake.bundle import DamagedBundle
from candlewick.lake.keys import ARCHIVE, checksum_key, parse_archive_key, parse_bundle_key, parse_raw_key
from candlewick.lake.store import ObjectMissing
from candlewick.pipeline import rebuild_bundles
from candlewick.pipeline.archive_edition import Edition
from candlewick.pipeline.found import FoundAnswer
from candlewick.warehouse import archive_files, bundles, outcomes, processed
from candlewick.warehouse.archive_files import FileState
from candlewick.warehouse.database import to_ms, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from candlewick.lake.keys import RawKey
    from candlewick.lake.store import Lake
    from candlewick.pipeline.rebuild_request import RebuildRequest
    from candlewick.warehouse.database import Session, Warehouse

log = logging.getLogger(__name__)

LOCK = "rebuild"
BATCH = 500
SHARD = "rebuild"
ANSWERS = "2"
"""Keys of answers begin with the year of their capture."""

Listed = tuple[str, str, int]
"""Bucket, key, bytes."""


@dataclass
class RebuildSummary:
    """What was found in the lake."""

    files: int = 0
    answers: int = 0
    """Some of them out of bundles."""
    known: int = 0
    foreign: int = 0
    """Names that are none of ours, archive files without their checksum, bundles that cannot be unpacked."""
    forgotten: int = 0
    """Captured before the ledger was pruned to: nobody can say any more whether they were loaded."""

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        said = (
            f"queued {self.files} archive files and {self.answers} answers; {self.known} objects were known, "
            f"{self.foreign} are none of ours"
        )
        return said + (f", {self.forgotten} are older than the ledger (force loads them)" if self.forgotten else "")


def queue_from_lake(lake: Lake, warehouse: Warehouse, run_id: str, request: RebuildRequest) -> RebuildSummary:
    """Queue the objects of the lake that no ledger names, in the backfill lane; ``load_backlog`` loads them.

    Args:
        lake: both its buckets are listed.
        warehouse: where the rows go.
        run_id: goes into the outcomes.
        request: which objects; with ``force`` those that are known are loaded again, and those from before
            ``processed_files`` was pruned to as well.

    Raises:
        WarehouseBusy: another rebuild runs, or the warehouse does not answer.
        LakeError, WarehouseError: a store does not answer; what was queued before stays queued.
    """
    with warehouse.session() as session, warehouse.named_lock(session, LOCK):
        return _Rebuild(lake, session, run_id, request).queue()


class _Rebuild:
    """One call; its session holds the lock that makes it the only one."""

    def __init__(self, lake: Lake, session: Session, run_id: str, request: RebuildRequest) -> None:
        self.lake, self.session, self.run_id, self.request = lake, session, run_id, request
        self.config = lake.config
        self.summary = RebuildSummary()
        horizon = None if request.force else processed.horizon(session, self.config.exchange)
        self.horizon_ms = to_ms(horizon) if horizon else 0

    def queue(self) -> RebuildSummary:
        for listed in _batches(self._files()):
            for bucket, key, size in self._unknown(listed):
                self._queue_file(bucket, key, size)
            self.session.commit()
        for key in self._bundles():
            self._queue_bundle(key)
        for listed in _batches(self._answers()):
            self._queue_answers(self._unknown(listed))
        log.info("%s", self.summary.sentence)
        return self.summary

    def _files(self) -> Iterator[Listed]:
        """List the editions of archive files that are wanted, of each file the oldest first."""
        for key, size in self.lake.sizes(self.config.raw_bucket, f"{ARCHIVE}/"):
            found = parse_archive_key(key)
            if found is None:
                self.summary.foreign += not key.endswith(checksum_key(".zip"))
            elif self.request.wants(found[0].symbol, found[0].period_start, found[0].period_end):
                yield self.config.raw_bucket, key, size

    def _prefixes(self) -> list[str]:
        return [f"{day}/" for day in self.request.days()] or [ANSWERS]

    def _bundles(self) -> Iterator[str]:
        """List the bundles that are wanted, by day."""
        for prefix in self._prefixes():
            for key in self.lake.keys(self.config.archive_bucket, prefix):
                named = parse_bundle_key(key)
                if named and self.request.wants(named.symbol, named.date, named.date + timedelta(days=1)):
                    yield key

    def _answers(self) -> Iterator[Listed]:
        """List the answers that are wanted, by the day of their capture; they age from one bucket into the other."""
        for prefix in self._prefixes():
            # Stores list in the order of keys: what lies in both buckets comes twice in a row, and nothing is remembered.
            buckets = (self.config.raw_bucket, self.config.archive_bucket)
            before = ""
            for key, bucket, size in merge(*(self._keys(bucket, prefix) for bucket in buckets), key=itemgetter(0)):
                found = parse_raw_key(key)
                if found is None:
                    self.summary.foreign += parse_bundle_key(key) is None
                elif key != before and self._is_wanted(found):
                    yield bucket, key, size
                before = key

    def _keys(self, bucket: str, prefix: str) -> Iterator[tuple[str, str, int]]:
        for key, size in self.lake.sizes(bucket, prefix):
            yield key, bucket, size

    def _is_wanted(self, found: RawKey) -> bool:
        captured = datetime.fromtimestamp(found.captured_at_ms / 1000, UTC).date()
        if not self.request.wants(found.symbol, captured, captured + timedelta(days=1)):
            return False
        is_forgotten = found.captured_at_ms < self.horizon_ms
        self.summary.forgotten += is_forgotten
        return not is_forgotten

    def _queue_bundle(self, key: str) -> None:
        """Queue the answers in a bundle that no ledger names; it is opened only when there may be some."""
        known = bundles.named(self.session, key)
        if known and not self.request.force and bundles.all_are_known(self.session, known):
            self.summary.known += known.object_count
            return
        try:
            content = rebuild_bundles.read(self.lake, key)
        except (DamagedBundle, ObjectMissing) as error:
            log.warning("%s is left out: %s", key, error)
            self.summary.foreign += 1
            return
        self.summary.foreign += content.foreign
        bucket, bundle_id = self.config.archive_bucket, known.bundle_id if known else None
        wanted = {one.key: one for one in content.members if self._is_wanted(one.found)}
        for listed in _batches((bucket, one.key, one.payload_bytes) for one in wanted.values()):
            unknown = self._unknown(listed)
            named = parse_bundle_key(key)
            if unknown and bundle_id is None and named:
                bundle_id = rebuild_bundles.register(
                    self.session, self.config.exchange, bucket, key, named, content, self.run_id, utc_now()
                )
            self._queue_answers(unknown, bundle_id)

    def _queue_answers(self, unknown: list[Listed], bundle_id: int | None = None) -> None:
        rows = [
            FoundAnswer(named=named, bucket=bucket, key=key, payload_bytes=size, bundle_id=bundle_id).outcome(
                self.config.exchange, self.run_id, SHARD
            )
            for bucket, key, size in unknown
            if (named := parse_raw_key(key))
        ]
        outcomes.record(self.session, rows)
        self.session.commit()
        self.summary.answers += len(rows)

    def _unknown(self, listed: list[Listed]) -> list[Listed]:
        """Return those that no ledger names; when forced, queue the others once more."""
        names = [key for _, key, _ in listed]
        known = outcomes.known_keys(self.session, names)
        self.summary.known += len(known)
        if self.request.force and known:
            outcomes.restore(self.session, sorted(known), self.run_id)
            outcomes.queue_again(self.session, sorted(known))
        return [one for one in listed if one[1] not in known]

    def _queue_file(self, bucket: str, key: str, size: int) -> None:
        found = parse_archive_key(key)
        if found is None:
            return
        file, captured_at_ms = found
        sha256, note = self._published(bucket, key)
        if sha256 is None:
            log.warning("%s is left out: %s", key, note)
            self.summary.foreign += 1
            return
        archive_files.asked(self.session, self.config.exchange, file, FileState.STORED, utc_now())
        Edition(
            exchange=self.config.exchange, file=file, bucket=bucket, key=key, sha256=sha256, payload_bytes=size,
            captured_at_ms=captured_at_ms,
        ).take(self.session, self.run_id, note)  # fmt: skip
        self.summary.files += 1

    def _published(self, bucket: str, key: str) -> tuple[str | None, str | None]:
        """Return the sha256 that was published with a file, or that of a file which came without; else why not."""
        found = parse_archive_key(key)
        try:
            body = self.lake.get(bucket, checksum_key(key))
        except ObjectMissing:
            with Path(os.devnull).open("wb") as nowhere:
                return self.lake.read_into(bucket, key, nowhere), "imported without a checksum"
        try:
            return (read_checksum(body, found[0], checksum_key(key)).sha256 if found else None), None
        except ExchangeError as error:
            return None, str(error)


def _batches(listed: Iterator[Listed]) -> Iterator[list[Listed]]:
    while batch := list(islice(listed, BATCH)):
        yield batch
