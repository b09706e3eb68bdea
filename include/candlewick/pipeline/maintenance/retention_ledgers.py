"""Age of the working copies and ledgers: staging, outcomes of requests, processed files. Deleted in batches by their keys.

Staging is what a model has yet to consume and nothing else; an outcome goes when its object is in the archive or gone,
and nobody refers to it; a processed file only when its object and its outcome are gone, and then ``retention_horizons``
says so.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from candlewick.market import Source
from candlewick.pipeline.maintenance.counted import Counted
from candlewick.pipeline.maintenance.retention_plan import RetentionItem, cutoff
from candlewick.warehouse import expired, partitions
from candlewick.warehouse.database import EPOCH
from candlewick.warehouse.lifecycle import Action, LifecycleEvent, Step, Store
from candlewick.warehouse.staging import KLINES, ORDERBOOK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from candlewick.pipeline.maintenance.retention_plan import RetentionDays
    from candlewick.warehouse.database import Session, Warehouse

STAGING, OUTCOMES, PROCESSED = "staging", "extraction_outcomes", "processed_files"
BATCH = 10_000
_PAGE = 2_000
# An outcome somebody may still ask for by its number, or whose object is queued, is never touched.
_FREE = (
    "o.load_state <> 'pending' AND o.source = %s "
    "AND NOT EXISTS (SELECT 1 FROM archive_files AS a WHERE a.object_id = o.outcome_id) "
    "AND NOT EXISTS (SELECT 1 FROM tracked_symbols AS t WHERE t.first_open_object_id = o.outcome_id) "
    "AND (o.status = 'failed' OR {object})"
)
# The plan also counts what the archive step of the same run is about to move: the numbers a person sees are those of the run.
_AGES = "p.status IN ('loaded', 'partial')"
_AGED = "(p.bundle_id IS NOT NULL OR p.expired_at IS NOT NULL)"
_OUTCOMES = "FROM extraction_outcomes AS o LEFT JOIN processed_files AS p ON p.object_id = o.outcome_id"


def plan(session: Session, raw: str, now: datetime, days: RetentionDays) -> Iterator[RetentionItem]:
    """Count what ``delete`` would delete.

    Args:
        session: reads the ledgers.
        raw: their schema.
        now: naive UTC.
        days: ages.
    """
    if (until := cutoff(now, days.staging)) is not None:
        row = session.one(
            "SELECT COALESCE(SUM(rows_staged), 0), MIN(loaded_at) FROM loads AS l WHERE l.load_id >= %s AND l.load_id <= %s "
            "AND l.loaded_at < %s AND NOT EXISTS (SELECT 1 FROM pending_loads AS p WHERE p.load_id = l.load_id)",
            (*_staged_loads(session), until),
        )
        total = sum(partitions.rows_of(session, raw, table) for table in (KLINES, ORDERBOOK))
        yield _item(STAGING, row, max(total, int(row[0]) if row else 0), until, is_working_copy=True)
    if (until := cutoff(now, days.outcomes)) is not None:
        free = _FREE.format(object=_AGES)
        row = session.one(
            f"SELECT COUNT(*), MIN(o.captured_at) {_OUTCOMES} WHERE o.captured_at < %s AND {free}", (until, Source.REST)
        )
        yield _item(OUTCOMES, row, partitions.rows_of(session, raw, OUTCOMES), until)
    if (until := cutoff(now, days.processed)) is not None:
        young = cutoff(now, days.outcomes) or EPOCH
        row = session.one(
            "SELECT COUNT(*), MIN(p.captured_at) FROM processed_files AS p LEFT JOIN extraction_outcomes AS o "
            "ON o.outcome_id = p.object_id AND o.captured_at >= %s WHERE p.expired_at < %s AND o.outcome_id IS NULL",
            (young, until),
        )
        yield _item(PROCESSED, row, partitions.rows_of(session, raw, PROCESSED), until)


def _item(
    table: str, row: tuple[object, ...] | None, total: int, until: datetime, *, is_working_copy: bool = False
) -> RetentionItem:
    count, oldest = row or (0, None)
    return RetentionItem(
        table=table, symbols=0, rows=int(str(count)), table_rows=total, from_time=oldest if count else None,  # type: ignore[arg-type]
        to_time=until if count else None, is_working_copy=is_working_copy,
    )  # fmt: skip


def delete(
    warehouse: Warehouse, run_id: str, now: datetime, counted_from: datetime, days: RetentionDays
) -> Iterator[tuple[str, int]]:
    """Delete what is due; yield (table, rows) of each. Each batch is a transaction that counts itself in its event.

    ``now`` stamps the events, ``counted_from`` is the moment the ages count from.
    """
    for table, until, run in (
        (STAGING, cutoff(counted_from, days.staging), _delete_staging),
        (OUTCOMES, cutoff(counted_from, days.outcomes), _delete_outcomes),
        (PROCESSED, cutoff(counted_from, days.processed), _delete_processed),
    ):
        if until is not None:
            with warehouse.session() as session:
                event = LifecycleEvent(
                    step=Step.RETENTION, action=Action.ROWS_DELETED if table == STAGING else Action.PRUNED,
                    store=Store.WAREHOUSE, subject=table, to_time=until,
                    reason=f"older than {until:%Y-%m-%d} and needed by nobody any more",
                )  # fmt: skip
                counted = Counted(session, event, run_id, now)
                run(session, counted, until, warehouse.config.exchange)
                session.commit()
                yield table, counted.rows


def _staged_loads(session: Session) -> tuple[int, int]:
    """Return the first and the last load of which staging may have rows."""
    ends = [session.one(f"SELECT MIN(load_id), MAX(load_id) FROM {table}") for table in (KLINES, ORDERBOOK)]
    found = [end for end in ends if end and end[0] is not None]
    return min((end[0] for end in found), default=0), max((end[1] for end in found), default=-1)


def _delete_staging(session: Session, counted: Counted, until: datetime, _exchange: str) -> None:
    first, last = _staged_loads(session)
    while first <= last:
        loads = session.all(
            "SELECT l.load_id, l.rows_staged, l.loaded_at < %s AND NOT EXISTS "
            "(SELECT 1 FROM pending_loads AS p WHERE p.load_id = l.load_id) FROM loads AS l "
            "WHERE l.load_id BETWEEN %s AND %s ORDER BY l.load_id LIMIT %s",
            (until, first, last, _PAGE),
        )
        for start, end in _stretches(loads):
            for table in (KLINES, ORDERBOOK):
                while True:
                    rows = session.run(
                        f"DELETE FROM {table} WHERE load_id BETWEEN %s AND %s ORDER BY load_id, row_number_in_load LIMIT %s",
                        (start, end, BATCH),
                    )
                    counted.add(rows)
                    if rows < BATCH:
                        break
        first = loads[-1][0] + 1 if loads else last + 1


def _stretches(loads: list[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    """Join loads that may go to stretches of about a batch; one that stays ends a stretch."""
    start, end, rows = 0, 0, 0
    for load_id, staged, may_go in loads:
        if start and (not may_go or rows + staged > BATCH):
            yield start, end
            start, rows = 0, 0
        if may_go:
            start, end, rows = start or load_id, load_id, rows + staged
    if start:
        yield start, end


def _delete_outcomes(session: Session, counted: Counted, until: datetime, _exchange: str) -> None:
    free = _FREE.format(object=_AGED)
    after: tuple[object, ...] = ("1970-01-01", 0)
    while True:
        rows = session.all(
            "SELECT outcome_id, captured_at FROM extraction_outcomes FORCE INDEX (by_time) WHERE captured_at < %s "
            "AND (captured_at > %s OR (captured_at = %s AND outcome_id > %s)) ORDER BY captured_at, outcome_id LIMIT %s",
            (until, after[0], after[0], after[1], _PAGE),
        )
        if not rows:
            return
        marks = ", ".join(["%s"] * len(rows))
        gone = session.all(
            f"SELECT o.outcome_id {_OUTCOMES} WHERE o.outcome_id IN ({marks}) AND {free}",
            (*(row[0] for row in rows), Source.REST),
        )
        if gone:
            marks = ", ".join(["%s"] * len(gone))
            counted.add(
                session.run(
                    f"DELETE FROM extraction_outcomes WHERE outcome_id IN ({marks}) AND load_state <> 'pending'",
                    [row[0] for row in gone],
                )
            )
        after = (rows[-1][1], rows[-1][0])


def _delete_processed(session: Session, counted: Counted, until: datetime, exchange: str) -> None:
    """Say first until when captures are forgotten, then forget: a rebuild asks the horizon.

    A row whose outcome is there stays: nothing else says that the object is gone, and the outcome goes only with this row.
    """
    last = 0
    while True:
        rows = session.all(
            "SELECT p.object_id, p.captured_at FROM processed_files AS p LEFT JOIN extraction_outcomes AS o "
            "ON o.outcome_id = p.object_id WHERE p.object_id > %s AND p.expired_at < %s AND o.outcome_id IS NULL "
            "ORDER BY p.object_id LIMIT %s",
            (last, until, _PAGE),
        )
        if not rows:
            return
        last = rows[-1][0]
        newest = max(row[1] for row in rows) + timedelta(milliseconds=1)
        expired.move_horizons(session, exchange, [""], PROCESSED, "", newest, counted.now)
        marks = ", ".join(["%s"] * len(rows))
        counted.add(session.run(f"DELETE FROM processed_files WHERE object_id IN ({marks})", [row[0] for row in rows]))
