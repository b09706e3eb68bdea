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
            " 'loaded', null, %s)",
            (load, key, *series, now, staged, rejected, load, now + timedelta(seconds=2)),
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
        warehouse.dbt("run")
        counts = "select sum(rows_received), sum(rows_rejected), sum(rows_kept), sum(rows_replaced), sum(object_count)"
        assert warehouse.run(counts + " from {marts}.deduplication_daily") == [(6, 1, 3, 2, 2)]


def test_every_request_and_every_series_has_its_line(warehouse, ledgers):
    now, minute = ledgers
    warehouse.dbt("run")
    log = warehouse.run(
        "select outcome_id, status, lane, rows_received, rows_staged, load_delay_seconds from {marts}.ingestion_log"
    )
    assert log == [(1, "stored", "live", 3, 3, 2), (2, "stored", "live", 3, 2, 2)]
    status = warehouse.run(
        "select symbol, last_outcome_status, pending_loads, events_24h, watermark, newest_final_open_time, newest_captured_at,"
        " lag_seconds between 180 and 600 from {marts}.pipeline_status"
    )
    assert status == [("BTCUSDT", "stored", 0, 1, minute[2], minute[2], now, 1)]
    assert warehouse.one("select count(*) from {marts}.kline_revisions") == 1
