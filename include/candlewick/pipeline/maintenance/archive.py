"""Archive: a day's answers of a series become one compressed file, which is read back before the sources go.

A bundle's object is put and read back; one transaction then holds its row, the new place of its objects and the event;
only afterwards the sources are deleted. Killed anywhere, the same call again finishes: a bundle that was put and not
marked is made again under the same name, one that was marked is read again and its sources are deleted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from candlewick.warehouse import ageing, bundles

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.lake.store import Lake
    from candlewick.settings import Settings
    from candlewick.warehouse.ageing import Held
    from candlewick.warehouse.database import Session, Warehouse
    from candlewick.warehouse.holding import Holding

LOCK = "ageing"
"""Of the named lock of archiving and expiring."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivePlan:
    """What ``run`` would do, by the ledgers alone; no object is read for it. Times are naive UTC."""

    cutoff: datetime
    """Answers captured before it are due: a midnight."""
    due: Holding
    """Answers that move."""
    unfinished: Holding
    """Answers of bundles whose sources may still be there: a run was killed."""
    held: tuple[Held, ...]
    """What is old enough and stays, by series."""
    raw: Holding
    """All that the bucket of payloads holds."""
    archive: Holding
    """All that the archive holds; a bundle is one object."""


@dataclass
class ArchiveSummary:
    """What a run did."""

    bundles: int = 0
    objects: int = 0
    source_bytes: int = 0
    bundle_bytes: int = 0
    finished: int = 0
    """Bundles of a killed run whose sources were deleted now."""
    held: int = 0
    """Objects that are queued or in quarantine: they stay."""
    left: int = 0
    """Objects that are gone, or not what their load saw: reported."""
    problems: list[str] = field(default_factory=list)
    """A sentence each, the first ones."""

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        said = f"{self.objects} objects ({self.source_bytes} bytes) archived in {self.bundles} bundles ({self.bundle_bytes} bytes)"
        if self.finished:
            said += f"; {self.finished} bundles of a killed run finished"
        if self.held:
            said += f"; {self.held} objects stay: queued, or in quarantine"
        return said + (f"; {self.left} objects left: {self.problems[0]}" if self.problems else "")


def plan(session: Session, config: Settings, now: datetime, after_days: int) -> ArchivePlan:
    """Say what ``run`` with the same arguments would do now.

    Args:
        session: reads; nothing is written.
        config: names the buckets.
        now: naive UTC.
        after_days: objects captured on a day that ended so many days ago or earlier are due.
    """
    cutoff = ageing.midnight(now, after_days)
    raw, archive = ageing.totals(session, config)
    return ArchivePlan(
        cutoff=cutoff,
        due=ageing.due(session, config.raw_bucket, cutoff),
        unfinished=bundles.unfinished(session),
        held=ageing.held(session, config.raw_bucket, cutoff),
        raw=raw,
        archive=archive,
    )


def run(
    lake: Lake, warehouse: Warehouse, run_id: str, now: datetime, after_days: int, counted_from: datetime | None = None
) -> ArchiveSummary:
    """Archive every answer that is due; finish what a killed run has left.

    Args:
        lake: both its buckets.
        warehouse: the writer's account.
        run_id: goes into the rows.
        now: naive UTC; stamps the rows.
        after_days: objects captured on a day that ended so many days ago or earlier move.
        counted_from: the moment the days count from; without it ``now``.

    Raises:
        WarehouseBusy, WarehouseError: the warehouse does not answer, or another run holds the lock; bundles that are
            marked stay so.
        LakeUnavailable, LakeError: the store does not answer, did not give back what was put, or refused to delete;
            everything else was done.
    """
    from candlewick.pipeline.maintenance.archiving import Archiving

    with warehouse.session() as session, warehouse.named_lock(session, LOCK):
        return Archiving(lake, session, run_id, now).all(ageing.midnight(counted_from or now, after_days))
