"""The road from the exchange to staging, on a real database, a real object store and the simulated exchange."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta

import pytest

from candlewick.exchange.errors import IpBanned
from candlewick.lake.envelope import unwrap
from candlewick.lake.store import Lake, LakeUnavailable
from candlewick.pipeline.extract import ShardFailed, extract_shard
from candlewick.pipeline.load import UnknownObject, load_again, load_pending, load_quarantined
from candlewick.pipeline.load_summary import LoadSummary
from candlewick.pipeline.symbols import plan_shards, refresh_states, seed
from candlewick.warehouse import symbols

NOON = datetime(2024, 6, 1, 12)
SHARD = {"name": "two", "symbols": ["BTCUSDT", "ETHUSDT"]}


def extract(binance, lake, warehouse, shard=SHARD):
    with binance() as exchange:
        return extract_shard(exchange, lake, warehouse, shard, "run")


def cycle(binance, lake, warehouse, shard=SHARD):
    extract(binance, lake, warehouse, shard)
    return load_pending(lake, warehouse, "run")


def refresh(binance, warehouse):
    with binance() as exchange:
        return refresh_states(exchange, warehouse)


def ask(warehouse, query, *parameters):
    with warehouse.session() as session:
        return session.all(query, parameters)


def staged_minutes(warehouse, symbol="BTCUSDT"):
    query = "SELECT DISTINCT open_time FROM staging_klines WHERE symbol = %s ORDER BY 1"
    return [row[0] for row in ask(warehouse, query, symbol)]


def watermark(warehouse, symbol="BTCUSDT", data_type="klines"):
    query = "SELECT last_open_time FROM extraction_metadata WHERE symbol = %s AND data_type = %s"
    rows = ask(warehouse, query, symbol, data_type)
    return rows[0][0] if rows else None


def keys(lake):
    return list(lake.keys(lake.config.raw_bucket))


def test_a_first_cycle_brings_the_last_hundred_minutes_and_the_forming_candle(binance, lake, warehouse):
    summary = cycle(binance, lake, warehouse)

    minutes = staged_minutes(warehouse)
    assert minutes == [NOON - timedelta(minutes=100 - n) for n in range(101)]
    assert (summary.objects, summary.rejected) == (4, 0)
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


def test_loading_costs_the_queue_and_loading_twice_changes_nothing(binance, lake, warehouse):
    cycle(binance, lake, warehouse)
    before = ask(warehouse, "SELECT COUNT(*) FROM staging_klines")

    assert load_pending(lake, warehouse, "run").objects == 0
    assert ask(warehouse, "SELECT COUNT(*) FROM staging_klines") == before


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


def damage(lake, change):
    """Change the newest candles object of BTCUSDT in the lake."""
    key = next(key for key in reversed(keys(lake)) if key.split("/")[1].startswith("BTCUSDT_klines"))
    envelope = json.loads(lake.get(lake.config.raw_bucket, key))
    original = json.dumps(envelope).encode()
    change(envelope["data"])
    lake.put(lake.config.raw_bucket, key, json.dumps(envelope).encode())
    return key, original


@pytest.mark.parametrize(
    ("position", "value", "reason"),
    [
        (2, "0.00000001", "high_below_body"),
        (3, "99999999.0", "low_above_body"),
        (3, "0.0", "low_not_positive"),
        (3, "-1.0", "low_not_positive"),
        (5, "-1.0", "negative_volume"),
        (9, "999999999.0", "taker_above_volume"),
        (8, "many", "not_a_number"),
        (0, 1717237800001, "off_grid"),
        (0, 1717243320000, "in_the_future"),
        (6, 1717237800000, "close_time_outside"),
        (6, 1717237860000, "close_time_outside"),
    ],
)
def test_a_candle_that_contradicts_itself_goes_to_quarantine_with_its_values(
    binance, lake, warehouse, position, value, reason
):
    extract(binance, lake, warehouse)
    key, _ = damage(lake, lambda rows: rows[10].__setitem__(position, value))
    summary = load_pending(lake, warehouse, "run")

    assert summary.reasons == {reason: 1}
    kept = ask(warehouse, "SELECT row_number_in_object, reason, open_time, offending FROM quarantined_rows")
    assert [(row[0], row[1]) for row in kept] == [(11, reason)]
    if position:
        assert kept[0][2] == NOON - timedelta(minutes=90)
    if isinstance(value, str):
        assert value.rstrip("0").rstrip(".") in kept[0][3]
    assert len(staged_minutes(warehouse)) == 100
    status = ask(
        warehouse, "SELECT status, record_count, rejected_count FROM processed_files WHERE object_key = %s", key
    )
    assert status == [("partial", 100, 1)]


def test_quarantined_objects_are_loaded_again_after_a_repair(binance, lake, warehouse):
    extract(binance, lake, warehouse)
    key, original = damage(lake, lambda rows: rows[10].__setitem__(8, "many"))
    load_pending(lake, warehouse, "run")
    lake.put(lake.config.raw_bucket, key, original)

    summary = load_quarantined(lake, warehouse, "run")

    assert (summary.objects, summary.rejected) == (1, 0)
    assert len(staged_minutes(warehouse)) == 101
    assert ask(warehouse, "SELECT COUNT(*) FROM quarantined_rows WHERE resolved_load_id IS NULL") == [(0,)]
    assert ask(warehouse, "SELECT status FROM processed_files WHERE object_key = %s", key) == [("loaded",)]


def test_named_objects_are_loaded_again_and_an_unknown_name_is_refused(binance, lake, warehouse):
    cycle(binance, lake, warehouse)

    assert load_again(lake, warehouse, "run", [keys(lake)[0]]).objects == 1
    with pytest.raises(UnknownObject, match=r"nowhere\.json"):
        load_again(lake, warehouse, "run", ["nowhere.json"])


def test_an_object_lost_from_the_lake_holds_the_watermark_so_that_its_minutes_come_again(
    binance, lake, warehouse, market
):
    cycle(binance, lake, warehouse)
    market.advance(1500 * 60_000)
    extract(binance, lake, warehouse)
    queued = ask(
        warehouse, "SELECT object_key FROM extraction_outcomes WHERE load_state = 'pending' ORDER BY outcome_id"
    )
    lost = next(key for (key,) in queued if "BTCUSDT_klines" in key)
    lake._client.delete_object(Bucket=lake.config.raw_bucket, Key=lost)
    summary = load_pending(lake, warehouse, "run")

    assert summary.reasons == {"object_missing": 1}
    assert watermark(warehouse) == NOON - timedelta(minutes=1)
    cycle(binance, lake, warehouse)
    assert staged_minutes(warehouse) == [NOON + timedelta(minutes=n) for n in range(-100, 1501)]


def test_an_object_store_that_is_down_leaves_everything_queued(binance, lake, warehouse, object_store):
    extract(binance, lake, warehouse)
    object_store.kill()
    try:
        with pytest.raises(LakeUnavailable):
            load_pending(lake, warehouse, "run")
    finally:
        object_store.start()

    assert load_pending(lake, warehouse, "run").objects == 4


def test_the_models_are_told_of_each_load_in_its_own_commit(binance, lake, warehouse):
    summary = cycle(binance, lake, warehouse)

    told = ask(warehouse, "SELECT model, load_id FROM pending_loads ORDER BY model")
    assert told == [("fact_klines", summary.load_ids[0]), ("fact_orderbook", summary.load_ids[0])]


def test_many_small_objects_are_one_load_and_batches_follow_the_settings(binance, lake, warehouse, config):
    extract(binance, lake, warehouse)
    warehouse.config = config.model_copy(update={"load_batch_objects": 3})

    summary = load_pending(lake, warehouse, "run")

    assert len(summary.load_ids) == 2
    assert ask(warehouse, "SELECT objects FROM loads ORDER BY load_id") == [(3,), (1,)]


def test_symbols_come_from_the_setting_once_and_then_from_the_table(warehouse):
    assert seed(warehouse) == ["BTCUSDT", "ETHUSDT", "BNBUSDT"]
    with warehouse.session() as session:
        symbols.remove(session, "binance", "ETHUSDT", NOON)
        symbols.add(session, "binance", ["SOLUSDT"], NOON)

    assert seed(warehouse) == []
    names = ["BNBUSDT", "BTCUSDT", "SOLUSDT"]
    assert plan_shards(warehouse) == [{"name": "BNBUSDT BTCUSDT SOLUSDT", "symbols": names, "closing": []}]


def test_a_halted_symbol_is_not_polled_and_comes_back_when_it_trades_again(binance, warehouse, market):
    seed(warehouse)
    market.set_symbol("ETHUSDT", status="BREAK")
    refresh(binance, warehouse)
    assert plan_shards(warehouse)[0]["symbols"] == ["BNBUSDT", "BTCUSDT"]

    market.set_symbol("ETHUSDT", status="TRADING")
    with warehouse.session() as session:
        symbols.expire_states(session, "binance", ["ETHUSDT"])
    assert [(change.before, change.after) for change in refresh(binance, warehouse)] == [("BREAK", "TRADING")]
    assert plan_shards(warehouse)[0]["symbols"] == ["BNBUSDT", "BTCUSDT", "ETHUSDT"]


def test_states_are_not_asked_for_again_while_they_are_fresh(binance, warehouse):
    seed(warehouse)

    assert refresh(binance, warehouse) is not None
    assert refresh(binance, warehouse) is None


def test_loading_an_object_again_does_not_carry_the_watermark_over_what_was_never_loaded(
    binance, lake, warehouse, market
):
    cycle(binance, lake, warehouse)
    market.advance(1500 * 60_000)
    extract(binance, lake, warehouse)
    queued = ask(
        warehouse, "SELECT object_key FROM extraction_outcomes WHERE load_state = 'pending' ORDER BY outcome_id"
    )
    first, second = sorted(key for (key,) in queued if "BTCUSDT_klines" in key)
    lake._client.delete_object(Bucket=lake.config.raw_bucket, Key=first)
    load_pending(lake, warehouse, "run")

    load_again(lake, warehouse, "run", [second])

    assert watermark(warehouse) == NOON - timedelta(minutes=1)


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


def test_a_book_number_beyond_the_column_is_quarantined_and_stops_nobody(binance, lake, warehouse):
    extract(binance, lake, warehouse)
    key = next(key for key in keys(lake) if "BTCUSDT_depth" in key)
    envelope = json.loads(lake.get(lake.config.raw_bucket, key))
    envelope["data"]["lastUpdateId"] = 2**63
    lake.put(lake.config.raw_bucket, key, json.dumps(envelope).encode())

    summary = load_pending(lake, warehouse, "run")

    assert summary.reasons == {"not_a_number": 1}
    assert len(staged_minutes(warehouse)) == 101


def test_rows_the_server_will_not_take_cost_their_object_only(binance, lake, warehouse):
    with warehouse.session() as session:
        session.run("ALTER TABLE staging_klines MODIFY close_price DECIMAL(12,8) NOT NULL")
    extract(binance, lake, warehouse, {"name": "two", "symbols": ["BTCUSDT", "SHIBUSDT"]})

    summary = load_pending(lake, warehouse, "run")

    assert summary.reasons == {"refused_by_warehouse": 1}
    assert (len(staged_minutes(warehouse, "SHIBUSDT")), staged_minutes(warehouse)) == (101, [])
    assert ask(warehouse, "SELECT load_state, COUNT(*) FROM extraction_outcomes GROUP BY 1 ORDER BY 1") == [
        ("loaded", 3),
        ("quarantined", 1),
    ]


class LakeWithABadSector(Lake):
    """The real store, which cannot read one object for now."""

    def get(self, bucket, key):
        if "BTCUSDT_klines" in key:
            raise LakeUnavailable(f"expected to read {key}, but the object store answered 500")
        return super().get(bucket, key)


def test_an_object_that_cannot_be_read_stays_queued_and_the_others_are_loaded(binance, lake, warehouse):
    extract(binance, lake, warehouse)
    summary = LoadSummary()

    with pytest.raises(LakeUnavailable, match="1 objects could not be read"):
        load_pending(LakeWithABadSector(lake._client, lake.config), warehouse, "run", summary)

    assert (summary.objects, len(staged_minutes(warehouse, "ETHUSDT"))) == (3, 101)
    assert load_pending(lake, warehouse, "run").objects == 1


def test_a_candle_that_opened_while_the_question_was_on_its_way_is_taken(binance, lake, warehouse):
    extract(binance, lake, warehouse, {"name": "one", "symbols": ["BTCUSDT"]})
    key = next(key for key in keys(lake) if "BTCUSDT_klines" in key)
    envelope = json.loads(lake.get(lake.config.raw_bucket, key))
    envelope["server_time"] = envelope["data"][-1][0] - 59
    lake.put(lake.config.raw_bucket, key, json.dumps(envelope).encode())

    assert load_pending(lake, warehouse, "run").rejected == 0
    assert watermark(warehouse) == NOON - timedelta(minutes=2)


def test_a_symbol_that_stops_trading_is_asked_once_more_for_its_last_candles(binance, lake, warehouse, market):
    seed(warehouse)
    refresh(binance, warehouse)
    cycle(binance, lake, warehouse, plan_shards(warehouse)[0])
    market.advance(90_000)
    market.set_symbol("ETHUSDT", status="HALT")
    with warehouse.session() as session:
        symbols.expire_states(session, "binance", ["ETHUSDT"])
    refresh(binance, warehouse)
    assert plan_shards(warehouse)[1:] == []

    with warehouse.session() as session:
        for table, column in (("tracked_symbols", "status_since"), ("extraction_metadata", "last_fetch_time")):
            session.run(f"UPDATE {table} SET {column} = {column} - INTERVAL 2 MINUTE")
    market.advance(60_000)
    market.forget_requests()
    (closing,) = plan_shards(warehouse)[1:]
    assert (closing["symbols"], closing["closing"]) == ([], ["ETHUSDT"])
    cycle(binance, lake, warehouse, closing)

    assert {request["path"] for request in market.requests()} == {"/api/v3/time", "/api/v3/klines"}
    assert staged_minutes(warehouse, "ETHUSDT")[-1] == NOON + timedelta(minutes=1)
    assert plan_shards(warehouse)[1:] == []


def test_a_symbol_removed_keeps_its_data_and_goes_on_where_it_was_when_it_is_added_again(
    binance, lake, warehouse, market
):
    seed(warehouse)
    cycle(binance, lake, warehouse)
    with warehouse.session() as session:
        symbols.remove(session, "binance", "BTCUSDT", NOON)
    assert "BTCUSDT" not in plan_shards(warehouse)[0]["symbols"]
    market.advance(300 * 60_000)
    with warehouse.session() as session:
        symbols.add(session, "binance", ["BTCUSDT"], NOON)
    cycle(binance, lake, warehouse, {"name": "one", "symbols": ["BTCUSDT"]})

    assert staged_minutes(warehouse) == [NOON + timedelta(minutes=n) for n in range(-100, 301)]
