"""Retention: rows go by age, and only where what was made of them is complete, or explained, and stays.

``plan`` counts and names reasons, ``run`` does what a plan says and nothing else, looking at each day again before it
goes. The order of a day: checkpoint of the indicators, ledger of expired spans (committed), rows, event. Killed
anywhere, the same call again finishes.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from candlewick.pipeline.maintenance import (
    retention_checkpoints,
    retention_days,
    retention_due,
    retention_ledgers,
    retention_proof,
)
from candlewick.pipeline.maintenance.retention_due import BOOKS, TABLES
from candlewick.pipeline.maintenance.retention_plan import (
    DayOfRows,
    HeldItem,
    RetentionDays,
    RetentionItem,
    RetentionPlan,
    RetentionSummary,
    held_spans,
)
from candlewick.spans import common, of_day
from candlewick.warehouse import partitions, tables
from candlewick.warehouse.lifecycle import Action, LifecycleEvent, Step, Store, record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    from candlewick.pipeline.maintenance.retention_due import BigTable
    from candlewick.settings import Settings
    from candlewick.spans import Span
    from candlewick.warehouse.database import Session, Warehouse

__all__ = ["HeldItem", "RetentionDays", "RetentionItem", "RetentionPlan", "RetentionSummary", "plan", "run"]

log = logging.getLogger(__name__)

MOST_ROWS_MERGED = 500_000
"""Rows of a month whose days are made one partition again: they are copied, in seconds, while the table's writer waits."""


def plan(session: Session, config: Settings, now: datetime, days: RetentionDays) -> RetentionPlan:
    """Say what ``run`` would delete, and what is old enough and kept all the same; nothing is written.

    Args:
        session: of the writer's account, which reads both schemas.
        config: names the schemas and the exchange.
        now: naive UTC; with ``days`` it fixes every cutoff.
        days: ages.
    """
    items, held, work = [], [], []
    for table in TABLES:
        if not tables.exist(session, config.marts_schema, table.name):
            continue
        keep = retention_days.protected_of(session, table, config.exchange)
        going: dict[date, dict[str, int]] = {}
        for day, rows in retention_due.due(session, config, table, now, days, keep).items():
            reasons = retention_proof.held(session, config, table, day, rows, keep)
            held += [(table.name, symbol, day, reason) for symbol, reason in reasons.items()]
            if left := {symbol: count for symbol, count in rows.items() if symbol not in reasons}:
                going[day] = left
                work.append(DayOfRows(table=table.name, day=day, symbols=tuple(sorted(left))))
            session.commit()  # a table may not be changed while a transaction that has read it is open
        items.append(_item(session, config.marts_schema, table, going))
        session.commit()
    items += retention_ledgers.plan(session, config.raw_schema, now, days)
    return RetentionPlan(now=now, days=days, items=tuple(items), held=held_spans(held), work=tuple(work))


def _item(session: Session, marts: str, table: BigTable, going: Mapping[date, Mapping[str, int]]) -> RetentionItem:
    return RetentionItem(
        table=table.name,
        symbols=len({symbol for rows in going.values() for symbol in rows}),
        rows=sum(sum(rows.values()) for rows in going.values()),
        table_rows=partitions.rows_of(session, marts, table.name),
        from_time=of_day(min(going)).start if going else None,
        to_time=of_day(max(going)).end if going else None,
    )


def run(
    warehouse: Warehouse, run_id: str, now: datetime, plan: RetentionPlan, dbt: Callable[..., object]
) -> RetentionSummary:
    """Delete what a plan names, of what is still allowed to go.

    Args:
        warehouse: the writer's account.
        run_id: of the run, for ``lifecycle_events``.
        now: the present, naive UTC; cutoffs are the plan's.
        plan: what may go.
        dbt: runs dbt with the given words (``dbt("run-operation", …)``), as the wiring does.

    Raises:
        WarehouseBusy: a writer or reader was in the way for too long; the same call again goes on.
        TransformError: the checkpoints could not be saved; no row of facts was deleted.
    """
    summary, held = RetentionSummary(held=list(plan.held)), []
    for table in TABLES:
        summary.add(table.name, retention_days.finish_killed(warehouse, table, run_id, now))
    with warehouse.session() as session:
        pinned = retention_due.protected(session, warehouse.config.exchange)
    refused = retention_checkpoints.save(warehouse, run_id, now, plan.work, pinned, dbt)
    order = {table.name: place for place, table in enumerate(TABLES)}
    for one in sorted(plan.work, key=lambda one: (one.day, order[one.table])):
        stays = {} if one.table == BOOKS.name else _of_the_day(refused, one.day)
        done = retention_days.delete_day(
            warehouse, TABLES[order[one.table]], one.day, [s for s in one.symbols if s not in stays], pinned, run_id, now
        )  # fmt: skip
        held += [(one.table, symbol, one.day, reason) for symbol, reason in {**done.held, **stays}.items()]
        summary.add(one.table, done.rows)
        summary.days += bool(done.rows)
        summary.dropped += done.by_partition
    for name, rows in retention_ledgers.delete(warehouse, run_id, now, plan.now, plan.days):
        summary.add(name, rows)
    for table in TABLES:
        summary.merged += _merge_months(warehouse, table, plan)
    summary.held += held_spans(held)
    with warehouse.session() as session:
        record(session, map(_kept, summary.held), run_id=run_id, now=now)
    log.info("%s", summary.sentence)
    return summary


def _of_the_day(refused: Mapping[tuple[str, Span], str], day: date) -> dict[str, str]:
    return {symbol: reason for (symbol, span), reason in refused.items() if common([span], [of_day(day)])}


def _kept(item: HeldItem) -> LifecycleEvent:
    return LifecycleEvent(
        step=Step.RETENTION, action=Action.KEPT, store=Store.WAREHOUSE, subject=item.table, symbol=item.symbol,
        from_time=item.from_time, to_time=item.to_time, reason=item.reason,
    )  # fmt: skip


def _merge_months(warehouse: Warehouse, table: BigTable, plan: RetentionPlan) -> int:
    """Make one partition again of the days of each month that is over and of which little is left."""
    until, _ = table.cutoffs(plan.now, plan.days)
    if until is None:
        return 0
    marts, merged = warehouse.config.marts_schema, 0
    with warehouse.session() as session:
        tables.bound_waits(session)
        for days in partitions.whole_months(partitions.of_table(session, marts, table.name), until.date()):
            with warehouse.writer_lock(session, table.name):
                names = ", ".join(day.name for day in days)
                rows = f"SELECT 1 FROM {marts}.{table.name} PARTITION ({names}) LIMIT {MOST_ROWS_MERGED + 1}"
                row = session.one(f"SELECT COUNT(*) FROM ({rows}) AS some_rows")
                session.commit()
                if row and int(row[0]) <= MOST_ROWS_MERGED:
                    partitions.merge_days(session, marts, table.name, days)
                    merged += 1
    return merged
