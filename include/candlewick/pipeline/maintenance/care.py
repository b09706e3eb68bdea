"""Care: statistics of large tables, space given back where it pays, and how large everything is.

Each table is done by itself: one that is busy is left for the next run and named. Killed anywhere, the same call again
does what is left and what was done once more, which changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from candlewick.pipeline.maintenance import sizes
from candlewick.warehouse import ageing, lifecycle, room, storage, table_care
from candlewick.warehouse.database import WarehouseBusy
from candlewick.warehouse.lifecycle import Action, LifecycleEvent, Step, Store
from candlewick.warehouse.table_care import Bounds

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from candlewick.lake.store import Lake
    from candlewick.pipeline.maintenance.sizes import SizesSummary
    from candlewick.warehouse.database import Session, Warehouse
    from candlewick.warehouse.storage import TableSize

HOURLY_SAMPLES_DAYS = 90
SAMPLES = "storage_samples"


@dataclass
class CareSummary:
    """What was done."""

    analysed: int = 0
    optimised: int = 0
    freed_bytes: int = 0
    thinned: int = 0
    left: list[str] = field(default_factory=list)
    """Tables that were not done, each with the server's words."""
    sizes: SizesSummary | None = None

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        told = f"{self.analysed} tables analysed, {self.optimised} optimised ({self.freed_bytes / 10**6:,.1f} MB given back)"
        if self.thinned:
            told += f", {self.thinned} old samples dropped"
        if self.left:
            told += f"; left for the next run: {'; '.join(self.left)}"
        return f"{told}; {self.sizes.sentence}" if self.sizes else told


def run(warehouse: Warehouse, lake: Lake, run_id: str, now: datetime, *, bounds: Bounds | None = None) -> CareSummary:
    """Take care of the tables of both schemas and write down all sizes.

    Args:
        warehouse: the writer's account.
        lake: its backups are counted.
        run_id: goes into the events.
        now: naive UTC.
        bounds: which tables are worth the work.

    Raises:
        WarehouseError, LakeError: a store does not answer; what was done stays done.
    """
    return _Care(warehouse, lake, run_id, now, bounds or Bounds()).run()


class _Care:
    """One run."""

    def __init__(self, warehouse: Warehouse, lake: Lake, run_id: str, now: datetime, bounds: Bounds) -> None:
        self.warehouse, self.lake, self.run_id, self.now, self.bounds = warehouse, lake, run_id, now, bounds
        self.config = warehouse.config
        self.summary = CareSummary()

    def run(self) -> CareSummary:
        with self.warehouse.session() as session:
            tables = storage.table_sizes(session, self.config)
            has_room = not room.look(session, self.config).warns
        for table in tables:
            if self.bounds.pays(table) and has_room:
                self._each(table, self._optimise)
            elif self.bounds.wants_statistics(table):
                self._each(table, self._analyse)
        self._thin_out()
        self.summary.sizes = sizes.sample(self.warehouse, self.config, self.now, lake=self.lake)
        return self.summary

    def _each(self, table: TableSize, work: Callable[[Session, TableSize], str]) -> None:
        """Do one table; what the server has against it leaves the table for the next run."""
        try:
            with self.warehouse.session() as session:
                problem = work(session, table)
        except WarehouseBusy as busy:
            problem = str(busy)
        if problem:
            self.summary.left.append(f"{table.full_name} ({problem})")

    def _analyse(self, session: Session, table: TableSize) -> str:
        problem = table_care.analyse(session, table)
        if not problem:
            self._event(session, Action.ANALYSED, table, 0, "statistics made anew, so that plans fit what is there")
            self.summary.analysed += 1
        return problem

    def _optimise(self, session: Session, table: TableSize) -> str:
        share = table.free_bytes / (table.bytes + table.free_bytes)
        problem = table_care.optimise(session, table)
        if not problem:
            sizes_now = {one.full_name: one for one in storage.table_sizes(session, self.config)}
            after = sizes_now.get(table.full_name, table)
            freed = max(table.free_bytes - after.free_bytes, 0)
            self._event(session, Action.OPTIMISED, table, freed, f"{share:.0%} of its file was unused")
            self.summary.optimised += 1
            self.summary.freed_bytes += freed
        return problem

    def _thin_out(self) -> None:
        before = ageing.midnight(self.now, HOURLY_SAMPLES_DAYS)
        with self.warehouse.session() as session:
            self.summary.thinned = storage.thin_out(session, before)
            if self.summary.thinned:
                event = LifecycleEvent(
                    step=Step.CARE, action=Action.PRUNED, store=Store.WAREHOUSE, subject=f"{self.config.raw_schema}.{SAMPLES}",
                    to_time=before, row_count=self.summary.thinned, reason="of old days the last sampling stays",
                )  # fmt: skip
                lifecycle.record(session, [event], run_id=self.run_id, now=self.now)

    def _event(self, session: Session, action: Action, table: TableSize, size: int, reason: str) -> None:
        event = LifecycleEvent(
            step=Step.CARE, action=action, store=Store.WAREHOUSE, subject=table.full_name, row_count=table.rows,
            byte_count=size, reason=reason,
        )  # fmt: skip
        lifecycle.record(session, [event], run_id=self.run_id, now=self.now)
