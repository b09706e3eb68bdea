"""Bundles of the archive against their ledger: files without a row, rows whose file is gone or another one.

A file that no row knows was put by a run that was killed before it marked its answers, or the ledger was restored from
before it. What it holds is proved to lie elsewhere, answer by answer, or else the file gets its row.
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING

from candlewick.lake.bundle import DamagedBundle
from candlewick.lake.keys import parse_bundle_key
from candlewick.lake.store import LakeError, ObjectMissing
from candlewick.pipeline import rebuild_bundles
from candlewick.pipeline.found import FoundAnswer
from candlewick.pipeline.maintenance import archive
from candlewick.warehouse import bundles, lifecycle, outcomes, processed, swept
from candlewick.warehouse.database import WarehouseBusy, from_ms
from candlewick.warehouse.lifecycle import Action, LifecycleEvent, Step, Store
from candlewick.warehouse.swept import Missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from candlewick.lake.store import Lake, StoredObject
    from candlewick.pipeline.maintenance.sweep_summary import SweepSummary
    from candlewick.pipeline.rebuild_bundles import Content, Member
    from candlewick.warehouse.database import Session, Warehouse
    from candlewick.warehouse.swept import KnownObject

PAGE = 1000
SHARD = "sweep"
READABLE = ("archived", "settled")
DAMAGED = "bundles cannot be unpacked, or hold what is no answer"
ANOTHER = "bundles are not as long as their rows say"
LEFT_BEHIND = "bundles are still there that the ledger calls deleted"


class Bundles:
    """The bundles of one pass; of a day's, the ids that are there."""

    def __init__(
        self, lake: Lake, warehouse: Warehouse, session: Session, run_id: str, now: datetime, summary: SweepSummary
    ) -> None:
        self.lake, self.warehouse, self.session = lake, warehouse, session
        self.run_id, self.now, self.summary = run_id, now, summary
        self.config = lake.config
        self.there: set[int] = set()
        self._digests: tuple[str, dict[str, str]] = ("", {})

    def begin_day(self) -> None:
        """Forget the day before."""
        self.there.clear()

    def compare(self, files: Sequence[StoredObject]) -> Iterator[tuple[str, StoredObject]]:
        """Compare a page of bundles with their rows; settle those without one; yield what is to be reported."""
        known = swept.known_bundles(self.session, [one.key for one in files]) if files else {}
        for one in files:
            row = known.get(one.key)
            if row is None:
                if problem := self._orphan(one):
                    yield problem, one
            elif row.state in READABLE:
                self.there.add(row.bundle_id)
                if row.bytes != one.bytes:
                    yield ANOTHER, one
            elif row.state == "expired":
                yield LEFT_BEHIND, one

    def missing(self, day: date) -> Missing:
        """Return the bundles of a day whose file was not seen."""
        keys = [one.key for one in swept.living_bundles(self.session, day) if one.bundle_id not in self.there]
        return Missing(len(keys), tuple(keys))

    def _orphan(self, one: StoredObject) -> str:
        """Settle a file that no row knows, while no run of the archive step makes one; return what is wrong with it."""
        try:
            with self.warehouse.named_lock(self.session, archive.LOCK):
                if bundles.named(self.session, one.key) is not None:
                    return ""  # its run has marked it meanwhile
                try:
                    content = rebuild_bundles.read(self.lake, one.key)
                except (DamagedBundle, ObjectMissing):
                    return DAMAGED
                if content.foreign or not content.members:
                    return DAMAGED
                self._settle(one, content)
                self.session.commit()  # before the lock is given back: the archive step has to see it
                self.summary.bundles += 1
        except WarehouseBusy:  # the archive step is at work, and this may be its newest: the next sweep sees
            return ""
        return ""

    def _settle(self, one: StoredObject, content: Content) -> None:
        """Delete the file when each of its answers lies elsewhere, else give it its row."""
        elsewhere = sum(self._elsewhere(page) for page in _pages(content.members))
        if elsewhere == len(content.members):
            self._event(one, f"no row knew it, and each of its {elsewhere} answers lies elsewhere as well: deleted")
            if refused := self.lake.delete_many(self.config.archive_bucket, [one.key]):
                raise LakeError(
                    f"expected to delete {one.key} of the archive, but the store refused: {refused[one.key]}"
                )
            return
        named = parse_bundle_key(one.key)
        if named is None:
            raise ValueError(f"expected the key of a bundle, got {one.key}")
        bundle_id = rebuild_bundles.register(
            self.session,
            self.config.exchange,
            self.config.archive_bucket,
            one.key,
            named,
            content,
            self.run_id,
            self.now,
        )
        for page in _pages(content.members):
            self._register(bundle_id, page)
        self.there.add(bundle_id)
        alone = len(content.members) - elsewhere
        self._event(
            one, f"no row knew it, and {alone} of its {len(content.members)} answers lie nowhere else: it has a row"
        )

    def _elsewhere(self, page: Sequence[Member]) -> int:
        """Count the answers that were expired on purpose, or that can be read from where their rows say, the same ones."""
        known = swept.known(self.session, [one.key for one in page])
        found = 0
        loose = []
        for one in page:
            row = known.get(one.key)
            if row is None:
                continue
            if row.is_expired:
                found += 1
            elif row.bundle_state in READABLE:
                found += self._in_bundle(row).get(one.key) == one.sha256
            elif row.bundle_state is None:
                loose.append((one, row))
        for bucket in {row.bucket for _, row in loose}:
            there = [one for one, row in loose if row.bucket == bucket]
            payloads = self.lake.get_many(bucket, [one.key for one in there])
            found += sum(
                payload is not None and hashlib.sha256(payload).hexdigest() == one.sha256
                for one, payload in zip(there, payloads, strict=True)
            )
        return found

    def _in_bundle(self, row: KnownObject) -> dict[str, str]:
        """Return the sha256 of the answers in the bundle of a row, by key; the bundle asked for last is remembered."""
        key = row.bundle_key or ""
        if self._digests[0] != key:
            try:
                members = rebuild_bundles.read(self.lake, key).members
            except (DamagedBundle, ObjectMissing):
                members = []
            self._digests = key, {one.key: one.sha256 for one in members}
        return self._digests[1]

    def _register(self, bundle_id: int, page: Sequence[Member]) -> None:
        """Let the rows of loose answers name the bundle; answers without a row get one and are queued.

        All loose ones, also those that are still in the bucket of payloads: the archive step then deletes these sources.
        """
        known = swept.known(self.session, [one.key for one in page])
        loose = [row.object_id for row in known.values() if row.bundle_state is None and not row.is_expired]
        swept.place(self.session, loose, self.config.archive_bucket, bundle_id, self.now)
        horizon = processed.horizon(self.session, self.config.exchange)
        fresh = [
            one for one in page
            if one.key not in known and not (horizon and from_ms(one.found.captured_at_ms) < horizon)
        ]  # fmt: skip
        rows = [
            FoundAnswer(
                named=one.found, bucket=self.config.archive_bucket, key=one.key, payload_bytes=one.payload_bytes,
                sha256=one.sha256, bundle_id=bundle_id,
            ).outcome(self.config.exchange, self.run_id, SHARD)
            for one in fresh
        ]  # fmt: skip
        outcomes.record(self.session, rows)
        self.summary.repaired += len(rows)

    def _event(self, one: StoredObject, reason: str) -> None:
        event = LifecycleEvent(
            step=Step.SWEEP, action=Action.REPAIRED, store=Store.ARCHIVE, subject=one.key, object_count=1,
            byte_count=one.bytes, reason=reason,
        )  # fmt: skip
        lifecycle.record(self.session, [event], run_id=self.run_id, now=self.now)


def _pages(members: Iterable[Member]) -> Iterator[list[Member]]:
    listed = iter(members)
    while page := list(islice(listed, PAGE)):
        yield page
