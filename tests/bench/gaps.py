"""How long gap detection takes: all of history, and an hour's loads, on ten symbols with a hole now and then."""

from __future__ import annotations

import statistics
import time
from datetime import datetime, timedelta

from candlewick.pipeline.gaps.detect import detect
from candlewick.warehouse import symbols

SYMBOLS = tuple(f"S{number:03d}USDT" for number in range(10))
END = datetime(2026, 7, 1)
NOW = END + timedelta(minutes=5)
STEP, ROUNDS, HOLE_EVERY = 10_000, 3, 50_000


def measure(warehouse, dbt, rows: int) -> list[tuple[str, str, str]]:
    """Return (what, figure, aim) lines. ``rows`` is the number of facts."""
    dbt("run", "--select", "stg_klines", "fact_klines")
    minutes = rows // len(SYMBOLS)
    _fill(warehouse, minutes)
    _request(warehouse, minutes)
    full = [_timed(warehouse, full=True) for _ in range(ROUNDS)]
    holes = full[0][1]
    hourly = []
    for _ in range(ROUNDS + 2):
        _queue_an_hour(warehouse)
        hourly.append(_timed(warehouse)[0])
    return [
        (
            f"gap detection over {rows:,} facts ({holes} gaps)",
            f"{statistics.median(s for s, _ in full):.2f} s",
            "≤ 10 s",
        ),
        (f"the hourly one after 60 loads of {len(SYMBOLS)} symbols", f"{statistics.median(hourly):.2f} s", "≤ 1 s"),
    ]


def _timed(warehouse, *, full: bool = False) -> tuple[float, int]:
    started = time.perf_counter()
    summary = detect(warehouse, full=full, now=NOW)
    seconds = time.perf_counter() - started
    assert len(summary.full if full else summary.incremental) == len(SYMBOLS), summary.sentence
    return seconds, summary.changes.found


def _fill(warehouse, minutes: int) -> None:
    """Write facts without the load; one minute in ``HOLE_EVERY`` is missing."""
    marts = warehouse.config.marts_schema
    with warehouse.session() as session:
        session.run(f"TRUNCATE TABLE {marts}.fact_klines")
        session.run("CREATE TEMPORARY TABLE bench_digits (n INT PRIMARY KEY)")
        session.run_many("INSERT INTO bench_digits VALUES (%s)", [(n,) for n in range(STEP)])
        for name in SYMBOLS:
            for start in range(0, minutes, STEP):
                session.run(
                    f"INSERT INTO {marts}.fact_klines SELECT 'binance', %s, '1m', t, 10, 12, 9, 11, 5, "
                    "t + INTERVAL 59999000 MICROSECOND, 50, 7, 2, 20, 1, 'rest', t + INTERVAL 61 SECOND, "
                    "t + INTERVAL 61 SECOND, t + INTERVAL 61 SECOND, -1, 1, t "
                    "FROM (SELECT %s - INTERVAL (%s + n) MINUTE AS t FROM bench_digits WHERE %s + n <= %s "
                    "AND (%s + n) MOD %s <> 7) AS minutes",
                    (name, END, start + 1, start + 1, minutes, start, HOLE_EVERY),
                )
            session.commit()
        session.all(f"ANALYZE TABLE {marts}.fact_klines")


def _request(warehouse, minutes: int) -> None:
    """Have asked for all of it, by a backfill that is done."""
    first = END - timedelta(minutes=minutes)
    with warehouse.session() as session:
        symbols.ensure_known(session, "binance", SYMBOLS, END)
        number = session.insert(
            "INSERT INTO backfills (run_id, exchange, symbols, interval_code, from_time, to_time, source, is_forced, is_kept, "
            "state, requested_at, updated_at) VALUES ('bench', 'binance', %s, '1m', %s, %s, 'auto', 0, 1, 'finished', %s, %s)",
            (",".join(SYMBOLS), first, END, END, END),
        )
        session.run_many(
            "INSERT INTO backfill_parts (backfill_id, part_number, exchange, symbol, interval_code, method, from_time, to_time, "
            "state) VALUES (%s, %s, 'binance', %s, '1m', 'rest', %s, %s, 'done')",
            [(number, part, name, first, END) for part, name in enumerate(SYMBOLS, 1)],
        )


def _queue_an_hour(warehouse) -> None:
    """Leave what an hour of the minute path leaves for the detection."""
    with warehouse.session() as session:
        for minute in range(60):
            moment = END - timedelta(minutes=60 - minute)
            load_id = session.insert(
                "INSERT INTO loads (lane, run_id, objects, rows_staged, rows_rejected, started_at, loaded_at) "
                "VALUES ('live', 'bench', %s, %s, 0, %s, %s)",
                (len(SYMBOLS), len(SYMBOLS) * 5, moment, moment),
            )
            for name in SYMBOLS:
                key = f"bench/{name}_{load_id}.json"
                object_id = session.insert(
                    "INSERT INTO extraction_outcomes (exchange, symbol, data_type, interval_code, run_id, shard, status, source, "
                    "object_key, first_open_time, last_open_time, captured_at, load_state, load_id) "
                    "VALUES ('binance', %s, 'klines', '1m', 'bench', 'bench', 'stored', 'rest', %s, %s, %s, %s, 'loaded', %s)",
                    (name, key, moment - timedelta(minutes=5), moment, moment, load_id),
                )
                session.run(
                    "INSERT INTO processed_files (object_id, bucket, object_key, exchange, symbol, data_type, interval_code, "
                    "source, captured_at, record_count, rejected_count, load_id, status, processed_at) "
                    "VALUES (%s, 'b', %s, 'binance', %s, 'klines', '1m', 'rest', %s, 5, 0, %s, 'loaded', %s)",
                    (object_id, key, name, moment, load_id, moment),
                )
            session.run("INSERT INTO pending_loads VALUES ('coverage_counts', %s)", (load_id,))
