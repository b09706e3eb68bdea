"""What a minute costs on a long history: 180 new rows on 10 M facts against the same on 100 k, timed in the database."""

from __future__ import annotations

import statistics
import time
from datetime import datetime, timedelta

SYMBOLS = 180
ROUNDS = 7
LAST_MINUTE = datetime(2026, 6, 30, 11, 58)
MODELS = ("fact_klines", "hourly_klines", "daily_klines")


def measure(server, warehouse, dbt, sizes: tuple[int, int]) -> list[tuple[str, str, str]]:
    """Return (what, figure, aim) lines. ``dbt`` runs the minute path and returns its summary.

    ``sizes`` are the two numbers of facts. One minute of ``SYMBOLS`` symbols is the increment; the warehouse is filled
    to the smaller size, measured, filled on to the larger size and measured again: same layout, same server.
    """
    dbt("run", "--selector", "minute")
    results = []
    filled = 0
    minute = LAST_MINUTE
    for size in sizes:
        _fill(warehouse, filled // SYMBOLS, size // SYMBOLS)
        filled = size
        _build_aggregates(warehouse, dbt)
        rounds = []
        for _ in range(ROUNDS):
            minute += timedelta(minutes=1)
            _stage(warehouse, minute)
            rounds.append(timed(server, lambda: dbt("run", "--selector", "minute"), MODELS))
        # The first round warms the buffer pool.
        results.append({key: statistics.median(r[key] for r in rounds[1:]) for key in rounds[0]})
    lines = []
    for model in MODELS:
        small, large = results[0][model], results[1][model]
        figure = f"{small * 1000:.0f} ms → {large * 1000:.0f} ms ({large / small:.2f} x)"
        lines.append((f"{model}: {sizes[0]:,} → {sizes[1]:,} facts", figure, "≤ 1.5 x or ≤ 20 ms more"))
    whole, models = results[1]["process"], results[1]["models"]
    lines.append(("a minute's dbt run", f"{whole:.1f} s, of which models {models:.1f} s", ""))
    return lines


def timed(server, run, models: tuple[str, ...]) -> dict[str, float]:
    """Seconds of each model's statements in the server (by its slow log, of everything), of all models in dbt, and of the whole process."""
    with server.connect() as root, root.cursor() as cursor:
        cursor.execute("SET GLOBAL log_output = 'TABLE', GLOBAL long_query_time = 0, GLOBAL slow_query_log = 1")
        cursor.execute("TRUNCATE mysql.slow_log")
        started = time.perf_counter()
        summary = run()
        process = time.perf_counter() - started
        cursor.execute("SET GLOBAL slow_query_log = 0")
        times = {}
        for model in models:
            cursor.execute(
                "SELECT SUM(FLOOR(TIME_TO_SEC(query_time))), SUM(MICROSECOND(query_time)) FROM mysql.slow_log "
                "WHERE CONVERT(sql_text USING utf8mb4) LIKE %s",
                (f'%"node_id": "model.candlewick.{model}"%',),
            )
            seconds, microseconds = cursor.fetchone()
            times[model] = float(seconds) + float(microseconds) / 1e6
    return {**times, "process": process, "models": sum(node.seconds for node in summary.nodes)}


def _fill(warehouse, first: int, last: int) -> None:
    """Add minutes ``first`` to ``last`` of history, counted backwards, for every symbol; a day of all symbols at once."""
    marts = warehouse.config.marts_schema
    with warehouse.session() as session:
        session.run("CREATE TEMPORARY TABLE digits (n INT PRIMARY KEY)")
        session.run_many("INSERT INTO digits VALUES (%s)", [(n,) for n in range(1440)])
        for start in range(first, last, 1440):
            stop = min(last, start + 1440)
            for number in range(SYMBOLS):
                session.run(
                    f"INSERT INTO {marts}.fact_klines SELECT 'binance', %s, '1m', t, 10, 12, 9, 11, 5, "
                    "t + INTERVAL 59999000 MICROSECOND, 50, 7, 2, 20, 1, 'rest', t + INTERVAL 61 SECOND, "
                    "t + INTERVAL 61 SECOND, t + INTERVAL 61 SECOND, -1, 1, t "
                    "FROM (SELECT %s - INTERVAL (%s + n) MINUTE AS t FROM digits WHERE n < %s) AS minutes",
                    (f"S{number:03d}USDT", LAST_MINUTE, start, stop - start),
                )
            session.commit()


def _build_aggregates(warehouse, dbt) -> None:
    """Build hours and days of the whole history, and give every table the statistics a running platform has."""
    dbt("run", "--full-refresh", "--select", "hourly_klines", "daily_klines")
    with warehouse.session() as session:
        for model in MODELS:
            session.all(f"ANALYZE TABLE {warehouse.config.marts_schema}.{model}")


def _stage(warehouse, minute: datetime) -> None:
    """Stage one closed minute of every symbol, as a load leaves it."""
    with warehouse.session() as session:
        load_id = session.insert(
            "INSERT INTO loads (lane, run_id, objects, rows_staged, rows_rejected, started_at, loaded_at) "
            "VALUES ('live', 'bench', 1, %s, 0, NOW(3), NOW(3))",
            (SYMBOLS,),
        )
        seen = minute + timedelta(seconds=61)
        close = minute + timedelta(milliseconds=59_999)
        session.run_many(
            "INSERT INTO staging_klines VALUES "
            "(%s, %s, 1, 'binance', %s, '1m', %s, 10, 12, 9, 11, 5, %s, 50, 7, 2, 20, 'rest', %s, %s)",
            [(load_id, n + 1, f"S{n:03d}USDT", minute, close, seen, seen) for n in range(SYMBOLS)],
        )
        session.run("INSERT INTO pending_loads VALUES ('fact_klines', %s)", (load_id,))
