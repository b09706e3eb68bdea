"""What ended processes left in the warehouse: sleeping locks, tables half made, backfills that say they run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from candlewick.pipeline.maintenance.sweep_summary import Finding, SweepSummary
from candlewick.warehouse import backfills, leftovers, lifecycle, storage
from candlewick.warehouse.database import WarehouseBusy
from candlewick.warehouse.events import Kind
from candlewick.warehouse.lifecycle import Action, LifecycleEvent, Step, Store

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.warehouse.database import Session, Warehouse
    from candlewick.warehouse.leftovers import Leftover, Sleeper


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long something may last before it counts as left behind."""

    report_sleeper: timedelta = timedelta(minutes=15)
    end_sleeper: timedelta = timedelta(hours=2)
    work_table: timedelta = timedelta(days=1)
    backfill: timedelta = timedelta(days=1)
    claim: timedelta = timedelta(days=2)
    trial: timedelta = timedelta(hours=1)


class ServerSweep:
    """One pass over the server."""

    def __init__(
        self, warehouse: Warehouse, run_id: str, now: datetime, patience: Patience, summary: SweepSummary
    ) -> None:
        self.warehouse, self.run_id, self.now = warehouse, run_id, now
        self.patience, self.summary = patience, summary
        self.config = warehouse.config

    def run(self) -> None:
        """Look at everything."""
        with self.warehouse.session() as session:
            self._sleepers(session)
        for leftover in self._work_tables():
            self._drop(leftover)
        with self.warehouse.session() as session:
            self._backfills(session)
            self._claims(session)
            self._trials(session)

    def _sleepers(self, session: Session) -> None:
        tables = [
            one.name for one in storage.table_sizes(session, self.config) if one.schema == self.config.marts_schema
        ]
        names = [f"{self.config.raw_schema}.{name}" for name in leftovers.LOCKS]
        names += [self.warehouse.writer_lock_name(name) for name in tables]
        at_least = int(self.patience.report_sleeper.total_seconds())
        for one in leftovers.sleepers(session, names, at_least):
            is_old = one.seconds >= self.patience.end_sleeper.total_seconds()
            if one.is_ours and is_old and leftovers.end(session, one):
                self._event(session, Action.REPAIRED, one.lock, f"{_told(one)}; it was ended, which frees the lock")
                self.summary.sessions += 1
            else:
                self._report(session, one.lock, f"{_told(one)}: end it (KILL {one.connection_id}) if nothing uses it")

    def _work_tables(self) -> list[Leftover]:
        with self.warehouse.session() as session:
            return leftovers.work_tables(session, self.config, self.now - self.patience.work_table)

    def _drop(self, leftover: Leftover) -> None:
        """Drop a table of killed work, never the only copy, and never while its writer is at work."""
        name = f"{self.config.marts_schema}.{leftover.name}"
        with self.warehouse.session() as session:
            if not leftover.has_base:
                self._report(
                    session, name,
                    f"{name} is there since {leftover.created_at:%Y-%m-%d %H:%M} UTC without {leftover.base}: it may be all that "
                    f"is left of it; look into it, then rename it to {leftover.base} or drop it",
                )  # fmt: skip
                return
        try:
            with self.warehouse.session() as session, self.warehouse.writer_lock(session, leftover.base):
                leftovers.drop(session, self.config, leftover)
                reason = f"a run that made it was killed at {leftover.created_at:%Y-%m-%d %H:%M} UTC; {leftover.base} is there"
                self._event(session, Action.REPAIRED, name, reason, rows=leftover.rows)
                session.commit()
        except WarehouseBusy:  # its writer is at work: it may be that writer's own
            return
        self.summary.tables += 1

    def _backfills(self, session: Session) -> None:
        ended = backfills.end_abandoned(session, self.now - self.patience.backfill)
        self.summary.backfills += ended
        if ended:
            reason = "said to be running and had not moved for a day; what is left of them can be asked for again"
            self._event(session, Action.REPAIRED, f"{self.config.raw_schema}.backfills", reason, rows=ended)

    def _claims(self, session: Session) -> None:
        for model, symbols, oldest in leftovers.old_claims(session, self.config, self.now - self.patience.claim):
            self._report(
                session, f"{self.config.marts_schema}.{model}",
                f"{model}: bars of {symbols} symbols from {oldest:%Y-%m-%d %H:%M} UTC on are claimed and not computed yet; if "
                "that stays so, look at transform in the runs of market_minute",
            )  # fmt: skip

    def _trials(self, session: Session) -> None:
        for host, since in leftovers.open_trials(session, self.now - self.patience.trial):
            self._report(
                session, host,
                f"the one request that was to try {host} at {since:%Y-%m-%d %H:%M} UTC never reported: nobody asks this host any "
                "more, or its process died; the next request tries it again",
            )  # fmt: skip

    def _report(self, session: Session, subject: str, sentence: str) -> None:
        self.summary.findings.append(Finding(Kind.STUCK, subject, sentence))
        self._event(session, Action.REPORTED, subject, sentence)

    def _event(self, session: Session, action: Action, subject: str, reason: str, rows: int = 0) -> None:
        event = LifecycleEvent(
            step=Step.SWEEP, action=action, store=Store.WAREHOUSE, subject=subject, row_count=rows, reason=reason
        )
        lifecycle.record(session, [event], run_id=self.run_id, now=self.now)


def _told(one: Sleeper) -> str:
    return f"session {one.connection_id} of {one.account} sleeps for {one.seconds} s with the lock {one.lock}"
