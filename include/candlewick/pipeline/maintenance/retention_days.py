"""A day of a big table goes: by a change of its partition where little stays, else by its keys, a batch at a time.

Under the lock of the table's writer it is asked once more whether a load is on its way or somebody keeps the span, the
ledger of expired spans is committed, and only then rows go. Between two batches the lock is free.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from candlewick.pipeline.maintenance import retention_due, retention_proof
from candlewick.pipeline.maintenance.counted import Counted
from candlewick.pipeline.maintenance.retention_due import BOOKS, Protected, outside
from candlewick.pipeline.maintenance.retention_survivors import copy_survivors
from candlewick.spans import joined, of_day
from candlewick.warehouse import expired, partitions, tables
from candlewick.warehouse.lifecycle import Action, LifecycleEvent, Step, Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from candlewick.pipeline.maintenance.retention_due import BigTable
    from candlewick.warehouse.database import Session, Warehouse

BATCH = 10_000
FEW_ROWS = 20_000
MOST_SURVIVORS = 0.25


@dataclass
class DayDeletion:
    """What became of a day."""

    rows: int = 0
    by_partition: bool = False
    held: dict[str, str] = field(default_factory=dict)
    """Symbols whose rows had to stay after all, with the reason."""


def delete_day(
    warehouse: Warehouse, table: BigTable, day: date, symbols: Iterable[str], pinned: Protected, run_id: str, now: datetime
) -> DayDeletion:  # fmt: skip
    """Delete the rows of a day that may go.

    Args:
        warehouse: the writer's account.
        table: whose rows.
        day: UTC.
        symbols: that are old enough.
        pinned: spans that were protected when checkpoints were saved: what became free since then waits for the next run.
        run_id: for the event.
        now: naive UTC, stamps what is written.

    Raises:
        WarehouseBusy: another session writes or reads the table for too long; nothing of the batch in hand was changed.
    """
    done, config = DayDeletion(), warehouse.config
    with warehouse.session() as session:
        tables.bound_waits(session)
        keep = protected_of(session, table, config.exchange, pinned)
        rows = retention_due.rows_of_day(session, config, table, day, list(symbols), keep)
        done.held = retention_proof.held(session, config, table, day, rows, keep)
        rows = {symbol: count for symbol, count in rows.items() if symbol not in done.held}
        if not rows:
            return done
        event = LifecycleEvent(
            step=Step.RETENTION, action=Action.ROWS_DELETED, store=Store.WAREHOUSE, subject=table.name,
            symbol=next(iter(rows)) if len(rows) == 1 else "", from_time=of_day(day).start, to_time=of_day(day).end,
            reason=f"old enough, and what was made of them stays ({len(rows)} symbols)",
        )  # fmt: skip
        counted = Counted(session, event, run_id, now)
        work = _Day(warehouse, session, table, day, pinned, counted, done)
        partition = _of_the_day(session, config.marts_schema, table, day)
        is_for_change = partition and sum(rows.values()) >= FEW_ROWS and work.is_mostly_gone(partition, rows)
        session.commit()  # who holds the writer's lock may change the table, and waits for readers of it
        if partition and is_for_change:
            done.by_partition = work.change_partition(partition, rows)
        if not done.by_partition:
            for batch in _batches({symbol: count for symbol, count in rows.items() if symbol not in done.held}):
                work.delete_batch(batch)
        done.rows = counted.rows
    return done


def protected_of(session: Session, table: BigTable, exchange: str, pinned: Protected | None = None) -> Protected:
    """Return the spans that never go, with those that were pinned before; no backfill brings books."""
    if table is BOOKS:
        return {}
    now, before = retention_due.protected(session, exchange), pinned or {}
    return {symbol: joined([*now.get(symbol, []), *before.get(symbol, [])]) for symbol in {*now, *before}}


def finish_killed(warehouse: Warehouse, table: BigTable, run_id: str, now: datetime) -> int:
    """Clear away what a killed change of partitions left; return the rows it had deleted and not yet counted."""
    marts = warehouse.config.marts_schema
    kept = f"{table.name}{partitions.KEPT}"
    with warehouse.session() as session:
        tables.bound_waits(session)
        if not tables.exist(session, marts, kept):
            return 0
        with warehouse.writer_lock(session, table.name):
            row = session.one(
                f"SELECT COUNT(*), MIN(k.{table.time}) FROM {marts}.{kept} AS k LEFT JOIN {marts}.{table.name} AS t "
                f"ON {' AND '.join(f't.{name} = k.{name}' for name in table.key)} WHERE t.symbol IS NULL"
            )
            rows, first = row or (0, None)
            if rows and first:
                span = of_day(first.date())
                event = LifecycleEvent(
                    step=Step.RETENTION, action=Action.ROWS_DELETED, store=Store.WAREHOUSE, subject=table.name,
                    from_time=span.start, to_time=span.end, reason="deleted by a run that was killed before it said so",
                )  # fmt: skip
                if not _is_told(session, event, rows):
                    Counted(session, event, run_id, now).add(rows)
            partitions.drop_kept(session, marts, table.name)
    return int(rows)


def _is_told(session: Session, event: LifecycleEvent, rows: int) -> bool:
    return bool(
        session.one(
            "SELECT 1 FROM lifecycle_events WHERE step = %s AND action = %s AND subject = %s AND from_time = %s "
            "AND row_count = %s LIMIT 1",
            (event.step.value, event.action.value, event.subject, event.from_time, rows),
        )
    )


class _Day:
    """One day of one table, inside a session."""

    def __init__(
        self, warehouse: Warehouse, session: Session, table: BigTable, day: date, pinned: Protected, counted: Counted,
        done: DayDeletion,
    ) -> None:  # fmt: skip
        self.warehouse, self.session, self.table, self.day, self.pinned = warehouse, session, table, day, pinned
        self.counted, self.done, self.marts = counted, done, warehouse.config.marts_schema

    def is_mostly_gone(self, partition: str, rows: dict[str, int]) -> bool:
        """Whether what stays of the partition is little enough to be copied."""
        row = self.session.one(f"SELECT COUNT(*) FROM {self.marts}.{self.table.name} PARTITION ({partition})")
        total = int(row[0]) if row else 0
        return total - sum(rows.values()) <= MOST_SURVIVORS * total

    def change_partition(self, partition: str, rows: dict[str, int]) -> bool:
        """Change the partition for what stays of it; False: this server cannot."""
        with self.warehouse.writer_lock(self.session, self.table.name):
            keep = self._allow(rows)
            if len(self.done.held.keys() & rows.keys()) > MOST_SURVIVORS * len(rows):
                return False
            partitions.prepare_kept(self.session, self.marts, self.table.name)
            gone = {symbol: outside(symbol, self.day, keep) for symbol in rows if symbol not in self.done.held}
            copied = copy_survivors(
                self.session, self.marts, self.table, partition, self.warehouse.config.exchange, gone
            )
            self.session.commit()
            is_changed = partitions.exchange(self.session, self.marts, self.table.name, partition)
        if is_changed:
            row = self.session.one(f"SELECT COUNT(*) FROM {self.marts}.{self.table.name}{partitions.KEPT}")
            self.counted.add((int(row[0]) if row else 0) - copied)
        partitions.drop_kept(self.session, self.marts, self.table.name)
        return is_changed

    def delete_batch(self, rows: dict[str, int]) -> None:
        """Delete rows by their keys until none is left of these symbols, the lock free in between."""
        while True:
            deleted = 0
            with self.warehouse.writer_lock(self.session, self.table.name):
                keep = self._allow(rows)
                for symbol in rows:
                    spans = outside(symbol, self.day, keep) if symbol not in self.done.held else []
                    for span in spans:
                        deleted += self.session.run(
                            f"DELETE FROM {self.marts}.{self.table.name} WHERE {self.table.series} "
                            f"AND {self.table.time} >= %s AND {self.table.time} < %s LIMIT %s",
                            (self.warehouse.config.exchange, symbol, span.start, span.end, BATCH - deleted),
                        )
                self.counted.add(deleted)
            if deleted < BATCH:
                return

    def _allow(self, rows: dict[str, int]) -> Protected:
        """Hold what came in between, write the rest down as expired (committed); return what is protected now."""
        config = self.warehouse.config
        self.done.held |= retention_proof.waiting(self.session, config, self.table, self.day, rows)
        keep = protected_of(self.session, self.table, config.exchange, self.pinned)
        gone = {symbol: outside(symbol, self.day, keep) for symbol in rows if symbol not in self.done.held}
        expired.add(
            self.session, config.exchange, self.table.data_type, self.table.interval_code, gone, self.counted.now
        )
        self.session.commit()
        return keep


def _of_the_day(session: Session, marts: str, table: BigTable, day: date) -> str | None:
    found = partitions.of_table(session, marts, table.name)
    return next((part.name for part in found if part.is_day and part.start == day), None)


def _batches(rows: dict[str, int]) -> Iterator[dict[str, int]]:
    """Take symbols together until a batch is full; one that is more than a batch comes alone."""
    batch: dict[str, int] = {}
    for symbol, count in sorted(rows.items()):
        if batch and sum(batch.values()) + count > BATCH:
            yield batch
            batch = {}
        batch[symbol] = count
    if batch:
        yield batch
