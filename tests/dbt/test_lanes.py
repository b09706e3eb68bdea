"""Backfills have a lane of their own: the live run never does their work, and theirs lets the live run in between."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from candlewick.warehouse.facts import AS_STAGED, FEEDS, OF_THE_MODEL
from support.ports import wait_until

BACKFILL = ("--vars", "{lane: backfill}")
# What a merge and a direct insert must agree in: every column but the load and the moment of writing.
COLUMNS = (
    "exchange, interval_code, open_price, high_price, low_price, close_price, volume, close_time, quote_volume, "
    "trade_count, taker_buy_volume, taker_buy_quote_volume, source, captured_at, confirmed_at, exchange_time, object_id, "
    "is_final"
)
BUILT = "open_price, high_price, low_price, close_price, volume, candle_count, final_count, is_final"
WAITS_FOR_LOCK = "select 1 from information_schema.processlist where state = 'User lock'"


@pytest.fixture
def load(warehouse, candle):
    """Stage and queue minutes of one lane, as a load leaves them."""

    def loaded(load_id, lane, *open_times, close=100, **values):
        rows = [candle(open_time, close, **values) for open_time in open_times]
        warehouse.load(rows, load_id=load_id)
        warehouse.run(
            "insert into {raw}.loads values (%s, %s, 'run', 1, %s, 0, utc_timestamp(3), utc_timestamp(3))",
            (load_id, lane, len(rows)),
        )

    return loaded


def minutes(warehouse):
    return [row[0] for row in warehouse.run("select load_id from {marts}.fact_klines order by open_time")]


def test_each_run_takes_the_loads_of_its_lane_also_one_that_becomes_visible_late_with_a_smaller_id(warehouse, load):
    load(1, "live", "09:00")
    warehouse.minute()
    load(3, "backfill", "08:00")
    load(4, "live", "09:01")
    warehouse.minute()
    assert (minutes(warehouse), warehouse.pending()) == ([1, 4], [("fact_klines", 3)])
    load(5, "live", "09:02")
    warehouse.minute(*BACKFILL)
    assert (minutes(warehouse), warehouse.pending()) == ([3, 1, 4], [("fact_klines", 5)])
    assert warehouse.one("select candle_count from {marts}.daily_klines") == 3
    load(2, "backfill", "07:00")
    warehouse.minute(*BACKFILL)
    assert (minutes(warehouse), warehouse.pending()) == ([2, 3, 1, 4], [("fact_klines", 5)])


def test_the_backfill_goes_on_chunk_by_chunk_and_a_run_that_waits_gets_the_table_in_between(warehouse, load):
    load(1, "live", "09:00")
    warehouse.minute()
    for load_id in range(2, 32):
        load(load_id, "backfill", f"04:{load_id:02}")
    lock = f"{warehouse.marts}.fact_klines"
    chunks = ("--vars", "{lane: backfill, backfill_rows_per_chunk: 1}")
    backlog = threading.Thread(target=warehouse.minute, args=chunks)
    with warehouse.server.connect() as other, other.cursor() as cursor:
        cursor.execute("select get_lock(%s, 0)", (lock,))
        backlog.start()
        wait_until(lambda: warehouse.run(WAITS_FOR_LOCK), "dbt waiting for the lock")
        cursor.execute("select release_lock(%s)", (lock,))
        cursor.execute("select get_lock(%s, 30)", (lock,))
        assert cursor.fetchone()[0] == 1
        done = len(minutes(warehouse)) - 1
        cursor.execute("select release_lock(%s)", (lock,))
    backlog.join()
    assert 0 < done < 30
    assert (len(minutes(warehouse)), warehouse.pending()) == (31, [])
    assert warehouse.one("select sum(candle_count) from {marts}.hourly_klines") == 31
    assert warehouse.one("select candle_count from {marts}.daily_klines") == 31


def test_a_full_refresh_takes_the_loads_of_every_lane(warehouse, load):
    load(1, "live", "09:00")
    warehouse.minute()
    load(2, "backfill", "08:00")
    load(3, "live", "09:01")
    warehouse.minute("--full-refresh")
    assert (minutes(warehouse), warehouse.pending()) == ([2, 1, 3], [])


@pytest.mark.parametrize(("command", "table"), [("run", "fact_klines"), ("seed", "quality_exceptions")])
def test_of_two_first_builds_the_second_leaves_the_table_alone_and_asks_to_be_run_again(
    warehouse, load, command, table
):
    """Both lanes start on a new platform: neither sees a table, and one of them waits while the other builds it."""
    load(1, "live", "09:00")
    warehouse.dbt("run", "--select", "stg_klines")
    lock = f"{warehouse.marts}.{table}"
    with ThreadPoolExecutor() as pool, warehouse.server.connect() as first, first.cursor() as cursor:
        cursor.execute("select get_lock(%s, 0)", (lock,))
        second = pool.submit(warehouse.dbt, command, "--select", table, succeeds=False)
        wait_until(lambda: warehouse.run(WAITS_FOR_LOCK), "dbt waiting for the lock")
        cursor.execute(f"create table {lock} as select 'first' as built_by")
        cursor.execute("select release_lock(%s)", (lock,))
    assert f"expected the writer lock {lock} while there was no such table" in second.result()
    assert warehouse.run(f"select built_by from {lock}") == [("first",)]
    tables = warehouse.run(
        "select table_name, table_type from information_schema.tables where table_schema = '{marts}'"
    )
    assert {name for name, kind in tables if kind == "BASE TABLE"} == {table, "definitions"}
    assert warehouse.pending() == [("fact_klines", 1)]


def test_what_was_inserted_directly_is_what_a_merge_writes_and_is_never_compared_again(warehouse, load):
    """The loader's statement for one symbol, dbt's merge of the same rows for another."""
    load(1, "live", "09:00")
    warehouse.minute()
    open_times = ("04:00", "04:01", "04:02", "03:58")
    values = {"source": "archive_monthly", "captured": "2026-03-08 00:00:00", "clock": "2026-03-05 04:02:30"}
    load(2, "backfill", *open_times, symbol="AUSDT", **values)
    load(3, "backfill", *open_times, symbol="BUSDT", **values)
    load(4, "backfill", "09:00", close=101)  # it contradicts a fact, but is said to be in the facts already
    warehouse.run("delete from {raw}.pending_loads where load_id in (2, 4)")
    warehouse.run(
        f"insert into {{marts}}.fact_klines ({', '.join((*AS_STAGED, *OF_THE_MODEL))}) "
        f"select {', '.join((*AS_STAGED, *OF_THE_MODEL.values()))} from {{marts}}.stg_klines where load_id = 2"
    )
    for model in FEEDS:
        warehouse.run("insert into {raw}.pending_loads values (%s, 2), (%s, 4)", (model, model))
    warehouse.minute(*BACKFILL)

    facts = [rows_of(warehouse, symbol, "fact_klines", "open_time", COLUMNS) for symbol in ("AUSDT", "BUSDT")]
    assert facts[0] == facts[1]
    assert [row[-1] for row in facts[0]] == [1, 1, 1, 0]
    for table, key in (("hourly_klines", "hour_start"), ("daily_klines", "date")):
        built = [rows_of(warehouse, symbol, table, key, BUILT) for symbol in ("AUSDT", "BUSDT")]
        assert built[0] == built[1] != []
    assert warehouse.one("select count(*) from {raw}.kline_revisions") == 0
    assert warehouse.pending() == []
    fed = warehouse.run("select load_id from {raw}.pending_loads where model = 'coverage_counts' order by 1")
    assert [row[0] for row in fed] == [1, 2, 3, 4]


def rows_of(warehouse, symbol, table, key, columns):
    query = f"select {key}, {columns} from {{marts}}.{table} where symbol = '{symbol}' order by {key}"
    return warehouse.run(query)


def test_tests_on_staging_look_at_fewer_of_the_newest_loads_when_those_are_large(warehouse, load):
    for load_id in (1, 2, 3):
        load(load_id, "backfill", f"0{load_id}:00", f"0{load_id}:01")
    warehouse.dbt("run", "--select", "stg_klines")
    bounded = ("test", "--select", "stg_klines", "--vars", "{test_rows: 3}")  # load 1 stands behind four rows
    warehouse.run("update {raw}.staging_klines set source = 'hearsay' where load_id = 1")
    warehouse.dbt(*bounded)
    assert "accepted_values_stg_klines_source" in warehouse.dbt("test", "--select", "stg_klines", succeeds=False)
    warehouse.run("update {raw}.staging_klines set source = 'hearsay' where load_id = 2")
    assert "accepted_values_stg_klines_source" in warehouse.dbt(*bounded, succeeds=False)
