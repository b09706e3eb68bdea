"""Compare the requested minutes with the facts, and bring coverage and ledger in line.

A **full** check reads every requested minute of history from the facts themselves, once a day or when asked; it also
finds rows that vanished behind our back. An **incremental** one looks at the days that loads touched (the queue
``coverage_counts``, which the facts hand on), at days of which another number of minutes is expected than before, and at
today and yesterday.

The queue is emptied after, or with, the counts: killed in between, the same days are looked at again.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from candlewick.market import DataType, Interval
from candlewick.pipeline.gaps import counts
from candlewick.pipeline.gaps.reconcile import Changes, reconcile
from candlewick.pipeline.gaps.requested import exchange_now, requested, settled_until
from candlewick.spans import DAY, MINUTE, common, joined, of_day
from candlewick.warehouse import gaps, tables
from candlewick.warehouse.database import utc_now
from candlewick.warehouse.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from candlewick.pipeline.gaps.counts import DayCount
    from candlewick.pipeline.gaps.requested import Requested
    from candlewick.warehouse.database import Session, Warehouse
    from candlewick.warehouse.gaps import Gap

log = logging.getLogger(__name__)

LOCK, QUEUE = "gaps", "coverage_counts"
FULL_EVERY = DAY
MOST_LOADS = 20_000
READERS = 2


@dataclass
class DetectSummary:
    """What a detection looked at and changed."""

    full: list[str] = field(default_factory=list)
    incremental: list[str] = field(default_factory=list)
    loads: int = 0
    changes: Changes = field(default_factory=Changes)
    is_too_early: bool = False

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        if self.is_too_early:
            return "nothing to do: dbt has not built fact_klines yet"
        return (
            f"all of history of {len(self.full)} symbols, the touched days of {len(self.incremental)} ({self.loads} loads): "
            f"{self.changes.found} gaps found, {self.changes.grown} grown, {self.changes.closed} closed"
        )


def detect(
    warehouse: Warehouse, *, full: bool = False, symbols: Sequence[str] | None = None, now: datetime | None = None
) -> DetectSummary:
    """Bring coverage and ledger in line with the facts.

    Args:
        warehouse: the writer's account.
        full: look at all of history, also where that was done within a day.
        symbols: only these; None: all that anything was asked for of.
        now: the present by the exchange's clock; default: as it was last heard.

    Raises:
        WarehouseBusy: another detection runs, or the server does not answer; it can be run again.
    """
    with warehouse.session() as session, warehouse.named_lock(session, LOCK):
        if not tables.exist(session, warehouse.config.marts_schema, FACTS):
            return DetectSummary(is_too_early=True)
        return _Detection(warehouse, session, now or exchange_now(session)).run(full=full, symbols=symbols)


class _Detection:
    """One call; the named lock is its caller's."""

    def __init__(self, warehouse: Warehouse, session: Session, now: datetime) -> None:
        self.warehouse, self.session, self.now = warehouse, session, now
        self.config = warehouse.config
        self.until = settled_until(self.config, now)
        self._yesterday = (self.until - DAY).date()
        self.summary = DetectSummary()

    def run(self, *, full: bool, symbols: Sequence[str] | None) -> DetectSummary:
        asked = requested(self.session, self.config, self.now, symbols)
        queued = [] if symbols is not None else self._queued()
        touched = self._touched(queued)
        checked = dict(
            self.session.all(
                "SELECT symbol, full_check_at FROM gap_checks WHERE exchange = %s AND data_type = %s",
                (self.config.exchange, DataType.KLINES.value),
            )
        )
        totals = self._settled_totals()
        self.session.commit()  # an idle transaction would hold up every swap of a table it has read
        due = [one for one in asked if full or not checked.get(one.symbol) or self._is_old(checked[one.symbol])]
        others = [one for one in asked if one not in due]
        self._check_full(due)
        self._check_touched(others, touched, totals)
        self._forget_unasked([one.symbol for one in asked], symbols)
        self._take_off(queued)
        self.session.commit()
        log.info("%s", self.summary.sentence)
        return self.summary

    def _is_old(self, checked_at: datetime) -> bool:
        return utc_now() - checked_at >= FULL_EVERY

    def _check_full(self, due: Sequence[Requested]) -> None:
        """Read all of history, two symbols at once: the database reads faster than one session asks."""
        if not due:
            return
        with ThreadPoolExecutor(READERS, thread_name_prefix="gaps") as pool:
            for one, changes in zip(due, pool.map(self._check_symbol, due), strict=True):
                self.summary.full.append(one.symbol)
                self.summary.changes.add(changes)

    def _check_symbol(self, one: Requested) -> Changes:
        config, began = self.config, utc_now()
        with self.warehouse.session() as session:
            found = counts.look(session, config.marts_schema, config.exchange, one.symbol, one.expected)
            before = counts.stored(session, config.exchange, one.symbol)
            counts.write(session, config.exchange, one.symbol, found.days, before, began)
            changes = reconcile(
                session, config.marts_schema, (config.exchange, one.symbol), found.missing, one.outside, began
            )
            self._checked(session, [one.symbol], began)
        return changes

    def _check_touched(
        self, others: Sequence[Requested], touched: dict[str, set[date]], totals: dict[str, int]
    ) -> None:
        """Look at some days of each symbol, in the transaction that takes the loads off the queue."""
        if not others:
            return
        config = self.config
        newest = {self._yesterday, self.until.date()}
        recent = counts.recent(self.session, config.exchange, min(newest))
        standing: dict[str, list[Gap]] = {}
        for row in gaps.standing(self.session, config.exchange, DataType.KLINES):
            standing.setdefault(row.symbol, []).append(row)
        for one in others:
            days = newest | touched.get(one.symbol, set()) | self._differing(one, totals.get(one.symbol, 0))
            known = recent.get(one.symbol, {})
            before = {day: known[day] for day in days & set(known)}
            if days != newest:
                before = counts.stored(self.session, config.exchange, one.symbol, days)
            self._check_days(one, days, before, standing.get(one.symbol, []))
        self._checked(self.session, [one.symbol for one in others], None)

    def _differing(self, one: Requested, total: int) -> set[date]:
        """Return the days of which another number of minutes is expected than before; seen by the sum of those before yesterday."""
        begins = of_day(self._yesterday).start
        if total == sum(max(min(span.end, begins) - span.start, timedelta()) // MINUTE for span in one.expected):
            return set()
        wanted = counts.expected_by_day(one.expected)
        known = counts.stored(self.session, self.config.exchange, one.symbol)
        expected = {day: count.expected for day, count in known.items()}
        return {day for day in set(wanted) | set(expected) if wanted.get(day, 0) != expected.get(day, 0)}

    def _check_days(
        self, one: Requested, look_at: set[date], before: dict[date, DayCount], rows: Sequence[Gap]
    ) -> None:
        config, now = self.config, utc_now()
        window = joined(of_day(day) for day in look_at)
        found = counts.look(
            self.session, config.marts_schema, config.exchange, one.symbol, common(one.expected, window)
        )
        counts.write(self.session, config.exchange, one.symbol, found.days, before, now)
        changes = reconcile(
            self.session, config.marts_schema, (config.exchange, one.symbol), found.missing, one.outside, now,
            window=window, rows=rows,
        )  # fmt: skip
        self.summary.incremental.append(one.symbol)
        self.summary.changes.add(changes)

    def _checked(self, session: Session, names: Sequence[str], full_check_at: datetime | None) -> None:
        session.run_many(
            "INSERT INTO gap_checks (exchange, symbol, data_type, checked_until, full_check_at) VALUES (%s, %s, %s, %s, %s) "
            "ON DUPLICATE KEY UPDATE checked_until = VALUES(checked_until), "
            "full_check_at = COALESCE(VALUES(full_check_at), full_check_at)",
            [(self.config.exchange, name, DataType.KLINES.value, self.until, full_check_at) for name in names],
        )

    def _settled_totals(self) -> dict[str, int]:
        """Return by symbol how many minutes were expected before yesterday; later days are counted by every run."""
        rows = self.session.all(
            "SELECT symbol, SUM(expected_minutes) FROM coverage_counts WHERE exchange = %s AND date < %s GROUP BY symbol",
            (self.config.exchange, self._yesterday),
        )
        return {symbol: int(total) for symbol, total in rows}

    def _queued(self) -> list[int]:
        """Pin the loads to consume: what is queued later is consumed later."""
        rows = self.session.all(
            "SELECT load_id FROM pending_loads WHERE model = %s ORDER BY load_id LIMIT %s", (QUEUE, MOST_LOADS)
        )
        self.summary.loads = len(rows)
        return [row[0] for row in rows]

    def _touched(self, load_ids: Sequence[int]) -> dict[str, set[date]]:
        """Return by symbol the days that the objects of loads span."""
        found: dict[str, set[date]] = {}
        for start in range(0, len(load_ids), 1000):
            part = load_ids[start : start + 1000]
            rows = self.session.all(
                "SELECT o.symbol, DATE(o.first_open_time), DATE(o.last_open_time) FROM processed_files AS f "
                "JOIN extraction_outcomes AS o ON o.outcome_id = f.object_id "
                f"WHERE f.load_id IN ({', '.join(['%s'] * len(part))}) AND f.exchange = %s AND f.data_type = %s "
                "AND f.interval_code = %s AND o.first_open_time IS NOT NULL GROUP BY 1, 2, 3",
                (*part, self.config.exchange, DataType.KLINES.value, Interval.MINUTE_1.value),
            )
            for symbol, first, last in rows:
                found.setdefault(symbol, set()).update(
                    first + timedelta(days=n) for n in range((last - first).days + 1)
                )
        return found

    def _forget_unasked(self, asked: Sequence[str], symbols: Sequence[str] | None) -> None:
        """Close what is left of symbols nobody asks for any more."""
        rows = self.session.all(
            "SELECT DISTINCT symbol FROM coverage_counts WHERE exchange = %s", (self.config.exchange,)
        )
        for (symbol,) in rows:
            if symbol in asked or (symbols is not None and symbol not in symbols):
                continue
            self.session.run(
                "DELETE FROM coverage_counts WHERE exchange = %s AND symbol = %s", (self.config.exchange, symbol)
            )
            changes = reconcile(
                self.session, self.config.marts_schema, (self.config.exchange, symbol), [], [], utc_now()
            )
            self.summary.changes.add(changes)

    def _take_off(self, load_ids: Sequence[int]) -> None:
        for start in range(0, len(load_ids), 1000):
            part = load_ids[start : start + 1000]
            self.session.run(
                f"DELETE FROM pending_loads WHERE model = %s AND load_id IN ({', '.join(['%s'] * len(part))})",
                (QUEUE, *part),
            )
