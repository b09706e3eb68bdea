"""What the operations marts say about requests, duplicates and the state of each series."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
def ledgers(warehouse, candle):
    """Two loads of today: three candles, then one of them again with a revision, and a rejected row."""
    now = datetime.now(UTC).replace(tzinfo=None, second=0, microsecond=0)
    minute = [now - timedelta(minutes=n) for n in (5, 4, 3)]
    warehouse.load([candle(moment, 1) for moment in minute])
    warehouse.load([candle(minute[2], 1, captured=now), candle(minute[1], 2, captured=now)])
    for load, staged, rejected in ((1, 3, 0), (2, 2, 1)):
        key = f"{now:%Y-%m-%d}/BTCUSDT_klines_{load}.json"
        series = ("binance", "BTCUSDT", "klines", "1m")
        warehouse.run(
            "insert into {raw}.extraction_outcomes (exchange, symbol, data_type, interval_code, run_id, shard, status, source,"
            " bucket, object_key, row_count, captured_at, load_state, load_id)"
            " values (%s, %s, %s, %s, 'run', 'shard', 'stored', 'rest', 'crypto-raw', %s, %s, %s, 'loaded', %s)",
            (*series, key, staged + rejected, now, load),
        )
        warehouse.run(
            "insert into {raw}.loads values (%s, 'live', 'run', 1, %s, %s, %s, %s)", (load, staged, rejected, now, now)
        )
        warehouse.run(
            "insert into {raw}.processed_files values (%s, 'crypto-raw', %s, %s, %s, %s, %s, 'rest', %s, %s, %s, null, null, %s,"
            " 'loaded', null, %s, null, null, null, null)",
            (load, key, *series, now, staged, rejected, load, now + timedelta(seconds=2)),
        )
    warehouse.run(
        "insert into {raw}.tracked_symbols (exchange, symbol, active, status, added_at) values"
        " ('binance', 'BTCUSDT', 1, 'TRADING', utc_timestamp(3))"
    )
    warehouse.run(
        "insert into {raw}.extraction_metadata values ('binance', 'BTCUSDT', 'klines', '1m', %s, %s, 2, %s)",
        (now, minute[2], now),
    )
    warehouse.run(
        "insert into {raw}.pipeline_events (occurred_at, kind, severity, subject, message)"
        " values (%s, 'symbol_failed', 'warning', 'BTCUSDT', 'x')",
        (now,),
    )
    return now, minute


@pytest.mark.usefixtures("ledgers")
def test_received_rejected_kept_and_replaced_rows_add_up(warehouse):
    for _ in range(2):
        warehouse.dbt("run", "--exclude", "tag:quality")
        counts = "select sum(rows_received), sum(rows_rejected), sum(rows_kept), sum(rows_replaced), sum(object_count)"
        assert warehouse.run(counts + " from {marts}.deduplication_daily") == [(6, 1, 3, 2, 2)]


def test_every_request_and_every_series_has_its_line(warehouse, ledgers):
    now, minute = ledgers
    warehouse.dbt("run", "--exclude", "tag:quality")
    log = warehouse.run(
        "select outcome_id, status, lane, rows_received, rows_staged, load_delay_seconds from {marts}.ingestion_log"
    )
    assert log == [(1, "stored", "live", 3, 3, 2), (2, "stored", "live", 3, 2, 2)]
    status = warehouse.run(
        "select symbol, last_outcome_status, pending_loads, events_24h, watermark, newest_final_open_time, newest_captured_at,"
        " lag_seconds between 120 and 300 from {marts}.pipeline_status"
    )
    assert status == [("BTCUSDT", "stored", 0, 1, minute[2], minute[2], now, 1)]
    assert warehouse.one("select count(*) from {marts}.kline_revisions") == 1


def test_days_that_passed_while_nothing_ran_are_counted_by_the_next_run(warehouse, candle):
    def load_on(day):
        load = warehouse.load([candle(day, 1)])
        warehouse.run("insert into {raw}.loads values (%s, 'live', 'run', 1, 1, 0, %s, %s)", (load, day, day))
        warehouse.run(
            "insert into {raw}.processed_files values (%s, 'crypto-raw', %s, 'binance', 'BTCUSDT', 'klines', '1m', 'rest', %s, 1, 0,"
            " null, null, %s, 'loaded', null, %s, null, null, null, null)",
            (load, f"{load}.json", day, load, day),
        )

    now = datetime.now(UTC).replace(tzinfo=None, second=0, microsecond=0)
    days = [now - timedelta(days=n) for n in (5, 4, 2, 0)]
    counted = (
        "select date, sum(rows_received), sum(rows_kept) from {marts}.deduplication_daily group by date order by date"
    )
    warehouse.dbt("run", "--exclude", "tag:quality")  # a first build before anything was loaded
    load_on(days[0])
    warehouse.dbt("run", "--exclude", "tag:quality")
    assert warehouse.run(counted) == [(days[0].date(), 1, 1)]
    warehouse.run("update {marts}.deduplication_daily set updated_at = %s", (days[0],))
    for day in days[1:]:
        load_on(day)
    warehouse.dbt("run", "--exclude", "tag:quality")
    assert warehouse.run(counted) == [(day.date(), 1, 1) for day in days]


@pytest.mark.usefixtures("ledgers")
def test_a_symbol_that_was_never_loaded_has_its_line_with_what_the_exchange_says(warehouse):
    for symbol, active, status in (("BTCUSTD", 1, "NOT_LISTED"), ("LUNAUSDT", 1, "HALT"), ("OLDUSDT", 0, "TRADING")):
        warehouse.run(
            "insert into {raw}.tracked_symbols (exchange, symbol, active, status, added_at)"
            " values ('binance', %s, %s, %s, utc_timestamp(3))",
            (symbol, active, status),
        )
    warehouse.run(
        "insert into {raw}.extraction_outcomes (exchange, symbol, data_type, interval_code, run_id, shard, status, source,"
        " captured_at, error_kind, load_state)"
        " values ('binance', 'LUNAUSDT', 'klines', '1m', 'run', 'shard', 'failed', 'rest', utc_timestamp(3), 'timeout', 'none')"
    )
    warehouse.dbt("run", "--exclude", "tag:quality")
    status = warehouse.run(
        "select symbol, symbol_status, data_type, last_outcome_status, last_error_kind, lag_seconds is null"
        " from {marts}.pipeline_status order by symbol"
    )
    assert status == [
        ("BTCUSDT", "TRADING", "klines", "stored", None, 0),
        ("BTCUSTD", "NOT_LISTED", None, None, None, 1),
        ("LUNAUSDT", "HALT", "klines", "failed", "timeout", 1),
    ]


@pytest.mark.parametrize(("interval", "length"), [("1m", 60), ("15m", 900), ("4h", 14400), ("1d", 86400), ("", 0)])
def test_lag_counts_from_the_close_of_the_candle(warehouse, ledgers, interval, length):
    now, _ = ledgers
    warehouse.run(
        "update {raw}.extraction_metadata set interval_code = %s, data_type = %s, last_open_time = %s",
        (interval, "klines" if interval else "depth", now - timedelta(seconds=length)),
    )
    warehouse.dbt("run", "--exclude", "tag:quality")
    lag = warehouse.one("select lag_seconds from {marts}.pipeline_status where watermark is not null")
    assert 0 <= lag - (datetime.now(UTC).replace(tzinfo=None) - now).total_seconds() + 5 <= 10


@pytest.mark.parametrize(
    ("failing", "spoil"),
    [
        ("accepted_values_ingestion_log_status", "update {raw}.extraction_outcomes set status = 'lost' limit 1"),
        (
            "accepted_values_ingestion_log_load_state",
            "update {raw}.extraction_outcomes set load_state = 'lost' limit 1",
        ),
        ("accepted_values_stg_klines_source", "update {raw}.staging_klines set source = 'hearsay' limit 1"),
        ("ohlc_in_order_stg_klines", "update {raw}.staging_klines set low_price = high_price + 1 limit 1"),
        ("non_negative_stg_orderbook", "update {raw}.staging_orderbook set quantity = -1"),
        ("accepted_values_kline_revisions_lost_source", "update {raw}.kline_revisions set lost_source = 'hearsay'"),
        ("closes_after_open_kline_revisions", "update {raw}.kline_revisions set lost_close_time = open_time"),
        ("accepted_values_pipeline_status", "update {raw}.extraction_metadata set data_type = 'trades'"),
    ],
)
@pytest.mark.usefixtures("ledgers")
def test_what_the_views_promise_is_tested_on_recent_rows(warehouse, failing, spoil):
    level = {
        "object_id": 1, "exchange": "binance", "symbol": "BTCUSDT", "captured_at": "2026-03-05 10:00:01.500",
        "last_update_id": 7, "side": "bid", "level": 1, "price": 10, "quantity": 2, "source": "rest",
        "exchange_time": "2026-03-05 10:00:01.400",
    }  # fmt: skip
    warehouse.load_books([level], load_id=2)
    warehouse.dbt("run", "--exclude", "tag:quality")
    views = ("stg_klines", "stg_orderbook", "ingestion_log", "kline_revisions", "pipeline_status")
    warehouse.dbt("test", "--select", *views)
    warehouse.run(spoil)
    assert failing in warehouse.dbt("test", "--select", *views, succeeds=False)
