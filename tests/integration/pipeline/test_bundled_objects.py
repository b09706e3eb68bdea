"""The way back: what lies in a bundle is loaded, loaded again and rebuilt from as if it lay in the bucket."""

from __future__ import annotations

from datetime import timedelta

import pytest

from candlewick.lake.shelf import MOST_OPEN, Shelf
from candlewick.lake.store import ObjectMissing
from candlewick.market import Lane
from candlewick.pipeline.bulk import load_backlog
from candlewick.pipeline.load import load_again, load_pending, load_quarantined
from candlewick.pipeline.maintenance import archive
from candlewick.pipeline.objects import ObjectReader
from candlewick.pipeline.rebuild import queue_from_lake
from candlewick.pipeline.rebuild_request import RebuildRequest
from candlewick.warehouse import outcomes
from support.ageing import DAY, NOW, answer, bundle_keys, capture, in_bundles, in_raw, live, where
from support.minute_path import ask

LEDGERS = ("extraction_outcomes", "processed_files", "staging_klines", "staging_orderbook", "loads", "pending_loads")
CANDLES = "SELECT symbol, open_time, open_price, volume, captured_at FROM staging_klines ORDER BY 1, 2, 5"
BOOKS = "SELECT symbol, captured_at, side, level, price, quantity FROM staging_orderbook ORDER BY 1, 2, 3, 4"


def age(lake, warehouse, now=NOW):
    archive.run(lake, warehouse, "maintenance", now, 7)


def forget(warehouse, *tables):
    for table in tables:
        ask(warehouse, f"DELETE FROM {table}")


def test_a_named_object_is_loaded_again_out_of_its_bundle(lake, warehouse):
    payloads = live(lake, warehouse, days=1)
    age(lake, warehouse)
    wanted = [key for key in payloads if "BTCUSDT" in key]
    before = where(warehouse)

    summary = load_again(lake, warehouse, "again", wanted)
    assert (summary.objects, summary.rejected) == (len(wanted), 0)
    assert where(warehouse) == before
    assert ask(warehouse, "SELECT COUNT(*) FROM processed_files WHERE status = 'loaded' AND load_id = 2") == [
        (len(wanted),)
    ]


def test_a_partly_rejected_object_is_judged_again_out_of_its_bundle(lake, warehouse):
    good = answer("BTCUSDT", DAY + timedelta(hours=1), rows=3)
    rows = good.index(b'"data":') + 7
    bad = good[:rows] + good[rows:].replace(b'"', b'"-', 1)  # the first price is negative
    capture(lake, warehouse, "BTCUSDT", DAY + timedelta(hours=1), payload=bad)
    load_pending(lake, warehouse, "minute")
    assert ask(warehouse, "SELECT status FROM processed_files") == [("partial",)]
    age(lake, warehouse)
    assert in_raw(lake) == {}

    assert load_quarantined(lake, warehouse, "again").objects == 1
    assert ask(warehouse, "SELECT status, record_count, rejected_count FROM processed_files") == [("partial", 2, 1)]


def test_a_batch_opens_each_bundle_once_whatever_the_order_of_its_objects(lake, warehouse):
    live(lake, warehouse, days=1, each=20)
    age(lake, warehouse)
    with warehouse.session() as session:
        ids = [row[0] for row in session.all("SELECT object_id FROM processed_files ORDER BY captured_at")]
        objects = outcomes.numbered(session, ids)
    with ObjectReader(lake, warehouse) as reader:
        found = reader.read(objects)
        assert reader._shelf.opened == len(bundle_keys(lake)) == 4
        reader.read(objects)
        assert reader._shelf.opened == 4  # still open
    bundled = in_bundles(lake)
    assert found == [bundled[one.object_key] for one in objects]


def test_the_shelf_keeps_few_bundles_and_says_what_is_missing(lake, warehouse):
    payloads = live(lake, warehouse, days=1)
    age(lake, warehouse)
    key = next(key for key in payloads if "BTCUSDT_depth" in key)
    first, second, *_ = bundle_keys(lake)
    with Shelf(lake, most_open=1) as shelf:
        for _ in range(2):
            assert shelf.read(lake.config.archive_bucket, first, key) == payloads[key]
            with pytest.raises(ObjectMissing, match=r"which has no such member"):
                shelf.read(lake.config.archive_bucket, second, key)
        assert shelf.opened == 4
        with pytest.raises(ObjectMissing):
            shelf.read(lake.config.archive_bucket, "2024-06-01/none.tar.gz", key)


