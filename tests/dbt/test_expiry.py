"""What retention relies on: roll-ups never know less than before, and tables whose days are partitions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

ROLL_UPS = {"klines_5m": "open_time", "klines_15m": "open_time", "hourly_klines": "hour_start", "klines_4h": "open_time",
            "daily_klines": "date"}  # fmt: skip
BY_DAY = ("fact_klines", "fact_orderbook", "indicators_1m")


@pytest.fixture
def day(candle, at):
    """Every minute of a day, with a close of its own."""

    def made(close=100, minutes=range(1440), **more):
        return [candle(at("00:00") + timedelta(minutes=n), close + n % 7, **more) for n in minutes]

    return made


def rolled(warehouse):
    return {name: warehouse.run(f"select * from {{marts}}.{name} order by {time}") for name, time in ROLL_UPS.items()}


def expire(warehouse, where="true"):
    """As retention does; staging has forgotten the minutes long before."""
    warehouse.run(f"delete from {{marts}}.fact_klines where interval_code = '1m' and {where}")
    warehouse.run("truncate table {raw}.staging_klines")


def pending_bars(warehouse):
    return warehouse.run(
        "select model from {marts}.indicator_progress where model <> 'indicators_1m' and pending_from is not null"
    )


def forget_pending(warehouse):
    warehouse.run("update {marts}.indicator_progress set pending_from = null")


def test_a_late_minute_of_an_expired_day_changes_no_roll_up_and_marks_no_bar(warehouse, day, candle, at):
    warehouse.load(day(minutes=[n for n in range(1440) if n != 607]))
    warehouse.minute()
    before = rolled(warehouse)
    assert before["hourly_klines"][10][warehouse_columns(warehouse, "hourly_klines").index("candle_count")] == 59
    expire(warehouse)
    forget_pending(warehouse)
    warehouse.load([candle("10:07", 5000), candle("2026-03-06 00:00", 1)])
    warehouse.minute()
    after = {name: rows[: len(before[name])] for name, rows in rolled(warehouse).items()}
    assert after == before
    assert pending_bars(warehouse) == []
    assert warehouse.pending() == []


def test_a_late_minute_never_stands_for_another_one_that_expired(warehouse, candle):
    """The hour had one minute, all others were explained: as many, but not the same."""
    warehouse.load([candle("10:07", 100)])
    warehouse.minute()
    before = rolled(warehouse)
    expire(warehouse)
    warehouse.load([candle("10:09", 5000)])
    warehouse.minute()
    assert rolled(warehouse) == before


def test_an_expired_day_that_is_brought_back_as_a_whole_replaces_its_buckets(warehouse, day):
    warehouse.load(day())
    warehouse.minute()
    expire(warehouse)
    warehouse.load(day(close=200, minutes=range(720)))
    warehouse.minute()
    closes = "select hour(hour_start), close_price + 0e0 from {marts}.hourly_klines order by 1"
    assert [close > 150 for _, close in warehouse.run(closes)] == [True] * 12 + [False] * 12
    warehouse.load(day(close=200, minutes=range(720, 1440)))
    warehouse.minute()
    assert all(close > 150 for _, close in warehouse.run(closes))
    assert warehouse.run("select candle_count, is_final, open_price > 150 from {marts}.daily_klines") == [(1440, 1, 1)]


@pytest.mark.parametrize("how", [(), ("--vars", "{rebuild_by_swap: true}")], ids=["in place", "by a swap"])
def test_a_full_refresh_after_expiry_does_not_shrink_what_there_is(warehouse, day, candle, how):
    warehouse.load(day())
    warehouse.minute()
    before = rolled(warehouse)
    expire(warehouse, "open_time not between '2026-03-05 10:10' and '2026-03-05 10:19'")
    warehouse.dbt("run", "--full-refresh", "--select", "fact_klines", *ROLL_UPS, *how)
    assert rolled(warehouse) == before


def test_the_present_month_has_a_partition_a_day_and_full_refreshes_keep_the_partitions_there_are(warehouse, candle):
    today = datetime.now(UTC).replace(tzinfo=None)
    warehouse.load([candle(today.replace(second=0, microsecond=0) - timedelta(minutes=5))])
    warehouse.minute()
    for table in BY_DAY:
        found = names(warehouse, table)
        assert f"p{today:%Y%m%d}" in found
        assert f"p{today:%Y%m}" not in found
        assert f"p{today - timedelta(days=32):%Y%m}" in found
    assert warehouse.one(f"select count(*) from {{marts}}.fact_klines partition (p{today:%Y%m%d})") == 1
    days = ", ".join(name for name in names(warehouse, "fact_klines") if name.startswith(f"p{today:%Y%m}"))
    after = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    warehouse.run(
        f"alter table {{marts}}.fact_klines reorganize partition {days} into (partition p{today:%Y%m} values less than ('{after:%Y-%m-%d}'))"
    )
    as_before_days = names(warehouse, "fact_klines")
    warehouse.minute("--full-refresh")
    assert names(warehouse, "fact_klines") == as_before_days


def test_empty_months_are_cut_into_days_ahead_and_one_with_rows_is_left(warehouse, candle):
    warehouse.load([candle("10:00", 1)])
    warehouse.minute()
    today = datetime.now(UTC).replace(tzinfo=None)
    ahead = "{partition_days_ahead: 70}"
    coming = [(today.replace(day=1) + timedelta(days=31 * n + 15)).replace(day=1) for n in (1, 2)]
    warehouse.load([candle(coming[1].replace(hour=10, minute=0, second=0, microsecond=0))])
    warehouse.minute()
    before = names(warehouse, "fact_klines")
    if f"p{coming[0]:%Y%m}" not in before:
        assert f"p{coming[0]:%Y%m%d}" in before  # the month is over within two weeks: the table was made with its days
    warehouse.dbt("run-operation", "ensure_partitions", "--vars", ahead)
    for table in BY_DAY:
        assert f"p{coming[0]:%Y%m%d}" in names(warehouse, table)
        assert f"p{coming[0]:%Y%m}" not in names(warehouse, table)
    assert f"p{coming[1]:%Y%m}" in names(warehouse, "fact_klines")
    assert f"p{coming[1]:%Y%m%d}" in names(warehouse, "fact_orderbook")
    assert f"p{coming[0]:%Y%m}" in names(warehouse, "orderbook_metrics")
    once = {table: names(warehouse, table) for table in BY_DAY}
    warehouse.dbt("run-operation", "ensure_partitions", "--vars", ahead)
    assert {table: names(warehouse, table) for table in BY_DAY} == once


def names(warehouse, table):
    return [row[0] for row in warehouse.run(
        "select partition_name from information_schema.partitions where table_schema = '{marts}' and table_name = %s "
        "order by partition_ordinal_position", (table,)
    )]  # fmt: skip


def warehouse_columns(warehouse, table):
    return [row[0] for row in warehouse.run(
        "select column_name from information_schema.columns where table_schema = '{marts}' and table_name = %s "
        "order by ordinal_position", (table,)
    )]  # fmt: skip
