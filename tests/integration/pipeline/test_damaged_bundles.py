"""Bundles that cannot be unpacked: they cost their own answers, nobody else's."""

from __future__ import annotations

import pytest

from candlewick.lake.bundle import DamagedBundle
from candlewick.lake.store import Lake
from candlewick.pipeline.bulk import load_backlog
from candlewick.pipeline.maintenance import archive
from candlewick.pipeline.objects import ObjectReader
from candlewick.pipeline.rebuild import queue_from_lake
from candlewick.pipeline.rebuild_request import RebuildRequest
from candlewick.warehouse import outcomes
from support.ageing import NOW, bundle_keys, live
from support.minute_path import ask

EACH = 5


@pytest.fixture
def payloads(lake, warehouse):
    """A day of four series, archived."""
    made = live(lake, warehouse, days=1, each=EACH)
    archive.run(lake, warehouse, "maintenance", NOW, 7)
    return made


def damage(lake):
    """Cut the first bundle off; return its key and what it was."""
    key = bundle_keys(lake)[0]
    whole = lake.get(lake.config.archive_bucket, key)
    lake.put(lake.config.archive_bucket, key, whole[:-20])
    return key, whole


def test_it_is_left_out_of_a_rebuild(lake, warehouse, payloads):
    damage(lake)
    for table in (
        "extraction_outcomes",
        "processed_files",
        "staging_klines",
        "staging_orderbook",
        "loads",
        "archive_bundles",
    ):
        ask(warehouse, f"DELETE FROM {table}")
    queued = queue_from_lake(lake, warehouse, "again", RebuildRequest())
    assert (queued.answers, queued.foreign) == (len(payloads) - EACH, 1)


def test_its_answers_stay_queued_and_keep_nobody_behind_them_from_being_loaded(lake, warehouse, payloads):
    assert queue_from_lake(lake, warehouse, "again", RebuildRequest(force=True)).known == len(payloads)
    key, whole = damage(lake)
    warehouse.config = warehouse.config.model_copy(update={"load_batch_objects": 1})
    with pytest.raises(DamagedBundle, match=rf"{EACH} objects could not be read and stay queued: expected a \.tar\.gz"):
        load_backlog(lake, warehouse, "again")
    assert ask(warehouse, "SELECT COUNT(*) FROM extraction_outcomes WHERE load_state = 'pending'") == [(EACH,)]

    lake.put(lake.config.archive_bucket, key, whole)
    assert load_backlog(lake, warehouse, "again").objects == EACH


def test_it_is_asked_for_once_and_not_for_each_of_its_answers(lake, warehouse, payloads, monkeypatch):
    damage(lake)
    with warehouse.session() as session:
        objects = outcomes.named(session, list(payloads))
    asked, read = [], Lake.read_into
    monkeypatch.setattr(
        Lake, "read_into", lambda store, bucket, key, sink: asked.append(key) or read(store, bucket, key, sink)
    )
    with ObjectReader(lake, warehouse) as reader:
        found = reader.read(objects)
    assert sorted(asked) == bundle_keys(lake)
    assert sum(isinstance(one, DamagedBundle) for one in found) == EACH