def test_an_object_that_is_archived_between_look_up_and_reading_is_found_where_it_went(lake, warehouse):
    payloads = live(lake, warehouse, days=1)
    with warehouse.session() as session:
        objects = outcomes.named(session, list(payloads))
    age(lake, warehouse)
    with ObjectReader(lake, warehouse) as reader:
        assert reader.read(objects) == [payloads[one.object_key] for one in objects]
    gone = objects[0]
    lake.delete_many(lake.config.archive_bucket, bundle_keys(lake))
    with ObjectReader(lake, warehouse) as reader:
        assert reader.read([gone]) == [None]


def test_an_empty_warehouse_is_filled_from_bundles_and_plain_objects_of_both_buckets(lake, warehouse):
    payloads = live(lake, warehouse, days=3)
    before = ask(warehouse, CANDLES), ask(warehouse, BOOKS)
    age(lake, warehouse)  # the 1st is bundled
    plain = [key for key in payloads if key.startswith("2024-06-02")]  # an older platform's way
    for key in plain[::2]:
        lake.put(lake.config.archive_bucket, key, payloads[key])
    lake.delete_many(lake.config.raw_bucket, plain[::4])
    both = next(key for key in payloads if key.startswith("2024-06-01"))  # a run was killed
    lake.put(lake.config.raw_bucket, both, payloads[both])
    forget(warehouse, *LEDGERS, "archive_bundles", "extraction_metadata")

    queued = queue_from_lake(lake, warehouse, "again", RebuildRequest())
    assert (queued.answers, queued.known, queued.foreign) == (len(payloads), 1, 0)
    assert load_backlog(lake, warehouse, "again").objects == len(payloads)
    assert (ask(warehouse, CANDLES), ask(warehouse, BOOKS)) == before
    places = where(warehouse)
    assert {key for key, (_, bundle) in places.items() if bundle} == {key for key in payloads if "2024-06-01" in key}
    assert ask(warehouse, "SELECT state, COUNT(*), SUM(object_count) FROM archive_bundles GROUP BY state") == [
        ("archived", 4, 12)
    ]
    assert queue_from_lake(lake, warehouse, "again", RebuildRequest()).answers == 0

    age(lake, warehouse)  # the rebuilt ledger is one to go on with: the copy in raw goes, the bundles are settled
    assert both not in in_raw(lake)
    assert ask(warehouse, "SELECT DISTINCT state FROM archive_bundles") == [("settled",)]
    assert {key: in_bundles(lake)[key] for key in in_bundles(lake)} == {
        key: payload for key, payload in payloads.items() if "2024-06-01" in key
    }


def test_a_rebuild_takes_the_symbols_and_days_that_are_wanted_out_of_bundles(lake, warehouse):
    live(lake, warehouse, days=2)
    age(lake, warehouse, NOW + timedelta(days=1))
    forget(warehouse, *LEDGERS, "archive_bundles")
    request = RebuildRequest(frozenset({"ETHUSDT"}), (DAY + timedelta(days=1)).date(), (DAY + timedelta(days=2)).date())

    assert queue_from_lake(lake, warehouse, "again", request).answers == 6
    assert ask(warehouse, "SELECT DISTINCT symbol, DATE(captured_at) FROM extraction_outcomes") == [
        ("ETHUSDT", (DAY + timedelta(days=1)).date())
    ]


def test_a_damaged_ledger_is_mended_from_bundles_and_nothing_is_loaded_twice(lake, warehouse):
    payloads = live(lake, warehouse, days=1)
    age(lake, warehouse)
    lost = [key for key in payloads if "BTCUSDT_klines" in key]
    for table in ("extraction_outcomes", "processed_files"):
        ask(warehouse, f"DELETE FROM {table} WHERE object_key IN %s", lost)

    queued = queue_from_lake(lake, warehouse, "again", RebuildRequest())
    assert (queued.answers, queued.known) == (len(lost), len(payloads) - len(lost))
    assert load_backlog(lake, warehouse, "again").objects == len(lost)
    assert all(bundle for _, bundle in where(warehouse).values())
    assert ask(warehouse, "SELECT COUNT(*) FROM archive_bundles") == [(4,)]


