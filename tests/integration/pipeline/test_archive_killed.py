"""Archiving and expiring killed (-9) on either side of every put, commit and deletion: nothing is ever in neither bucket."""

from __future__ import annotations

import itertools
import sys
from datetime import timedelta

import pytest

from support.ageing import NOW, bundle_keys, in_bundles, in_raw, live, where
from support.minute_path import ask
from support.warm import Worker


@pytest.fixture
def perform(database, object_store, warehouse, config, tmp_path):
    """Run a process that archives or expires; it may be killed."""
    worker = Worker(sys.executable, "support.ageing_actor", tmp_path / "actor.log")
    server = f"{database.host}:{database.port}:{database.user}:{database.password}"

    def performed(step, days, what="", nth=0, side="before", now=NOW):
        worker.start(
            {
                "failpoint": {"what": what, "nth": nth, "side": side, "pid": 0}, "step": step, "days": days,
                "settings": config.model_dump(mode="json"), "database": server, "object_store": object_store.port,
                "now": now.isoformat(),
            }
        )  # fmt: skip
        ended = worker.finish()
        assert ended.was_killed or ended.status == 0, (ended, (tmp_path / "actor.log").read_text()[-3000:])
        return ended

    yield performed
    worker.stop()


def nothing_is_lost(lake, warehouse, payloads):
    """Each payload is in a bucket, and where its row says."""
    raw, bundled = in_raw(lake), in_bundles(lake)
    places = where(warehouse)
    for key, payload in payloads.items():
        assert payload in (raw.get(key), bundled.get(key))
        bucket, bundle = places[key]
        assert (bundle is None) == (bucket == lake.config.raw_bucket)
        assert (raw if bundle is None else bundled)[key] == payload
        assert bundle is None or bundle in bundle_keys(lake)


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize(("what", "least"), [("put", 4), ("commit", 9), ("delete", 4)])
def test_archiving_killed_at_every_put_commit_and_deletion(lake, warehouse, perform, what, least, side):
    payloads = live(lake, warehouse, days=1)
    for nth in itertools.count(1):
        ended = perform("archive", 7, what, nth, side)
        nothing_is_lost(lake, warehouse, payloads)
        if not ended.was_killed:
            break
        # Killed again and again at a place: begin anew, or the run never gets that far.
        if nth <= least:
            assert perform("archive", 7).status == 0
            nothing_is_lost(lake, warehouse, payloads)
            assert in_raw(lake) == {}
            begin_anew(lake, warehouse, payloads)
    assert nth > least
    perform("archive", 7)
    is_settled(lake, warehouse, payloads)


def begin_anew(lake, warehouse, payloads):
    for statement in (
        "UPDATE processed_files SET bundle_id = NULL, archived_at = NULL, bucket = '{raw}'",
        "DELETE FROM archive_bundles",
        "DELETE FROM lifecycle_events",
    ):
        ask(warehouse, statement.format(raw=lake.config.raw_bucket))
    for key, payload in payloads.items():
        lake.put(lake.config.raw_bucket, key, payload)
    lake.delete_many(lake.config.archive_bucket, list(lake.keys(lake.config.archive_bucket)))


def is_settled(lake, warehouse, payloads):
    assert in_raw(lake) == {}
    assert in_bundles(lake) == payloads
    assert ask(warehouse, "SELECT state, COUNT(*), SUM(object_count) FROM archive_bundles GROUP BY state") == [
        ("settled", 4, len(payloads))
    ]
    told = ask(
        warehouse,
        "SELECT action, COUNT(DISTINCT subject), COUNT(*) FROM lifecycle_events WHERE step = 'archive' GROUP BY action "
        "ORDER BY action",
    )
    assert told == [("archived", 4, 4), ("sources_deleted", 4, 4)]


def test_archiving_killed_at_every_step_of_one_and_the_same_week(lake, warehouse, perform):
    """Never repaired in between: each run is killed one act later than the one before."""
    payloads = live(lake, warehouse, days=1)
    for nth in itertools.count(1):
        ended = perform("archive", 7, "anything", nth, "after")
        nothing_is_lost(lake, warehouse, payloads)
        if not ended.was_killed:
            break
    assert nth > 5
    is_settled(lake, warehouse, payloads)


@pytest.mark.parametrize("side", ["before", "after"])
def test_expiring_killed_at_every_commit_and_deletion(lake, warehouse, perform, side):
    payloads = live(lake, warehouse, days=2)
    later = NOW + timedelta(days=1)
    perform("archive", 7, now=later)
    now = later + timedelta(days=22)  # the 1st is due, the 2nd is not
    for nth in itertools.count(1):
        ended = perform("expire", 30, "anything", nth, side, now=now)
        left = in_bundles(lake)
        rows = ask(warehouse, "SELECT object_key, expired_at IS NOT NULL FROM processed_files")
        assert all(key in left for key in payloads if key.startswith("2024-06-02"))
        # A row says expired only when the object is gone; one that is gone is at least marked as expiring.
        assert not [key for key, is_expired in rows if is_expired and key in left]
        states = dict(ask(warehouse, "SELECT object_key, state FROM archive_bundles"))
        assert all(states[key] in ("expiring", "expired") for key in set(states) - set(bundle_keys(lake)))
        if not ended.was_killed:
            break
    assert nth > 3
    assert {key for key, is_expired in rows if is_expired} == {key for key in payloads if key.startswith("2024-06-01")}
    assert set(left) == {key for key in payloads if key.startswith("2024-06-02")}
