"""From the queue to staging, quarantine and watermarks, on real servers and the simulated exchange."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from candlewick.lake.store import Lake, LakeUnavailable
from candlewick.pipeline.load import UnknownObject, load_again, load_pending, load_quarantined
from candlewick.pipeline.load_summary import LoadSummary
from support.minute_path import NOON, ask, cycle, extract, keys, staged_minutes, watermark


def damage(lake, change):
    """Change the newest candles object of BTCUSDT in the lake."""
    key = next(key for key in reversed(keys(lake)) if key.split("/")[1].startswith("BTCUSDT_klines"))
    envelope = json.loads(lake.get(lake.config.raw_bucket, key))
    original = json.dumps(envelope).encode()
    change(envelope["data"])
    lake.put(lake.config.raw_bucket, key, json.dumps(envelope).encode())
    return key, original


class LakeWithABadSector(Lake):
    """The real store, which cannot read one object for now."""

    def get(self, bucket, key):
        if "BTCUSDT_klines" in key:
            raise LakeUnavailable(f"expected to read {key}, but the object store answered 500")
        return super().get(bucket, key)


def test_loading_costs_the_queue_and_loading_twice_changes_nothing(binance, lake, warehouse):
    cycle(binance, lake, warehouse)
    before = ask(warehouse, "SELECT COUNT(*) FROM staging_klines")

    assert load_pending(lake, warehouse, "run").objects == 0
    assert ask(warehouse, "SELECT COUNT(*) FROM staging_klines") == before


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
