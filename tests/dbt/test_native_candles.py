"""Klines of 5 and 15 minutes and 4 hours: rolled up, unless the exchange's own final candle is there.

All three look at the bucket that opens at 08:00; one run of dbt builds them together.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

LENGTHS = {"klines_5m": 5, "klines_15m": 15, "klines_4h": 240}
SAID = "open_price + 0e0, close_price + 0e0, trade_count, candle_count, final_count, is_final, source"


@pytest.fixture
def native(candle):
    """The exchange's own three candles of 08:00."""

    def made(close=900, **values):
        intervals = [table.removeprefix("klines_") for table in LENGTHS]
        return [candle("08:00", close, open_=800, trades=77, interval=one, **values) for one in intervals]

    return made


@pytest.fixture
def minutes(candle, at):
    """Every minute from 08:00 to 11:59."""
    return [candle(at("08:00") + timedelta(minutes=n)) for n in range(240)]


def said(warehouse, columns=SAID, where="open_time = '2026-03-05 08:00'"):
    query = f"select {columns} from {{marts}}.%s where {where} order by symbol, open_time"
    return {table: warehouse.run(query.replace("%s", table)) for table in LENGTHS}


def each(row):
    """What is expected of each table, from a function of its length in minutes."""
    return {table: [row(length)] for table, length in LENGTHS.items()}


@pytest.mark.parametrize("order", ["native first", "native last", "together"])
def test_the_exchanges_own_candle_wins_in_each_order_of_arrival_and_minutes_are_counted(
    warehouse, native, minutes, order
):
    for rows in {
        "native first": (native(), minutes),
        "native last": (minutes, native()),
        "together": ([*minutes, *native()],),
    }[order]:
        warehouse.load(rows)
        warehouse.minute()
    assert said(warehouse) == each(lambda length: (800, 900, 77, length, length, 1, "rest"))


def test_a_bucket_that_only_the_exchange_tells_of_has_a_row_without_minutes(warehouse, native):
    warehouse.load(native(source="archive_monthly"))
    warehouse.minute()
    assert said(warehouse) == each(lambda _: (800, 900, 77, 0, 0, 1, "archive_monthly"))
    assert said(warehouse, "first_open_time, last_open_time") == each(lambda _: (None, None))


def test_a_candle_of_the_exchange_that_is_forming_does_not_count(warehouse, native, minutes):
    forming = native(captured="08:01:30")
    warehouse.load(forming)
    warehouse.minute()
    assert said(warehouse, where="true") == {table: [] for table in LENGTHS}
    warehouse.load([*minutes, *forming])
    warehouse.minute()
    assert said(warehouse) == each(lambda length: (100, 100, 10 * length, length, length, 1, "rollup"))


def test_a_corrected_candle_replaces_its_bucket_and_nothing_else(warehouse, native, minutes, candle):
    other = [{**row, "symbol": "ETHUSDT"} for row in [*minutes, *native()]]
    warehouse.load([*minutes, *native(), candle("04:00"), *other])
    warehouse.minute()
    everything = f"symbol, open_time, {SAID}, updated_at"
    before = said(warehouse, everything, "true")
    warehouse.load(native(901, source="archive_daily"))
    warehouse.minute()
    for table, rows in said(warehouse, everything, "true").items():
        changed = [(row[0], row[1].hour, row[3], row[8]) for row in rows if row not in before[table]]
        assert changed == [("BTCUSDT", 8, 901, "archive_daily")]


def test_a_running_bucket_is_there_and_becomes_final_with_its_last_minute(warehouse, minutes):
    last = {length - 1 for length in LENGTHS.values()}
    warehouse.load([
        {**row, "exchange_time": row["open_time"]} if n in last else row for n, row in enumerate(minutes)
    ])  # fmt: skip
    warehouse.minute()
    forming = {5: 1, 15: 2, 240: 3}  # a longer bucket holds the last minutes of the shorter ones too
    assert said(warehouse, "final_count, is_final") == each(lambda length: (length - forming[length], 0))
    warehouse.load([minutes[n] for n in last])
    warehouse.minute()
    assert said(warehouse, "final_count, is_final") == each(lambda length: (length, 1))


def test_a_bucket_that_ends_in_a_gap_is_final_once_a_later_minute_is_there(warehouse, minutes, candle):
    warehouse.load(minutes[:3])
    warehouse.minute()
    assert said(warehouse, "candle_count, is_final") == each(lambda _: (3, 0))
    warehouse.load([candle("12:30")])
    warehouse.minute()
    assert said(warehouse, "candle_count, is_final") == each(lambda _: (3, 1))


def test_each_lane_takes_its_own_loads_and_the_result_is_the_same(warehouse, native, minutes):
    warehouse.minute()  # a first build takes all lanes
    for load_id, lane, rows in ((1, "live", minutes), (2, "backfill", native())):
        warehouse.load(rows, load_id=load_id)
        warehouse.run(
            "insert into {raw}.loads values (%s, %s, 'run', 1, 1, 0, utc_timestamp(3), utc_timestamp(3))",
            (load_id, lane),
        )
    warehouse.minute()
    assert said(warehouse) == each(lambda length: (100, 100, 10 * length, length, length, 1, "rollup"))
    assert warehouse.pending() == [("fact_klines", 2)]
    warehouse.minute("--vars", "{lane: backfill}")
    assert said(warehouse) == each(lambda length: (800, 900, 77, length, length, 1, "rest"))
    assert warehouse.pending() == []


def test_a_full_refresh_says_the_same_and_keeps_what_has_expired(warehouse, native, minutes, candle):
    warehouse.load([*minutes, *native(), candle("2026-03-01 08:00"), candle("2026-03-01 12:00")])
    warehouse.minute()
    before = said(warehouse, "*", "true")
    warehouse.minute("--full-refresh")
    assert said(warehouse, "*", "true") == before
    for expired in ("fact_klines where interval_code = '1m'", "hourly_klines"):
        warehouse.run(f"delete from {{marts}}.{expired}")
    warehouse.dbt("run", "--select", *LENGTHS, "--full-refresh")
    assert said(warehouse, "*", "true") == before
    assert len(before["klines_4h"]) == 3