def test_outcomes_that_were_pruned_are_known_and_come_back_when_forced(lake, warehouse):
    payloads = live(lake, warehouse, days=1)
    age(lake, warehouse)
    forget(warehouse, "extraction_outcomes")
    assert queue_from_lake(lake, warehouse, "again", RebuildRequest()).answers == 0
    assert load_backlog(lake, warehouse, "again").objects == 0

    ids = dict(ask(warehouse, "SELECT object_key, object_id FROM processed_files"))
    assert queue_from_lake(lake, warehouse, "again", RebuildRequest(force=True)).known == len(payloads)
    assert load_backlog(lake, warehouse, "again").objects == len(payloads)
    assert dict(ask(warehouse, "SELECT object_key, outcome_id FROM extraction_outcomes")) == ids
    assert dict(ask(warehouse, "SELECT object_key, object_id FROM processed_files")) == ids

    forget(warehouse, "extraction_outcomes")
    key = next(iter(payloads))
    assert load_again(lake, warehouse, "again", [key]).objects == 1


def test_what_a_forced_rebuild_queues_is_taken_bundle_by_bundle(lake, warehouse, monkeypatch):
    """By their ids a minute's objects lie in as many bundles as there are series: more than fit on the shelf."""
    payloads = live(lake, warehouse, days=1, each=6, symbols=("BTCUSDT", "ETHUSDT", "BNBUSDT"))
    age(lake, warehouse)
    queue_from_lake(lake, warehouse, "again", RebuildRequest(force=True))
    opened = []
    unpacked = Shelf._unpacked
    monkeypatch.setattr(
        Shelf, "_unpacked", lambda shelf, bucket, key: opened.append(key) or unpacked(shelf, bucket, key)
    )
    warehouse.config = warehouse.config.model_copy(update={"load_batch_objects": 6})

    assert load_backlog(lake, warehouse, "again").objects == len(payloads)
    assert sorted(opened) == bundle_keys(lake)
    assert len(opened) == 6 > MOST_OPEN


def test_an_object_of_the_backfill_lane_ages_like_any_other(lake, warehouse):
    key = capture(lake, warehouse, "BTCUSDT", DAY + timedelta(hours=3), lane=Lane.BACKFILL)
    load_backlog(lake, warehouse, "backfill")
    age(lake, warehouse)
    assert list(in_bundles(lake)) == [key]
    queue_from_lake(lake, warehouse, "again", RebuildRequest(force=True))
    assert load_backlog(lake, warehouse, "again").objects == 1


def test_sources_of_a_bundle_that_a_rebuild_found_are_deleted_only_when_their_rows_name_the_bundle(lake, warehouse):
    """A run died between its put and its mark; then the ledger lost an answer, so that a rebuild takes the bundle in."""
    payloads = live(lake, warehouse, days=1)
    age(lake, warehouse)
    for key, payload in payloads.items():
        lake.put(lake.config.raw_bucket, key, payload)
    ask(warehouse, "UPDATE processed_files SET bucket = %s, bundle_id = NULL", lake.config.raw_bucket)
    forget(warehouse, "archive_bundles")
    lost, waiting, *_ = [key for key in payloads if "BTCUSDT_klines" in key]
    for table in ("extraction_outcomes", "processed_files"):
        ask(warehouse, f"DELETE FROM {table} WHERE object_key = %s", lost)
    ask(warehouse, "DELETE FROM processed_files WHERE object_key = %s", waiting)
    ask(
        warehouse,
        "UPDATE extraction_outcomes SET load_state = 'pending', lane = 'backfill' WHERE object_key = %s",
        waiting,
    )

    assert queue_from_lake(lake, warehouse, "again", RebuildRequest()).answers == 1
    age(lake, warehouse)
    assert load_backlog(lake, warehouse, "again").rejected == 0
    assert in_raw(lake) == {}
    assert set(where(warehouse)) == set(payloads)
    assert all(bundle for _, bundle in where(warehouse).values())
    assert in_bundles(lake) == payloads
