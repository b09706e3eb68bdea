"""From the exchange to the lake and the queue, on real servers and the simulated exchange."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest

from candlewick.exchange.errors import IpBanned
from candlewick.lake.envelope import unwrap
from candlewick.pipeline.extract import ShardFailed
from candlewick.pipeline.load import load_pending
from candlewick.warehouse import symbols
from support.minute_path import NOON, ask, cycle, extract, keys, staged_minutes, watermark


def test_a_first_cycle_brings_the_last_hundred_minutes_and_the_forming_candle(binance, lake, warehouse):
    summary = cycle(binance, lake, warehouse)

    minutes = staged_minutes(warehouse)
    assert minutes == [NOON - timedelta(minutes=100 - n) for n in range(101)]
    assert (summary.objects, summary.rejected) == (4, 0)
    assert watermark(warehouse) == NOON - timedelta(minutes=1)


@pytest.mark.parametrize(("waited", "further"), [(5, 5), (1440, 899)])
def test_a_first_cycle_that_comes_late_begins_where_one_in_time_had_but_no_further_back_than_a_page(
    binance, lake, warehouse, waited, further
):
    with warehouse.session() as session:
        symbols.add(session, "binance", ["BTCUSDT"], NOON - timedelta(minutes=waited, seconds=-20))

    cycle(binance, lake, warehouse)

    assert staged_minutes(warehouse)[0] == NOON - timedelta(minutes=100 + further)
    assert staged_minutes(warehouse, "ETHUSDT")[0] == NOON - timedelta(minutes=100)
    assert watermark(warehouse) == NOON - timedelta(minutes=1)


def test_the_next_cycle_reads_the_newest_candles_again_and_what_came_since(binance, lake, warehouse, market):
    cycle(binance, lake, warehouse)
    market.advance(3 * 60_000)
    cycle(binance, lake, warehouse)

    newest_load = ask(warehouse, "SELECT MAX(load_id) FROM staging_klines")[0][0]
    rows = ask(warehouse, "SELECT open_time FROM staging_klines WHERE load_id = %s AND symbol = 'BTCUSDT'", newest_load)
    assert sorted(row[0] for row in rows) == [NOON + timedelta(minutes=n) for n in range(-5, 4)]


def test_a_long_pause_is_paged_through_in_one_cycle(binance, lake, warehouse, market):
    cycle(binance, lake, warehouse)
    market.advance(2500 * 60_000)
    cycle(binance, lake, warehouse)

    minutes = staged_minutes(warehouse)
    assert minutes == [NOON + timedelta(minutes=n) for n in range(-100, 2501)]
    assert sum("_p3" in key for key in keys(lake)) == 2


def test_every_answer_is_in_the_lake_as_received_and_on_record(binance, lake, warehouse):
    extract(binance, lake, warehouse)

    rows = ask(
        warehouse,
        "SELECT object_key, sha256, payload_bytes, row_count, status, http_status, weight, load_state, symbol, data_type "
        "FROM extraction_outcomes",
    )
    assert sorted(row[0] for row in rows) == keys(lake)
    for key, sha256, size, _, status, http_status, _, load_state, symbol, data_type in rows:
        payload = lake.get(lake.config.raw_bucket, key)
        assert (sha256, size) == (hashlib.sha256(payload).hexdigest(), len(payload))
        assert (status, http_status, load_state) == ("stored", 200, "pending")
        assert json.loads(payload)["symbol"] == symbol
        assert unwrap(payload).type == data_type
    assert sorted(row[6] for row in rows) == [2, 2, 5, 5]


def test_books_are_staged_level_by_level(binance, lake, warehouse):
    cycle(binance, lake, warehouse)

    rows = ask(warehouse, "SELECT side, COUNT(*), MIN(level), MAX(level) FROM staging_orderbook GROUP BY symbol, side")
    assert sorted(rows) == [("ask", 20, 1, 20)] * 2 + [("bid", 20, 1, 20)] * 2
    assert watermark(warehouse, data_type="depth") is not None


def test_one_failing_symbol_does_not_stop_the_others_and_leaves_a_row(binance, lake, warehouse):
    shard = {"name": "three", "symbols": ["BTCUSDT", "NOSUCHUSDT"]}
    summary = extract(binance, lake, warehouse, shard)

    assert set(summary.symbols_failed) == {"NOSUCHUSDT"}
    failed = ask(warehouse, "SELECT DISTINCT symbol, error_kind FROM extraction_outcomes WHERE status = 'failed'")
    assert failed == [("NOSUCHUSDT", "UnknownSymbol")]
    load_pending(lake, warehouse, "run")
    assert len(staged_minutes(warehouse)) == 101


def test_a_shard_in_which_every_symbol_failed_fails(binance, lake, warehouse):
    with pytest.raises(ShardFailed, match="NOSUCHUSDT"):
        extract(binance, lake, warehouse, {"name": "one", "symbols": ["NOSUCHUSDT"]})


def test_a_ban_stops_the_shard_and_nothing_more_is_sent(binance, lake, warehouse, market):
    market.add_faults({"kind": "418", "path": "klines", "retry_after": 300, "count": 1000})
    market.forget_requests()
    shard = {"name": "many", "symbols": ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "SHIBUSDT"] * 6}

    with pytest.raises(IpBanned):
        extract(binance, lake, warehouse, shard)

    sent = [request for request in market.requests() if request["status"] == 418]
    assert len(sent) <= warehouse.config.request_concurrency
    market.clear_faults()
    market.forget_requests()
    with pytest.raises(IpBanned):
        extract(binance, lake, warehouse)
    assert market.requests() == []


@pytest.mark.parametrize("kind", ["duplicates", "shuffled"])
def test_doubled_and_shuffled_rows_are_staged_and_lead_nobody_astray(binance, lake, warehouse, market, kind):
    market.add_faults({"kind": kind, "path": "klines", "count": 100})
    cycle(binance, lake, warehouse)

    assert len(staged_minutes(warehouse)) == 101
    assert watermark(warehouse) == NOON - timedelta(minutes=1)


@pytest.mark.parametrize("kind", ["garbage", "html"])
def test_an_answer_that_is_no_json_goes_to_quarantine_and_is_asked_for_again(binance, lake, warehouse, market, kind):
    market.add_faults({"kind": kind, "path": "klines", "count": 1})
    summary = cycle(binance, lake, warehouse, {"name": "one", "symbols": ["BTCUSDT"]})

    assert summary.reasons == {"not_a_list": 1}
    assert watermark(warehouse) is None
    cycle(binance, lake, warehouse, {"name": "one", "symbols": ["BTCUSDT"]})
    assert len(staged_minutes(warehouse)) == 101


def test_a_page_that_is_exactly_full_is_followed_by_an_empty_one(binance, lake, warehouse, market):
    cycle(binance, lake, warehouse)
    market.advance(994 * 60_000)
    cycle(binance, lake, warehouse)

    pages = ask(
        warehouse, "SELECT page, row_count FROM extraction_outcomes WHERE symbol = 'BTCUSDT' AND data_type = 'klines'"
    )
    assert sorted(pages)[-2:] == [(1, 1000), (2, 0)]
    assert staged_minutes(warehouse) == [NOON + timedelta(minutes=n) for n in range(-100, 995)]


def test_a_shard_whose_time_is_up_goes_on_in_the_next_cycle(binance, lake, warehouse, market, config):
    cycle(binance, lake, warehouse)
    market.advance(2500 * 60_000)
    warehouse.config = config.model_copy(update={"shard_budget_seconds": 1e-9})
    cycles = 0
    while len(staged_minutes(warehouse)) < 2601 and cycles < 5:
        cycle(binance, lake, warehouse)
        cycles += 1

    assert cycles == 3
    assert staged_minutes(warehouse, "ETHUSDT") == [NOON + timedelta(minutes=n) for n in range(-100, 2501)]


def test_a_shard_without_any_candles_fails_although_its_books_came(binance, lake, warehouse, market):
    market.add_faults({"kind": "403", "path": "klines"})

    with pytest.raises(ShardFailed, match="BTCUSDT"):
        extract(binance, lake, warehouse)


def test_a_failed_page_is_on_record_with_its_number(binance, lake, warehouse, market):
    cycle(binance, lake, warehouse)
    market.advance(1500 * 60_000)
    market.add_faults({"kind": "cutoff", "path": "klines", "symbol": "BTCUSDT", "count": 1000})
    extract(binance, lake, warehouse)

    failed = ask(warehouse, "SELECT symbol, page, error_kind FROM extraction_outcomes WHERE status = 'failed'")
    assert failed == [("BTCUSDT", 1, "Unavailable")]
