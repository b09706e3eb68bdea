"""What a model has consumed is a set: nothing is skipped, nothing is lost, nothing is taken twice."""

from __future__ import annotations


def test_the_newest_load_and_the_newest_answer_are_too_old_after_half_an_hour_and_there_has_to_be_one(warehouse):
    def aged(minutes):
        for table, column in (("loads", "loaded_at"), ("extraction_outcomes", "captured_at")):
            warehouse.run(f"update {{raw}}.{table} set {column} = utc_timestamp(3) - interval %s minute", (minutes,))

    warehouse.dbt("source", "freshness", succeeds=False)
    warehouse.run("insert into {raw}.loads values (1, 'live', 'r', 1, 1, 0, utc_timestamp(3), utc_timestamp(3))")
    warehouse.run(
        "insert into {raw}.extraction_outcomes (exchange, symbol, data_type, interval_code, lane, run_id, shard, status, source,"
        " captured_at, load_state) values ('binance', 'BTCUSDT', 'klines', '1m', 'live', 'r', 's', 'stored', 'rest',"
        " utc_timestamp(3), 'loaded')"
    )
    warehouse.dbt("source", "freshness")
    aged(29)
    warehouse.dbt("source", "freshness")
    aged(31)
    warehouse.dbt("source", "freshness", succeeds=False)


def closes(warehouse):
    return [float(row[0]) for row in warehouse.run("select close_price from {marts}.fact_klines order by open_time")]


def test_a_load_that_becomes_visible_late_with_a_smaller_id_is_not_skipped(warehouse, candle):
    warehouse.load([candle("11:00", 1)], load_id=1)
    warehouse.minute()
    slow = warehouse.server.connect(autocommit=False)
    warehouse.load([candle("11:01", 5)], load_id=5, connection=slow, commit=False)
    warehouse.load([candle("11:02", 6)], load_id=6)
    warehouse.minute()
    assert closes(warehouse) == [1, 6]
    assert warehouse.one("select candle_count from {marts}.hourly_klines") == 2
    slow.commit()
    slow.close()
    warehouse.minute()
    assert closes(warehouse) == [1, 5, 6]
    assert warehouse.one("select candle_count from {marts}.daily_klines") == 3
    assert warehouse.pending() == []


def test_loads_are_handed_from_model_to_model_and_wait_for_the_one_that_was_not_run(warehouse, candle):
    warehouse.load([candle("11:00", 1)])
    warehouse.minute()
    warehouse.load([candle("11:01", 2)])
    warehouse.dbt("run", "--select", "fact_klines")
    others = [("indicators_1m", 2), ("klines_15m", 2), ("klines_5m", 2)]
    assert warehouse.pending() == [("hourly_klines", 2), *others]
    warehouse.load([candle("11:02", 3)])
    warehouse.dbt("run", "--select", "hourly_klines")
    told = [("daily_klines", 2), ("klines_4h", 2), ("market_stats_24h", 2)]
    assert warehouse.pending() == sorted([("fact_klines", 3), *told, *others])
    warehouse.minute()
    assert warehouse.pending() == []
    assert warehouse.one("select candle_count from {marts}.daily_klines") == 3


def test_a_run_takes_the_oldest_loads_up_to_its_bound_and_at_least_one(warehouse, candle):
    warehouse.load([candle("10:00", 1)])
    warehouse.minute()
    for load_id, rows in ((2, 5), (3, 2), (4, 2), (5, 2)):
        warehouse.load([candle(f"10:0{load_id}", load_id)], load_id=load_id)
        warehouse.run(
            "insert into {raw}.loads values (%s, 'live', 'run', 1, %s, 0, utc_timestamp(3), utc_timestamp(3))",
            (load_id, rows),
        )
    for waiting in ([3, 4, 5], [5], []):
        warehouse.minute("--vars", "{rows_per_run: 4}")
        assert warehouse.pending() == [("fact_klines", load_id) for load_id in waiting]
    assert closes(warehouse) == [1, 2, 3, 4, 5]
    assert warehouse.one("select candle_count from {marts}.daily_klines") == 5


def test_a_rebuild_is_not_bounded(warehouse, candle):
    for load_id in (1, 2):
        warehouse.load([candle(f"10:0{load_id}", load_id)])
        warehouse.run(
            "insert into {raw}.loads values (%s, 'live', 'run', 1, 9, 0, utc_timestamp(3), utc_timestamp(3))",
            (load_id,),
        )
    warehouse.minute("--vars", "{rows_per_run: 4}")
    assert closes(warehouse) == [1, 2]
    assert warehouse.pending() == []


def test_a_full_refresh_keeps_what_staging_no_longer_holds(warehouse, candle):
    warehouse.load([candle("10:30", 1), candle("11:00", 2)])
    warehouse.minute()
    warehouse.run("delete from {raw}.staging_klines")
    warehouse.load([candle("11:00", 3, captured="23:00"), candle("12:00", 4)], load_id=2)
    before = warehouse.run("select * from {marts}.hourly_klines where hour_start = '2026-03-05 10:00'")
    warehouse.minute("--full-refresh")
    assert closes(warehouse) == [1, 3, 4]
    assert warehouse.one("select count(*) from {raw}.kline_revisions") == 1
    assert warehouse.one("select hour_count from {marts}.daily_klines") == 3
    warehouse.run("delete from {marts}.fact_klines where open_time < '2026-03-05 11:00'")
    warehouse.minute("--full-refresh")
    assert warehouse.run("select * from {marts}.hourly_klines where hour_start = '2026-03-05 10:00'") == before
    assert warehouse.pending() == []


def test_books_are_kept_level_by_level_and_once(warehouse):
    level = {
        "object_id": 1, "exchange": "binance", "symbol": "BTCUSDT", "captured_at": "2026-03-05 10:00:01.500",
        "last_update_id": 7, "side": "bid", "level": 1, "price": 10, "quantity": 2, "source": "rest",
        "exchange_time": "2026-03-05 10:00:01.400",
    }  # fmt: skip
    warehouse.load_books([level, {**level, "side": "ask", "price": 11}], load_id=1)
    warehouse.minute()
    warehouse.load_books([level, {**level, "level": 2, "price": 9}], load_id=2)
    warehouse.minute()
    rows = warehouse.run("select side, level, price + 0e0, load_id from {marts}.fact_orderbook order by side, level")
    assert rows == [("ask", 1, 11.0, 1), ("bid", 1, 10.0, 1), ("bid", 2, 9.0, 2)]
    assert warehouse.pending() == []
