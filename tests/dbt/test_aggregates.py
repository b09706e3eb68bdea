"""Candles rolled up from minutes: the exchange's own rule, and only what changed."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal


def hours(warehouse, columns="hour_start, open_price + 0e0, high_price + 0e0, low_price + 0e0, close_price + 0e0"):
    return warehouse.run(f"select {columns} from {{marts}}.hourly_klines order by symbol, hour_start")


def test_minutes_without_trades_decide_a_bucket_only_if_there_are_no_others(warehouse, candle, at):
    warehouse.load([
        candle("10:00", 90, trades=0), candle("10:01", 101, open_=100, high=102, low=99),
        candle("10:02", 103, open_=101), candle("10:03", 500, trades=0),
        candle("11:00", 103, trades=0), candle("11:59", 103, trades=0),
    ])  # fmt: skip
    warehouse.minute()
    assert hours(warehouse) == [(at("10:00"), 100, 103, 99, 103), (at("11:00"), 103, 103, 103, 103)]
    day = warehouse.run(
        "select open_price + 0e0, high_price + 0e0, low_price + 0e0, close_price + 0e0 from {marts}.daily_klines"
    )
    assert day == [(100, 103, 99, 103)]


def test_all_roll_ups_equal_an_independent_one_of_random_minutes(warehouse, candle, at):
    dice = random.Random(7)  # noqa: S311  # a die that always falls the same
    start, minutes = at("2026-03-05 00:00"), []
    for symbol in ("BTCUSDT", "ETHUSDT"):
        for n in range(2 * 1440):
            if dice.random() < 0.3 or 300 <= n < 420:
                continue
            prices = [Decimal(dice.randrange(1, 10**12)).scaleb(-8) for _ in range(4)]
            trades = dice.choice([0, 0, 1, 7, 1000])
            moment = start + timedelta(minutes=n)
            minutes.append(
                candle(
                    moment,
                    prices[0],
                    open_=prices[1],
                    high=max(prices),
                    low=min(prices),
                    trades=trades,
                    symbol=symbol,
                    volume=Decimal(2 * dice.randrange(10**13)).scaleb(-8),
                )
            )
    dice.shuffle(minutes)
    for place in range(3):
        warehouse.load(minutes[place::3])
        warehouse.minute()
    for table, bucket, length in (
        ("klines_5m", "open_time", timedelta(minutes=5)),
        ("klines_15m", "open_time", timedelta(minutes=15)),
        ("hourly_klines", "hour_start", timedelta(hours=1)),
        ("klines_4h", "open_time", timedelta(hours=4)),
        ("daily_klines", "cast(date as datetime)", timedelta(days=1)),
    ):
        expected = roll_up(minutes, start, length)
        found = warehouse.run(
            f"select symbol, {bucket}, open_price, high_price, low_price, close_price, volume, quote_volume, trade_count,"
            f" taker_buy_volume, taker_buy_quote_volume, candle_count, first_open_time, last_open_time, close_time"
            f" from {{marts}}.{table} order by 1, 2"
        )
        assert found == expected
    assert warehouse.one("select count(*) from {marts}.hourly_klines where microsecond(close_time) <> 999000") == 0


def roll_up(minutes, start, length):
    buckets = defaultdict(list)
    for row in sorted(minutes, key=lambda row: row["open_time"]):
        buckets[row["symbol"], start + (row["open_time"] - start) // length * length].append(row)
    answer = []
    for key, rows in sorted(buckets.items()):
        traded = [row for row in rows if row["trade_count"]]
        flat = rows[0]["close_price"]
        total = {name: sum(row[name] for row in rows) for name in
                 ("volume", "quote_volume", "trade_count", "taker_buy_volume", "taker_buy_quote_volume")}  # fmt: skip
        answer.append((
            *key,
            traded[0]["open_price"] if traded else flat,
            max((row["high_price"] for row in traded), default=flat),
            min((row["low_price"] for row in traded), default=flat),
            traded[-1]["close_price"] if traded else flat,
            *total.values(), len(rows), rows[0]["open_time"], rows[-1]["open_time"], rows[-1]["close_time"],
        ))  # fmt: skip
    return answer


def test_a_late_minute_rebuilds_its_hour_and_its_day_and_nothing_else(warehouse, candle):
    warehouse.load([
        candle(f"2026-03-0{day} {hour}:{minute}", symbol=symbol)
        for day in (5, 6) for hour in (10, 11) for minute in ("00", "02") for symbol in ("BTCUSDT", "ETHUSDT")
    ])  # fmt: skip
    warehouse.minute()
    hourly = "select symbol, hour_start, updated_at, candle_count from {marts}.hourly_klines"
    daily = "select symbol, date, updated_at, candle_count from {marts}.daily_klines"
    before = set(warehouse.run(hourly)) | set(warehouse.run(daily))
    warehouse.load([candle("2026-03-05 10:01", symbol="ETHUSDT")])
    warehouse.minute()
    changed = (set(warehouse.run(hourly)) | set(warehouse.run(daily))) - before
    assert {(row[0], str(row[1]), row[3]) for row in changed} == {
        ("ETHUSDT", "2026-03-05 10:00:00", 3),
        ("ETHUSDT", "2026-03-05", 5),
    }


def test_an_unfinished_hour_is_there_and_never_called_final(warehouse, candle):
    warehouse.load([candle("10:58"), candle("10:59", captured="10:59:40")])
    warehouse.minute()
    assert hours(warehouse, "candle_count, final_count, is_final") == [(2, 1, 0)]
    warehouse.load([candle("10:59", captured="11:00:00")])
    warehouse.minute()
    assert hours(warehouse, "candle_count, final_count, is_final") == [(2, 2, 1)]
    assert warehouse.run("select hour_count, is_final from {marts}.daily_klines") == [(1, 0)]
    warehouse.load([candle("2026-03-06 00:00")])
    warehouse.minute()
    assert warehouse.run("select is_final from {marts}.daily_klines order by date") == [(1,), (0,)]


def test_the_hour_in_which_the_exchange_stopped_ends_with_the_first_final_minute_after_it(warehouse, candle, at):
    stopped = at("12:39:41.646")
    still = [candle("12:38", trades=0), candle("12:39", trades=0, close_time=stopped, captured="12:40:05")]
    warehouse.load(still)
    warehouse.minute()
    warehouse.load([{**row, "captured_at": at("14:01"), "exchange_time": at("14:01")} for row in still])
    warehouse.load([candle("14:00", captured="14:00:30")])
    warehouse.minute()
    assert hours(warehouse, "hour_start, is_final, close_time")[0] == (at("12:00"), 0, stopped)
    warehouse.load([candle("14:00", 101, captured="14:01:05")])
    warehouse.minute()
    assert hours(warehouse, "hour_start, is_final") == [(at("12:00"), 1), (at("14:00"), 0)]


def test_an_hour_or_a_day_is_not_final_while_its_minutes_are_still_fetched(warehouse, candle, at):
    clock = "2026-03-07 12:00:00"  # long over by the exchange's clock
    day = [
        candle(at("2026-03-05 22:25") + timedelta(minutes=n), captured=clock) for n in range(120)
    ]  # fmt: skip  # to 00:24
    first_page, second_page = day[:70], day[70:]  # to 23:34
    warehouse.load(first_page)
    warehouse.minute()
    assert hours(warehouse, "hour(hour_start), candle_count, is_final") == [(22, 35, 1), (23, 35, 0)]
    assert warehouse.one("select is_final from {marts}.daily_klines") == 0
    warehouse.load(second_page)
    warehouse.minute()
    assert hours(warehouse, "hour(hour_start), candle_count, is_final") == [(22, 35, 1), (23, 60, 1), (0, 25, 0)]
    assert warehouse.run("select is_final from {marts}.daily_klines order by date") == [(1,), (0,)]


def test_a_minute_that_commits_while_hours_are_built_counts_as_what_it_is(warehouse, candle, at):
    warehouse.load([candle("10:58")])
    warehouse.dbt("run", "--select", "stg_klines", "fact_klines")
    warehouse.load([candle("10:59")])
    warehouse.dbt("run", "--select", "fact_klines")
    warehouse.run("delete from {raw}.pending_loads where model = 'hourly_klines' and load_id = 2")  # not pinned
    warehouse.minute()
    assert hours(warehouse, "candle_count, is_final") == [(2, 1)]


def test_a_full_refresh_finds_the_same_hours_final(warehouse, candle):
    warehouse.load([candle("10:58"), candle("12:00"), candle("12:59", captured="12:59:30")])
    warehouse.minute()
    before = hours(warehouse, "hour(hour_start), is_final")
    warehouse.minute("--full-refresh")
    assert hours(warehouse, "hour(hour_start), is_final") == before == [(10, 1), (12, 0)]


def test_candles_of_higher_intervals_are_facts_but_not_parts(warehouse, candle):
    warehouse.load([candle("10:00", 1), candle("10:00", 9, interval="1h")])
    warehouse.minute()
    assert warehouse.one("select count(*) from {marts}.fact_klines") == 2
    assert hours(warehouse, "candle_count, close_price + 0e0") == [(1, 1.0)]
