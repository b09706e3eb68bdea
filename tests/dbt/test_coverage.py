"""Coverage, lifecycle, statistics and progress, against numbers added up by hand."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

SYMBOL = "BTCUSDT"
EVIDENCE = json.dumps({"rule": "outage"})
NOW = datetime.fromisoformat("2026-03-07 00:20:00")


@pytest.fixture
def count(warehouse):
    """Write what gap detection counted of a day."""

    def write(date, expected, present, final=None, *, symbol=SYMBOL, at=NOW):
        warehouse.run(
            "replace into {raw}.coverage_counts values ('binance', %s, %s, %s, %s, %s, %s)",
            (symbol, date, expected, present, present if final is None else final, at),
        )

    return write


@pytest.fixture
def gap(warehouse):
    """Write a row of the gap ledger."""

    def write(start, end, reason="exchange_outage", *, status="explained", evidence=EVIDENCE, symbol=SYMBOL,
              data_type="klines", at=NOW, attempts=0):  # fmt: skip
        span = (start, end)
        warehouse.run(
            "insert into {raw}.gap_ledger (exchange, symbol, data_type, interval_code, from_time, to_time, minutes, reason, evidence,"
            " status, attempts, detected_at, updated_at)"
            " values ('binance', %s, %s, %s, %s, %s, timestampdiff(minute, %s, %s), %s, %s, %s, %s, %s, %s)",
            (
                symbol,
                data_type,
                "1m" if data_type == "klines" else "",
                *span,
                *span,
                reason,
                evidence,
                status,
                attempts,
                at,
                at,
            ),
        )

    return write


@pytest.fixture
def built(warehouse):
    """An empty coverage_daily."""
    warehouse.dbt("run", "--select", "coverage_daily")
    return warehouse


def cover(warehouse):
    warehouse.dbt("build", "--select", "coverage_daily")
    columns = (
        "expected_minutes, present_minutes, final_minutes, explained_minutes, unexplained_minutes, completeness + 0e0"
    )
    return {
        str(date): tuple(rest)
        for date, *rest in warehouse.run(f"select date, {columns} from {{marts}}.coverage_daily order by date")
    }


def test_minutes_of_gaps_are_cut_per_day_and_only_evidence_explains(built, count, gap):
    count("2026-03-04", 1440, 1430)
    count("2026-03-05", 1440, 1380, 1379)
    count("2026-03-06", 600, 590)
    gap("2026-03-04 23:50", "2026-03-05 00:20")  # 10 + 20 over midnight
    gap("2026-03-05 03:00", "2026-03-05 03:07", "unknown", status="unexplained")
    gap("2026-03-05 04:00", "2026-03-05 04:08", "symbol_halted", evidence=None)
    gap("2026-03-05 05:00", "2026-03-05 05:05", "archive_hole", status="open")
    gap("2026-03-05 06:00", "2026-03-05 06:30", status="closed")
    gap("2026-03-05 07:00", "2026-03-05 07:30", "not_captured", data_type="depth")
    gap("2026-03-01 00:00", "2026-03-04 00:00", "not_listed")
    gap("2026-03-06 09:00", "2026-03-06 09:04", "delisted", attempts=1)  # came out by asking: these were expected
    assert cover(built) == {
        "2026-03-04": (1440, 1430, 1430, 10, 0, round(1430 / 1440, 6)),
        "2026-03-05": (1440, 1380, 1379, 25, 35, round(1380 / 1440, 6)),
        "2026-03-06": (600, 590, 590, 4, 6, round(590 / 600, 6)),
    }


def test_a_later_run_writes_what_changed_and_forgets_what_nobody_asks_for(built, count, gap):
    days = [f"2026-03-0{n}" for n in (1, 2, 3, 4)]
    for day in days:
        count(day, 1440, 1430)
    gap("2026-03-02 00:00", "2026-03-02 00:10")
    before = cover(built)
    assert [before[day][3:5] for day in days] == [(0, 10), (10, 0), (0, 10), (0, 10)]
    stamps = dict(built.run("select date, updated_at from {marts}.coverage_daily"))
    later = NOW + timedelta(days=9)
    gap("2026-03-03 12:00", "2026-03-03 12:10", at=later)  # its day was not counted again
    built.run(
        "update {raw}.gap_ledger set status = 'closed', updated_at = %s where date(from_time) = '2026-03-02'", (later,)
    )
    count("2026-03-02", 1440, 1440, at=later)
    built.run("delete from {raw}.coverage_counts where date = '2026-03-04'")
    after = cover(built)
    assert {day: row[1:5] for day, row in after.items()} == {
        "2026-03-01": (1430, 1430, 0, 10),
        "2026-03-02": (1440, 1440, 0, 0),
        "2026-03-03": (1430, 1430, 10, 0),
    }
    unchanged = datetime(2026, 3, 1).date()
    assert dict(built.run("select date, updated_at from {marts}.coverage_daily"))[unchanged] == stamps[unchanged]
    built.dbt("run", "--select", "coverage_daily", "--full-refresh")
    assert cover(built) == after


def test_a_gap_of_months_explains_each_of_its_days(built, count, gap):
    for n in range(40):
        count(datetime(2026, 1, 1) + timedelta(days=n), 1440, 0)
    gap("2026-01-01 06:00", "2026-02-08 18:00", "symbol_halted")
    explained = [row[3] for row in cover(built).values()]
    assert explained == [18 * 60, *[1440] * 37, 18 * 60, 0]


def test_a_ledger_that_explains_minutes_that_are_there_is_an_error(built, count, gap):
    count("2026-03-05", 1440, 1440)
    gap("2026-03-05 00:00", "2026-03-05 00:01")
    said = built.dbt("build", "--select", "coverage_daily", succeeds=False)
    assert "non_negative_coverage_daily" in said


def test_the_life_of_a_symbol(warehouse):
    states = [
        ("BTCUSDT", "2026-01-01", "2026-02-01", "TRADING"),
        ("BTCUSDT", "2026-02-01", "2026-02-02", "HALT"),
        ("BTCUSDT", "2026-02-02", None, "TRADING"),
        ("LUNAUSDT", "2026-01-01", "2026-03-01", "TRADING"),
        ("LUNAUSDT", "2026-03-01", None, "NOT_LISTED"),
        ("BTCUSTD", "2026-01-01", None, "NOT_LISTED"),
    ]
    for row in states:
        warehouse.run("insert into {raw}.symbol_states values ('binance', %s, %s, %s, %s, 'A', 'USDT')", row)
    for symbol, first in (("BTCUSDT", "2017-08-17 04:00"), ("LUNAUSDT", None), ("BTCUSTD", None)):
        warehouse.run(
            "insert into {raw}.tracked_symbols (exchange, symbol, active, first_open_time, added_at)"
            " values ('binance', %s, 1, %s, utc_timestamp(3))",
            (symbol, first),
        )
    warehouse.dbt("build", "--select", "symbol_lifecycle")
    rows = warehouse.run(
        "select symbol, status, is_current, date(first_open_time), date(delisted_at) from {marts}.symbol_lifecycle"
        " order by symbol, valid_from"
    )
    listed, gone = datetime(2017, 8, 17).date(), datetime(2026, 3, 1).date()
    assert rows == [
        ("BTCUSDT", "TRADING", 0, listed, None),
        ("BTCUSDT", "HALT", 0, listed, None),
        ("BTCUSDT", "TRADING", 1, listed, None),
        ("BTCUSTD", "NOT_LISTED", 1, None, None),
        ("LUNAUSDT", "TRADING", 0, None, gone),
        ("LUNAUSDT", "NOT_LISTED", 1, None, gone),
    ]


def test_statistics_of_minutes_and_of_native_intervals(warehouse, candle, count, gap):
    def statistics():
        warehouse.dbt("build", "--select", "coverage_daily", "symbol_statistics")
        return warehouse.run(
            "select interval_code, first_open_time, last_open_time, candle_count, final_count, expected_count, completeness + 0e0,"
            " lowest_price + 0e0, highest_price + 0e0, gap_count, missing_explained, missing_unexplained"
            " from {marts}.symbol_statistics order by interval_code desc"
        )

    def hours(*opens):
        load = warehouse.load([candle(f"{hour}:00", close, interval="1h") for hour, close in opens])
        warehouse.run(
            "insert into {raw}.loads values (%s, 'live', 'r', 1, 1, 0, utc_timestamp(3), utc_timestamp(3))", (load,)
        )
        warehouse.run(
            "insert into {raw}.processed_files values (%s, 'b', %s, 'binance', 'BTCUSDT', 'klines', '1h', 'rest', utc_timestamp(3), 1,"
            " 0, null, null, %s, 'loaded', null, utc_timestamp(3), null, null, null, null)",
            (load, f"{load}.json", load),
        )
        warehouse.minute()

    warehouse.run(
        "insert into {raw}.tracked_symbols (exchange, symbol, added_at) values ('binance', 'BTCUSDT', utc_timestamp(3))"
    )
    warehouse.load([candle("10:00", 100), candle("10:01", 90, low=80), candle("10:05", 110, clock="10:05:30")])
    hours(("08", 5), ("10", 7))
    count("2026-03-05", 6, 3, 2)
    gap("2026-03-05 10:02", "2026-03-05 10:04")
    gap("2026-03-05 10:04", "2026-03-05 10:05", "unknown", status="open", evidence=None)
    gap("2017-01-01", "2017-08-17", "not_listed")
    day = datetime(2026, 3, 5)
    minutes = ("1m", day.replace(hour=10), day.replace(hour=10, minute=5), 3, 2, 6, 0.5, 80.0, 110.0, 2, 2, 1)
    assert statistics() == [
        minutes,
        ("1h", day.replace(hour=8), day.replace(hour=10), 2, 2, 3, 0.666667, 5.0, 7.0, None, None, None),
    ]
    hours(("09", 3))
    assert statistics() == [
        minutes,
        ("1h", day.replace(hour=8), day.replace(hour=10), 3, 3, 3, 1.0, 3.0, 7.0, None, None, None),
    ]


def test_progress_and_pace_of_a_backfill(warehouse):
    for number, state, requested, finished in (
        (1, "running", 3000, None),  # killed an hour ago, goes on for ten minutes
        (2, "finished", 100, 50),
        (3, "running", 100, None),
    ):
        warehouse.run(
            "insert into {raw}.backfills values (%s, %s, 'binance', 'BTCUSDT,ETHUSDT', '1m', '2026-01-01', '2026-02-01', 'auto', 0, 1, %s,"
            " utc_timestamp(3) - interval %s second, utc_timestamp(3), if(%s is null, null, utc_timestamp(3) - interval %s second))",
            (number, f"run {number}", state, requested, finished, finished or 0),
        )
    for backfill, part, state, rows, ago in (
        (1, 1, "done", 999, 2900),
        (1, 2, "done", 6000, 300),
        (1, 3, "missing", 0, 100),
        (1, 4, "failed", 0, 90),
        (1, 5, "pending", 0, None),
        (2, 1, "done", 5000, 60),
        (3, 1, "pending", 0, None),
    ):
        warehouse.run(
            "insert into {raw}.backfill_parts (backfill_id, part_number, exchange, symbol, interval_code, method, from_time, to_time, state,"
            " object_count, row_count, finished_at) values (%s, %s, 'binance', 'BTCUSDT', '1m', 'archive_daily', '2026-01-01', '2026-01-02',"
            " %s, 1, %s, utc_timestamp(3) - interval %s second)",
            (backfill, part, state, rows, ago),
        )
    warehouse.dbt("build", "--select", "backfill_progress", "archive_files", "gap_ledger")
    rows = warehouse.run(
        "select part_count, finished_parts, missing_parts, failed_parts, pending_parts, rows_loaded, rows_per_second + 0e0, eta_seconds"
        " from {marts}.backfill_progress order by backfill_id"
    )
    assert [row[:6] for row in rows] == [(5, 3, 1, 1, 1, 6999), (1, 1, 0, 0, 0, 5000), (1, 0, 0, 0, 1, 0)]
    assert rows[0][6:] == (10.0, 200)  # 6000 rows, and three parts, in the last ten minutes
    assert rows[1][6:] == (100.0, None)
    assert rows[2][6:] == (0.0, None)
