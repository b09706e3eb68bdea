"""Archiving on a store that lies, keeps or loses something, and what a later run makes of bundles that were left."""

from __future__ import annotations

import re

import pytest

from candlewick.lake.store import Lake, LakeError, LakeUnavailable
from candlewick.pipeline.bulk import load_backlog
from candlewick.pipeline.load import load_again
from candlewick.pipeline.maintenance import archive
from candlewick.pipeline.maintenance.bundling import NotReadBack
from candlewick.pipeline.rebuild import queue_from_lake
from candlewick.pipeline.rebuild_request import RebuildRequest
from support.ageing import NOW, events, in_bundles, in_raw, live, where
from support.minute_path import ask


def run(lake, warehouse):
    return archive.run(lake, warehouse, "maintenance", NOW, 7)


class StoreThatLies(Lake):
    """The real store, which keeps something else than it was given."""

    def put_file(self, bucket, key, file):
        super().put_file(bucket, key, file)
        if "BTCUSDT_klines" in key:
            content = self.get(bucket, key)
            self.put(bucket, key, content[:-1] + bytes([content[-1] ^ 1]))


def test_a_bundle_that_does_not_come_back_deletes_nothing_and_the_others_go_on(object_store, lake, warehouse):
    payloads = live(lake, warehouse, days=1)
    with pytest.raises(NotReadBack, match=r"expected .*BTCUSDT_klines_2024-06-01_\w+\.tar\.gz with the sha256"):
        run(StoreThatLies(object_store.client(), lake.config), warehouse)

    assert in_raw(lake) == {key: payload for key, payload in payloads.items() if "BTCUSDT_klines" in key}
    assert ask(warehouse, "SELECT COUNT(*), MIN(state), MAX(state) FROM archive_bundles") == [(3, "settled", "settled")]
    run(lake, warehouse)
    assert in_raw(lake) == {}
    assert in_bundles(lake) == payloads


class StoreThatKeeps(Lake):
    """The real store, which refuses to delete one object."""

    def delete_many(self, bucket, keys):
        kept = [key for key in keys if "ETHUSDT_depth" in key][:1]
        return super().delete_many(bucket, [key for key in keys if key not in kept]) | dict.fromkeys(
            kept, "AccessDenied"
        )


def test_sources_that_cannot_be_deleted_are_tried_again_by_the_next_run(object_store, lake, warehouse):
    payloads = live(lake, warehouse, days=1)
    with pytest.raises(LakeUnavailable, match=r"1 sources of .*ETHUSDT_depth.* could not be deleted"):
        run(StoreThatKeeps(object_store.client(), lake.config), warehouse)
    assert len(in_raw(lake)) == 1
    assert in_bundles(lake) == payloads
    assert ask(warehouse, "SELECT symbol FROM archive_bundles WHERE state = 'archived'") == [("ETHUSDT",)]
    with pytest.raises(LakeUnavailable, match=r"but 1 stay, .*ETHUSDT_depth.* first: AccessDenied"):
        run(StoreThatKeeps(object_store.client(), lake.config), warehouse)

    assert run(lake, warehouse).finished == 1
    assert in_raw(lake) == {}
    deleted = "SELECT SUM(object_count), SUM(byte_count) FROM lifecycle_events WHERE action = 'sources_deleted'"
    assert ask(warehouse, deleted) == [(len(payloads), sum(map(len, payloads.values())))]


def test_an_unfinished_bundle_that_was_damaged_since_deletes_nothing(object_store, lake, warehouse):
    live(lake, warehouse, days=1)
    with pytest.raises(LakeUnavailable):
        run(StoreThatKeeps(object_store.client(), lake.config), warehouse)
    ((key,),) = ask(warehouse, "SELECT object_key FROM archive_bundles WHERE state = 'archived'")
    content = lake.get(lake.config.archive_bucket, key)
    lake.put(lake.config.archive_bucket, key, content[:-5])
    with pytest.raises(LakeError, match=rf"{re.escape(key)}: its sources stay: expected .* with the sha256"):
        run(lake, warehouse)
    assert len(in_raw(lake)) == 1
    lake.delete_many(lake.config.archive_bucket, [key])
    with pytest.raises(LakeError, match=r"its sources stay"):
        run(lake, warehouse)
    assert len(in_raw(lake)) == 1

    lake.put(lake.config.archive_bucket, key, content)
    assert run(lake, warehouse).finished == 1
    assert in_raw(lake) == {}


def test_a_source_that_differs_from_its_unfinished_bundle_stays_and_is_reported(object_store, lake, warehouse):
    payloads = live(lake, warehouse, days=1)
    with pytest.raises(LakeUnavailable):
        run(StoreThatKeeps(object_store.client(), lake.config), warehouse)
    (left,) = in_raw(lake)
    lake.put(lake.config.raw_bucket, left, b"other")

    assert run(lake, warehouse).finished == 1
    assert in_raw(lake) == {left: b"other"}
    assert in_bundles(lake) == payloads
    assert any(action == "reported" for action, *_ in events(warehouse, "archive"))


def test_rows_of_before_a_restore_come_to_name_the_bundle_that_holds_their_answers(lake, warehouse):
    """A backup was restored that knows of no bundle; a rebuild takes one in, as an answer in it has no row at all."""
    payloads = live(lake, warehouse, days=1)
    run(lake, warehouse)
    ask(
        warehouse,
        "UPDATE processed_files SET bucket = %s, bundle_id = NULL, archived_at = NULL",
        lake.config.raw_bucket,
    )
    ask(warehouse, "DELETE FROM archive_bundles")
    lost, *others = [key for key in payloads if "BTCUSDT_klines" in key]
    for table in ("extraction_outcomes", "processed_files"):
        ask(warehouse, f"DELETE FROM {table} WHERE object_key = %s", lost)

    assert queue_from_lake(lake, warehouse, "again", RebuildRequest()).answers == 1
    assert run(lake, warehouse).finished == 1
    assert {key for key, (_, bundle) in where(warehouse).items() if bundle} == set(others)
    assert load_again(lake, warehouse, "again", others).rejected == 0
    assert load_backlog(lake, warehouse, "again").rejected == 0
