"""Save the warehouse: one snapshot of both schemas, streamed into the lake, read back, and the old ones deleted.

Killed anywhere, the next call removes what was left; with the same ``now`` it does only what is missing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from candlewick.lake.store import LakeError
from candlewick.pipeline.backup import manifest as files
from candlewick.pipeline.backup import programs
from candlewick.pipeline.backup.digest import Digest
from candlewick.pipeline.backup.parts import Parts, remove
from candlewick.warehouse import leftovers, lifecycle
from candlewick.warehouse.lifecycle import Action, LifecycleEvent, Step, Store

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.lake.store import Lake
    from candlewick.pipeline.backup.manifest import Manifest, Stored
    from candlewick.warehouse.database import Session, Warehouse

log = logging.getLogger(__name__)

LOCK = "backup"
CHUNK_BYTES = 1 << 20
ABANDONED = timedelta(days=1)
# dbt makes these anew each hour and swaps them in, like the views; a snapshot that lasts longer would break at the swap.
MADE_ANEW = (
    "price_distribution", "return_distribution", "return_histogram", "volatility", "volume_profile", "window_returns",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BackupSummary:
    """What was saved, and which older backups were deleted."""

    stamp: str
    bucket: str
    tables: int
    rows: int
    bytes: int
    deleted: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        gone = f"; deleted {len(self.deleted)} old ones ({', '.join(self.deleted)})" if self.deleted else ""
        return f"saved {self.tables} tables with {self.rows} rows as {self.bucket}/{self.stamp}, {self.bytes / 1e6:.1f} MB{gone}"


def run(warehouse: Warehouse, lake: Lake, run_id: str, now: datetime) -> BackupSummary:
    """Save the base tables of both schemas; afterwards delete backups older than ``backup_keep_days``.

    The newest backup that was restored and verified stays however old it is, and so does the newest one.

    Args:
        warehouse: an account that may read both schemas and write the raw one.
        lake: its backup bucket is written.
        run_id: goes into the manifest and the lifecycle events.
        now: naive UTC; names the backup.

    Raises:
        WarehouseBusy: another backup runs, a table was redefined meanwhile, or the server does not answer.
        BackupFailed: mariadb-dump is missing or refuses.
        LakeUnavailable, LakeError: the lake does.
    """
    stamp = files.stamp_of(now)
    with warehouse.session() as session, warehouse.named_lock(session, LOCK):
        existing = {one.stamp: one for one in files.stored(lake)}
        for one in existing.values():
            # Left by a killed backup; a younger one may be another platform's that is being made.
            if not one.is_whole and (one.stamp == stamp or one.taken_at < now - ABANDONED):
                remove(lake, one)
        if stamp in existing and existing[stamp].is_whole:
            made = files.read(lake, stamp)
        else:
            made = _Save(warehouse, lake, session).save(stamp, run_id, now)
        _note(session, made, run_id, now)
        deleted = _prune(lake, session, run_id, now)
        summary = BackupSummary(stamp, lake.config.backup_bucket, len(made.tables), made.rows, made.bytes, deleted)
    log.info("%s", summary.sentence)
    return summary


class _Save:
    """One call."""

    def __init__(self, warehouse: Warehouse, lake: Lake, session: Session) -> None:
        self.warehouse, self.lake, self.session = warehouse, lake, session
        self.raw, self.marts = warehouse.config.raw_schema, warehouse.config.marts_schema

    def save(self, stamp: str, run_id: str, now: datetime) -> Manifest:
        left_out = self._left_out()
        revision, server = self._asked("SELECT version_num FROM schema_version"), self._asked("SELECT VERSION()")
        self.session.commit()  # no snapshot of this session's own for as long as the dump lasts
        digest, parts = Digest({self.raw: "raw", self.marts: "marts"}), Parts(self.lake, stamp)
        text_bytes = 0
        with programs.dump(self.warehouse.address, (self.raw, self.marts), left_out) as text:
            while chunk := text.read(CHUNK_BYTES):
                digest.feed(chunk)
                parts.write(chunk)
                text_bytes += len(chunk)
        made = files.Manifest(
            stamp=stamp, taken_at=now, run_id=run_id, revision=revision, server=server, program=programs.version(),
            raw_schema=self.raw, marts_schema=self.marts, text_bytes=text_bytes, parts=parts.finish(),
            tables=digest.tables(), left_out=tuple(left_out),
        )  # fmt: skip
        key, payload = f"{stamp}/{files.MANIFEST}", msgspec.json.format(msgspec.json.encode(made), indent=1)
        self.lake.put(self.lake.config.backup_bucket, key, payload)
        if files.read(self.lake, stamp) != made:
            raise LakeError(f"expected to read back {key} as it was written; look at the object store")
        return made

    def _left_out(self) -> list[str]:
        """Name the views, what dbt makes anew each hour, and tables that are work in progress or were left by killed work."""
        rows = self.session.all(
            "SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema IN (%s, %s) "
            "ORDER BY 1, 2",
            (self.raw, self.marts),
        )
        return [
            f"{schema}.{name}"
            for schema, name, kind in rows
            if kind != "BASE TABLE" or leftovers.is_work(name) or (schema == self.marts and name in MADE_ANEW)
        ]

    def _asked(self, query: str) -> str:
        row = self.session.one(query)
        return str(row[0]) if row else ""


def _note(session: Session, made: Manifest, run_id: str, now: datetime) -> None:
    """Write the lifecycle event of a backup, once."""
    noted = session.one(
        "SELECT 1 FROM lifecycle_events WHERE step = %s AND action = %s AND subject = %s AND occurred_at = %s",
        (Step.BACKUP.value, Action.SAVED.value, made.stamp, now),
    )
    if not noted:
        event = LifecycleEvent(
            step=Step.BACKUP, action=Action.SAVED, store=Store.BACKUP, subject=made.stamp, object_count=len(made.parts) + 1,
            row_count=made.rows, byte_count=made.bytes, reason=f"{len(made.tables)} tables at revision {made.revision}",
        )  # fmt: skip
        lifecycle.record(session, [event], run_id=run_id, now=now)
    session.commit()


def _prune(lake: Lake, session: Session, run_id: str, now: datetime) -> tuple[str, ...]:
    """Delete backups that are too old; each leaves its event."""
    days = lake.config.backup_keep_days
    gone = []
    for one in too_old(files.stored(lake), now - timedelta(days=days)):
        removed = remove(lake, one)
        event = LifecycleEvent(
            step=Step.BACKUP, action=Action.EXPIRED, store=Store.BACKUP, subject=one.stamp, object_count=removed,
            reason=f"older than {days} days",
        )  # fmt: skip
        lifecycle.record(session, [event], run_id=run_id, now=now)
        session.commit()
        gone.append(one.stamp)
    return tuple(gone)


def too_old(backups: list[Stored], before: datetime) -> list[Stored]:
    """Return those taken before a moment, but for the newest whole one and the newest one that was verified."""
    whole = [one for one in backups if one.is_whole]
    kept = {one.stamp for one in (*whole[-1:], *[one for one in whole if one.is_verified][-1:])}
    return [one for one in whole if one.taken_at < before and one.stamp not in kept]
