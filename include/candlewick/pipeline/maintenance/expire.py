"""Expire: archived objects past their age are deleted for good, and their rows say when and by which rule.

A bundle is marked ``expiring`` and that is committed before its object is deleted; only then it is ``expired``. Killed
in between, the next run deletes it again, which a store takes as done.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from candlewick.lake.store import LakeUnavailable
from candlewick.pipeline.maintenance import bundling
from candlewick.pipeline.maintenance.archive import LOCK
from candlewick.pipeline.maintenance.archiving import held_event
from candlewick.pipeline.rebuild import LOCK as REBUILD
from candlewick.warehouse import ageing, bundles, lifecycle
from candlewick.warehouse.lifecycle import Action, LifecycleEvent, Step, Store

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.lake.store import Lake
    from candlewick.settings import Settings
    from candlewick.warehouse.ageing import DaySeries, Held
    from candlewick.warehouse.bundles import Bundle
    from candlewick.warehouse.database import Session, Warehouse
    from candlewick.warehouse.holding import Holding

log = logging.getLogger(__name__)

AT_ONCE = 50
"""Bundles that are marked, deleted and noted together."""
WHY = {
    "archived": "their sources may still be there",
    "pending": "answers in them are queued",
    "quarantined": "in quarantine",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpirePlan:
    """What ``run`` would delete, by the ledgers alone. Times are naive UTC."""

    cutoff: datetime
    """What was captured before it is due: a midnight."""
    bundles: Holding
    """Bundles that go, with the bytes of their compressed files."""
    answers: Holding
    """Answers in them, with the bytes they had as captured."""
    plain: Holding
    """Answers that lie in the archive one by one (an older platform put them there) and go too."""
    held: tuple[Held, ...]
    """What is old enough and stays, by series; a key of ``WHY``. A bundle is one object."""
    raw: Holding
    """All that the bucket of payloads holds."""
    archive: Holding
    """All that the archive holds; a bundle is one object."""


@dataclass
class ExpireSummary:
    """What a run did."""

    bundles: int = 0
    answers: int = 0
    plain: int = 0
    bytes: int = 0
    held: int = 0
    """Bundles, and single answers, that are old enough and stay."""
    problems: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        said = f"{self.bundles} bundles with {self.answers} answers and {self.plain} single answers deleted ({self.bytes} bytes)"
        if self.held:
            said += f"; {self.held} objects stay"
        return said + (f"; {self.problems[0]}" if self.problems else "")


def plan(session: Session, config: Settings, now: datetime, keep_days: int) -> ExpirePlan:
    """Say what ``run`` with the same arguments would delete now.

    Args:
        session: reads; nothing is written.
        config: names the buckets.
        now: naive UTC.
        keep_days: archived objects captured on a day that ended so many days ago or earlier are due.
    """
    cutoff = ageing.midnight(now, keep_days)
    files, answers = bundles.due(session, cutoff.date())
    raw, archive = ageing.totals(session, config)
    return ExpirePlan(
        cutoff=cutoff,
        bundles=files,
        answers=answers,
        plain=ageing.due(session, config.archive_bucket, cutoff),
        held=_held(session, config, cutoff),
        raw=raw,
        archive=archive,
    )


def _held(session: Session, config: Settings, cutoff: datetime) -> tuple[Held, ...]:
    return (*bundles.held(session, cutoff.date()), *ageing.held(session, config.archive_bucket, cutoff))


def run(
    lake: Lake, warehouse: Warehouse, run_id: str, now: datetime, keep_days: int, counted_from: datetime | None = None
) -> ExpireSummary:
    """Delete what is due in the archive for good. What no row knows is not touched; the sweep reports it.

    Args:
        lake: the archive's bucket.
        warehouse: the writer's account.
        run_id: goes into the rows.
        now: naive UTC; stamps the rows.
        keep_days: archived objects captured on a day that ended so many days ago or earlier go.
        counted_from: the moment the days count from; without it ``now``.

    Raises:
        WarehouseBusy, WarehouseError: the warehouse does not answer, or a rebuild or another run holds a lock.
        LakeUnavailable, LakeError: the store does not answer or refuses to delete; what it deleted is marked.
    """
    # While a rebuild queues objects nothing expires under it; what it has queued already is left alone.
    with (
        warehouse.session() as session,
        warehouse.named_lock(session, LOCK),
        warehouse.named_lock(session, REBUILD),
    ):
        return _Expiry(lake, session, run_id, now, counted_from or now, keep_days).all()


class _Expiry:
    """One call; its session holds the locks."""

    def __init__(
        self, lake: Lake, session: Session, run_id: str, now: datetime, counted_from: datetime, keep_days: int
    ) -> None:
        self.lake, self.session, self.run_id, self.now = lake, session, run_id, now
        self.bucket = lake.config.archive_bucket
        self.cutoff = ageing.midnight(counted_from, keep_days)
        self.reason = f"captured more than {keep_days} days before {counted_from.date()}"
        self.summary = ExpireSummary()

    def all(self) -> ExpireSummary:
        for one in _held(self.session, self.lake.config, self.cutoff):
            self._record([held_event(Step.EXPIRE, Store.ARCHIVE, self.bucket, one, WHY[one.reason])])
            self.summary.held += one.holding.objects
        self.session.commit()
        while due := bundles.begin_expiry(self.session, self.cutoff.date(), AT_ONCE):
            self.session.commit()
            self._delete([one.object_key for one in due])
            self._expired(due)
        self._expire_plain()
        log.info("%s", self.summary.sentence)
        return self.summary

    def _expired(self, due: list[Bundle]) -> None:
        bundles.expire(self.session, [one.bundle_id for one in due], self.reason, self.now)
        self._record([self._event(one, one.object_key, one.object_count, one.bundle_bytes) for one in due])
        self.session.commit()
        self.summary.bundles += len(due)
        self.summary.answers += sum(one.object_count for one in due)
        self.summary.bytes += sum(one.bundle_bytes for one in due)

    def _expire_plain(self) -> None:
        """Delete answers that lie in the archive one by one: an older platform put them there."""
        for unit in ageing.due_days(self.session, self.bucket, self.cutoff):
            found = ageing.due_objects(self.session, self.bucket, unit, bundling.prefix(unit))
            self._delete([one.object_key for one in found])
            ageing.expire(self.session, [one.object_id for one in found], self.reason, self.now)
            size = sum(one.payload_bytes or 0 for one in found)
            self._record([self._event(unit, f"{unit.label} {unit.date}", len(found), size)])
            self.session.commit()
            self.summary.plain += len(found)
            self.summary.bytes += size

    def _delete(self, keys: list[str]) -> None:
        if refused := self.lake.delete_many(self.bucket, keys):
            key, why = next(iter(refused.items()))
            raise LakeUnavailable(
                f"expected to delete {len(keys)} objects of {self.bucket}, but {len(refused)} stay, {key} first: {why}; "
                "the next run tries again"
            )

    def _event(self, of: Bundle | DaySeries, subject: str, objects: int, size: int) -> LifecycleEvent:
        return LifecycleEvent.of_day(
            of.date, step=Step.EXPIRE, action=Action.EXPIRED, store=Store.ARCHIVE, subject=subject, symbol=of.symbol,
            reason=self.reason, object_count=objects, byte_count=size,
        )  # fmt: skip

    def _record(self, events: list[LifecycleEvent]) -> None:
        lifecycle.record(self.session, events, run_id=self.run_id, now=self.now)
