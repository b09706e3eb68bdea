"""Indicators of minutes: a full build of three symbol-years, and what one more minute costs on a month and on a year.

Three symbols have every minute. 300 symbols have every minute of the last day and one an hour before: the same span,
the same partitions, at a size that fits a bench. The database's own time is taken from its slow log, as in ``increments``.
"""

from __future__ import annotations

import statistics
from datetime import datetime, timedelta

from bench.increments import timed

MODEL = "indicators_1m"
LAST_MINUTE = datetime(2026, 6, 30, 11, 58)
MONTH, YEAR, DAY = 43_200, 525_600, 1_440
ROUNDS = 5
RATE_AIMS = {"mariadb": 30_000, "mysql": 18_000}
SECONDS_AIMS = {3: 0.2, 300: 5.0}
# Symbols, and whether their history is thinned.
SIZES = ((3, False), (300, True))


def measure(server, warehouse, dbt) -> list[tuple[str, str, str]]:
    """Return (what, figure, aim) lines. ``dbt`` runs dbt and returns its summary."""
    lines = []
    for symbols, thinned in SIZES:
        figures = []
        for minutes in (MONTH, YEAR):
            _empty(warehouse, dbt)
            rows = _fill(warehouse, symbols, minutes, thinned=thinned)
            seconds = _full_build(warehouse, dbt, rows)
            figures.append(_increments(server, warehouse, dbt, symbols))
            if (symbols, minutes) == (3, YEAR):
                aim = f"≥ {RATE_AIMS[server.name]:,} rows/s"
                lines.append(
                    (
                        f"{MODEL}: full build of {symbols} x {minutes:,} bars",
                        f"{rows / seconds:,.0f} rows/s, {seconds:.1f} s",
                        aim,
                    )
                )
        month, year = figures
        aim = f"≤ {SECONDS_AIMS[symbols]} s; ≤ 1.5 x or ≤ 20 ms more"
        figure = f"{month * 1000:.0f} ms → {year * 1000:.0f} ms ({year / month:.2f} x)"
        lines.append((f"{MODEL}: one minute of {symbols} symbols, a month → a year of history", figure, aim))
    return lines


def _full_build(warehouse, dbt, rows: int) -> float:
    (node,) = dbt("run", "--full-refresh", "--select", MODEL).nodes
    with warehouse.session() as session:
        (built,) = session.one(f"SELECT COUNT(*) FROM {warehouse.config.marts_schema}.{MODEL}")
        session.all(f"ANALYZE TABLE {warehouse.config.marts_schema}.{MODEL}")
    assert built == rows, (built, rows)
    return float(node.seconds)


def _increments(server, warehouse, dbt, symbols: int) -> float:
    """Return the median of the seconds that the database spends on one more minute."""
    spent = []
    for number in range(1, ROUNDS + 1):
        _stage(warehouse, symbols, LAST_MINUTE + timedelta(minutes=number))
        spent.append(timed(server, lambda: dbt("run", "--select", "fact_klines", MODEL), (MODEL,))[MODEL])
    return statistics.median(spent[1:])  # the first round warms the buffer pool


def _empty(warehouse, dbt) -> None:
    """Drop all marts and let dbt make them again, empty."""
    marts = warehouse.config.marts_schema
    with warehouse.session() as session:
        kinds = {"BASE TABLE": "TABLE", "VIEW": "VIEW"}
        for name, kind in session.all(
            "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = %s", (marts,)
        ):
            session.run(f"DROP {kinds[kind]} {marts}.{name}")
        for table in ("staging_klines", "pending_loads", "loads"):
            session.run(f"DELETE FROM {table}")
        session.commit()
    dbt("run", "--select", "stg_klines", "fact_klines", MODEL)


def _fill(warehouse, symbols: int, minutes: int, *, thinned: bool) -> int:
    """Write facts of this many minutes before the last one, at most a day's number of a symbol at once; return how many."""
    marts = warehouse.config.marts_schema
    # Where a piece starts, counted backwards, how many bars it has and how many minutes apart.
    pieces = [(start, DAY, 1) for start in range(0, DAY if thinned else minutes, DAY)]
    if thinned:
        hours = minutes // 60 - 24
        pieces += [(DAY + 60 * start, min(DAY, hours - start), 60) for start in range(0, hours, DAY)]
    rows = 0
    with warehouse.session() as session:
        session.run("CREATE TEMPORARY TABLE digits (n INT PRIMARY KEY)")
        session.run_many("INSERT INTO digits VALUES (%s)", [(n,) for n in range(DAY)])
        for start, count, apart in pieces:
            for number in range(symbols):
                rows += session.run(
                    f"INSERT INTO {marts}.fact_klines SELECT 'binance', %s, '1m', t, c, c + 0.5, c - 0.5, c, 5 + n %% 7, "
                    "t + INTERVAL 59999000 MICROSECOND, c * (5 + n %% 7), 7, 2, 20, 1, 'rest', t + INTERVAL 61 SECOND, "
                    "t + INTERVAL 61 SECOND, t + INTERVAL 61 SECOND, -1, 1, t FROM (SELECT n, %s - INTERVAL n * %s MINUTE AS t, "
                    "ROUND(100 + 20 * SIN((%s + n) / 300) + (n * 7919 %% 101) / 100, 2) AS c FROM digits WHERE n < %s) AS bars",
                    (f"S{number:03d}USDT", LAST_MINUTE - timedelta(minutes=start), apart, start, count),
                )
            session.commit()
    return rows


def _stage(warehouse, symbols: int, minute: datetime) -> None:
    """Stage one closed minute of every symbol, as a load leaves it."""
    with warehouse.session() as session:
        load_id = session.insert(
            "INSERT INTO loads (lane, run_id, objects, rows_staged, rows_rejected, started_at, loaded_at) "
            "VALUES ('live', 'bench', 1, %s, 0, NOW(3), NOW(3))",
            (symbols,),
        )
        seen, close = minute + timedelta(seconds=61), minute + timedelta(milliseconds=59_999)
        session.run_many(
            "INSERT INTO staging_klines VALUES "
            "(%s, %s, 1, 'binance', %s, '1m', %s, 100, 101, 99, 100.5, 5, %s, 500, 7, 2, 20, 'rest', %s, %s)",
            [(load_id, n + 1, f"S{n:03d}USDT", minute, close, seen, seen) for n in range(symbols)],
        )
        session.run("INSERT INTO pending_loads VALUES ('fact_klines', %s)", (load_id,))
        session.commit()
