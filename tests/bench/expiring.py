"""What it costs to expire one day of 300 symbols' minutes: of 10 days, of 90, and with a minute of the platform beside it."""

from __future__ import annotations

import dataclasses
import statistics
import threading
import time
from datetime import date, datetime, timedelta

from bench import increments
from candlewick.pipeline.maintenance import retention
from candlewick.pipeline.maintenance.retention import RetentionDays
from candlewick.warehouse import partitions
from support.aged import BUCKETS, cut_into_days, fill_days

SYMBOLS = tuple(f"S{number:03d}USDT" for number in range(300))
END = datetime(2026, 6, 1)
MONTHS = [date(2026, month, 1) for month in range(2, 7)]
SIZES = (10, 90)
ROUNDS = 3
FOREVER = RetentionDays(klines=0, indicators=0, orderbook=0, staging=3650, outcomes=3650)
MINUTE = ("run", "--select", "stg_klines", "fact_klines", *BUCKETS)


class Tables:
    """What ``fill_days`` wants to know."""

    def __init__(self, warehouse) -> None:
        self.warehouse, self.marts = warehouse, warehouse.config.marts_schema

    def run(self, statement):
        with self.warehouse.session() as session:
            session.run(statement)


def measure(server, warehouse, dbt, sizes: tuple[int, int] = SIZES) -> list[tuple[str, str, str]]:
    """Return (what, figure, aim) lines: medians of ``ROUNDS`` days, the plan and the run apart."""
    dbt(*MINUTE)
    tables = Tables(warehouse)
    lines, costs, filled = [], {}, 0
    for size in sizes:
        _cut_months(tables)  # those that were empty when days were expired are whole again
        # What the smaller size has expired is there again: it is in the middle of the larger one.
        _fill(tables, filled - ROUNDS * bool(filled), size)
        filled = size
        rounds = [_expire(warehouse, size - n - 1) for n in range(ROUNDS)]
        costs[size] = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    large, small = costs[sizes[1]], costs[sizes[0]]
    rows = len(SYMBOLS) * 1440
    lines.append((f"expire a day ({rows:,} rows) of {sizes[1]}", f"{large['run']:.2f} s", "≤ 2 s"))
    lines.append(
        (f"the same of {sizes[0]} days", f"{small['run']:.2f} s ({large['run'] / small['run']:.2f} x)", "≈ 1 x")
    )
    lines.append(("plan it", f"{large['plan']:.2f} s ({small['plan']:.2f} s of {sizes[0]} days)", ""))
    alone, beside = _beside(warehouse, dbt, sizes[1] - ROUNDS - 1)
    lines.append(
        ("a minute's dbt run, and beside it", f"{alone:.1f} s → {beside:.1f} s ({beside / alone:.2f} x)", "≤ 1.5 x")
    )
    return lines


def _cut_months(tables: Tables) -> None:
    """Let the months the days lie in be made of days, as they are on a platform that has lived through them."""
    with tables.warehouse.session() as session:
        whole = [one.start for one in partitions.of_table(session, tables.marts, "fact_klines") if not one.is_day]
    for month in MONTHS:
        if month in whole:
            cut_into_days(tables, "fact_klines", month)


def _fill(tables: Tables, first: int, last: int) -> None:
    """Add the days from ``first`` to ``last`` days before the end; the oldest, which are to expire, with their roll-ups."""
    ages = range(first + 1, last + 1)
    days = [(END - timedelta(days=age)).date() for age in reversed(ages)]
    with tables.warehouse.session() as session:
        for ledger in ("expired_spans", "retention_horizons"):
            session.run(f"DELETE FROM {ledger}")
    due = days[: 2 * ROUNDS + 2]
    fill_days(tables.warehouse, SYMBOLS, due)
    fill_days(tables.warehouse, SYMBOLS, days[len(due) :], roll_ups=False)
    with tables.warehouse.session() as session:
        for table in ("fact_klines", *BUCKETS):
            session.all(f"ANALYZE TABLE {tables.marts}.{table}")


def _expire(warehouse, keep: int) -> dict[str, float]:
    """Expire what is older than so many days: one day."""
    days = dataclasses.replace(FOREVER, klines=keep)
    started = time.perf_counter()
    with warehouse.session() as session:
        plan = retention.plan(session, warehouse.config, END, days)
    planned = time.perf_counter()
    summary = retention.run(warehouse, "bench", END, plan, _no_dbt)
    assert (summary.rows["fact_klines"], summary.dropped) == (len(SYMBOLS) * 1440, 1), summary.sentence
    return {"plan": planned - started, "run": time.perf_counter() - planned}


def _beside(warehouse, dbt, keep: int) -> tuple[float, float]:
    """Return the seconds of a minute's dbt run alone, and while days are expired one after the other."""
    minute, alone, beside = END, [], []
    for _ in range(ROUNDS + 1):
        minute += timedelta(minutes=1)
        increments._stage(warehouse, minute)
        alone.append(_timed(dbt))
    for number in range(ROUNDS):
        minute += timedelta(minutes=1)
        increments._stage(warehouse, minute)
        thread = threading.Thread(target=_expire, args=(warehouse, keep - number))
        starter = threading.Timer(3.0, thread.start)  # dbt reads its project first
        starter.start()
        beside.append(_timed(dbt))
        starter.join()
        thread.join()
    return statistics.median(alone[1:]), statistics.median(beside)


def _timed(dbt) -> float:
    started = time.perf_counter()
    dbt(*MINUTE)
    return time.perf_counter() - started


def _no_dbt(*words: str) -> None:
    raise AssertionError(f"no indicators are built, but dbt was asked: {words}")
