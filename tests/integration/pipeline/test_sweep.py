"""The sweep: what it repairs in the lake and its ledgers, what it only reports, and what it leaves alone."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

import pytest

from candlewick.lake.keys import evidence_key
from candlewick.pipeline.bulk import load_backlog
from candlewick.pipeline.maintenance import archive, expire, sweep
from candlewick.warehouse.database import utc_now
from support.minute_path import ask, cycle, keys
from support.stored import key_of, loaded, payload_of, put, row
from support.warm import Worker

NOW = datetime(2026, 6, 20, 2)
DAY = timedelta(days=1)
OLD = NOW - 3 * DAY


@pytest.fixture
def look(lake, warehouse):
    return lambda now=NOW: sweep.run(lake, warehouse, "run", now)


def events(warehouse, action):
    return ask(warehouse, "SELECT store, subject, object_count, reason FROM lifecycle_events WHERE step = 'sweep' "
               "AND action = %s ORDER BY event_id", action)  # fmt: skip


def bundle(lake, warehouse, captured, now=NOW):
    """Archive answers captured at these moments, of one day; return the key of their bundle."""
    found = [loaded(lake, warehouse, moment) for moment in captured]
    archive.run(lake, warehouse, run_id="run", now=now, after_days=1)
    ((key,),) = ask(warehouse, "SELECT object_key FROM archive_bundles ORDER BY bundle_id DESC LIMIT 1")
    return key, found


def forget_bundle(warehouse, raw_bucket):
    """As in a warehouse that was restored from before its bundles were made."""
    with warehouse.session() as session:
        session.run("DELETE FROM archive_bundles")
        session.run("UPDATE processed_files SET bundle_id = NULL, archived_at = NULL, bucket = %s", (raw_bucket,))


def test_a_lake_that_is_what_its_ledgers_say_leaves_nothing_to_say(lake, warehouse, look):
    loaded(lake, warehouse, OLD)
    bundle(lake, warehouse, [OLD - 9 * DAY])
    loaded(lake, warehouse, NOW)

    done = look()

    assert (done.objects, done.repaired, done.findings) == (3, 0, [])
    assert ask(warehouse, "SELECT * FROM lifecycle_events WHERE step = 'sweep'") == []


def test_an_answer_that_no_row_knows_gets_one_and_is_loaded(binance, lake, warehouse):
    cycle(binance, lake, warehouse)
    whole = ask(warehouse, "SELECT symbol, open_time FROM staging_klines ORDER BY 1, 2")
    with warehouse.session() as session:
        for table in ("extraction_outcomes", "processed_files", "staging_klines", "staging_orderbook"):
            session.run(f"DELETE FROM {table}")

    later = utc_now() + 2 * DAY  # answers bear our own clock
    done = sweep.run(lake, warehouse, "run", later)

    assert done.repaired == len(keys(lake)) == 4
    assert [(store, count) for store, _, count, _ in events(warehouse, "repaired")] == [("raw", 4)]
    assert ask(warehouse, "SELECT DISTINCT lane, load_state, bucket FROM extraction_outcomes") == [
        ("backfill", "pending", lake.config.raw_bucket)
    ]
    load_backlog(lake, warehouse, "run")
    assert ask(warehouse, "SELECT symbol, open_time FROM staging_klines ORDER BY 1, 2") == whole
    assert sweep.run(lake, warehouse, "run", later).repaired == 0


def test_evidence_without_a_row_is_known_again_but_not_loaded(lake, warehouse, look):
    key = evidence_key(key_of(OLD))
    lake.put(lake.config.raw_bucket, key, b"{}")

    assert look().repaired == 1

    assert ask(warehouse, "SELECT object_key, load_state FROM extraction_outcomes") == [(key, "none")]


def test_what_is_younger_than_a_day_is_left_alone(lake, warehouse, look):
    put(lake, NOW - timedelta(hours=23))
    with warehouse.session() as session:
        young = NOW - timedelta(hours=22)
        row(session, key_of(young), young, bucket=lake.config.raw_bucket, load_state="pending")

    done = look()

    assert (done.objects, done.repaired, done.findings) == (1, 0, [])


def test_names_that_are_none_of_ours_are_reported_and_stay(lake, warehouse, look):
    lake.put(lake.config.raw_bucket, f"{OLD:%Y-%m-%d}/notes.txt", b"mine")
    lake.put(lake.config.archive_bucket, "readme", b"mine")

    done = look(datetime(2100, 1, 1))

    assert [one.subject.partition(":")[0] for one in done.findings] == [
        f"{lake.config.archive_bucket}/", f"{lake.config.raw_bucket}/{OLD:%Y-%m-%d}"
    ]  # fmt: skip
    assert "notes.txt" in done.findings[1].sentence
    assert len(keys(lake)) == 1
    assert [count for _, _, count, _ in events(warehouse, "reported")] == [1, 1]
    assert [event.kind for event in done.events] == ["lake_differs", "lake_differs"]


def test_rows_whose_object_is_gone_are_reported_by_day_and_stay(lake, warehouse, look):
    kept = loaded(lake, warehouse, OLD)
    gone = [loaded(lake, warehouse, OLD + timedelta(minutes=n), is_put=False) for n in range(1, 6)]
    another_day = loaded(lake, warehouse, OLD - DAY, is_put=False)
    with warehouse.session() as session:
        queued = OLD + timedelta(hours=1)
        row(session, key_of(queued), queued, bucket=lake.config.raw_bucket, load_state="pending")

    done = look()

    assert len(done.findings) == 2
    sentences = " ".join(one.sentence for one in done.findings)
    assert "6 objects are gone that rows name" in sentences
    assert gone[0] in sentences
    assert another_day in sentences
    assert kept not in sentences
    assert ask(warehouse, "SELECT COUNT(*) FROM processed_files") == [(7,)]
    reported = {subject: count for _, subject, count, _ in events(warehouse, "reported")}
    bucket = lake.config.raw_bucket
    assert reported == {f"{bucket}/{OLD:%Y-%m-%d}": 6, f"{bucket}/{OLD - DAY:%Y-%m-%d}": 1}


def test_an_object_under_another_folder_than_its_days_is_not_missing(lake, warehouse, look):
    key = loaded(lake, warehouse, OLD, is_put=False)
    elsewhere = key.split("/")[1]
    lake.put(lake.config.raw_bucket, elsewhere, payload_of(key))
    with warehouse.session() as session:
        for table in ("processed_files", "extraction_outcomes"):
            session.run(f"UPDATE {table} SET object_key = %s", (elsewhere,))

    assert look().findings == []


def test_an_object_of_another_length_than_its_row_says_is_reported(lake, warehouse, look):
    key = loaded(lake, warehouse, OLD)
    lake.put(lake.config.raw_bucket, key, b"cut")

    (found,) = look().findings

    assert "1 objects are not as long as their rows say" in found.sentence


def test_a_source_that_came_back_behind_its_bundle_is_reported_and_not_deleted(lake, warehouse, look):
    _, (source,) = bundle(lake, warehouse, [OLD - DAY])
    lake.put(lake.config.raw_bucket, source, payload_of(source))

    (found,) = look().findings

    assert "still there that the ledger calls archived or deleted" in found.sentence
    assert keys(lake) == [source]


def test_an_answer_older_than_what_processed_files_remembers_is_not_loaded_by_accident(lake, warehouse, look):
    put(lake, OLD)
    with warehouse.session() as session:
        session.run(
            "INSERT INTO retention_horizons VALUES ('binance', '', 'processed_files', '', %s, %s)", (NOW - DAY, NOW)
        )

    done = look()

    assert done.repaired == 0
    assert "older than what processed_files remembers" in done.findings[0].sentence


def test_a_bundle_whose_file_is_gone_or_another_one_is_reported(lake, warehouse, look):
    gone, _ = bundle(lake, warehouse, [OLD - 2 * DAY])
    cut, _ = bundle(lake, warehouse, [OLD - DAY])
    lake.delete_many(lake.config.archive_bucket, [gone])
    lake.put(lake.config.archive_bucket, cut, b"cut")

    sentences = sorted(one.sentence for one in look().findings)

    assert sentences == [
        f"1 bundles are not as long as their rows say: {cut}", f"1 objects are gone that rows name: {gone}"
    ]  # fmt: skip


def test_an_orphan_bundle_whose_answers_all_lie_elsewhere_is_deleted(lake, warehouse, look):
    key, sources = bundle(lake, warehouse, [OLD - DAY, OLD - DAY + timedelta(minutes=1)])
    for source in sources:
        lake.put(lake.config.raw_bucket, source, payload_of(source))
    forget_bundle(warehouse, lake.config.raw_bucket)

    done = look()

    assert (done.bundles, done.findings) == (1, [])
    assert list(lake.keys(lake.config.archive_bucket)) == []
    assert keys(lake) == sorted(sources)
    ((store, subject, count, reason),) = events(warehouse, "repaired")
    assert (store, subject, count) == ("archive", key, 1)
    assert "each of its 2 answers lies elsewhere" in reason


def test_an_orphan_bundle_with_an_answer_that_differs_from_its_source_is_not_deleted(lake, warehouse, look):
    key, (source,) = bundle(lake, warehouse, [OLD - DAY])
    lake.put(lake.config.raw_bucket, source, b"x" * len(payload_of(source)))
    forget_bundle(warehouse, lake.config.raw_bucket)

    look()

    assert list(lake.keys(lake.config.archive_bucket)) == [key]


def test_an_orphan_bundle_that_holds_the_only_copy_gets_its_row_and_its_answers_are_found_there(lake, warehouse, look):
    _, sources = bundle(lake, warehouse, [OLD - DAY, OLD - DAY + timedelta(minutes=1)])
    before = ask(
        warehouse, "SELECT object_key, object_count, source_bytes, bundle_bytes, sha256, date FROM archive_bundles"
    )
    forget_bundle(warehouse, lake.config.raw_bucket)
    with warehouse.session() as session:  # and one of them was never known
        session.run("DELETE FROM processed_files WHERE object_key = %s", (sources[1],))
        session.run("DELETE FROM extraction_outcomes WHERE object_key = %s", (sources[1],))

    done = look()

    assert (done.bundles, done.repaired, done.findings) == (1, 1, [])
    assert (
        ask(warehouse, "SELECT object_key, object_count, source_bytes, bundle_bytes, sha256, date FROM archive_bundles")
        == before
    )
    ((bundle_id,),) = ask(warehouse, "SELECT bundle_id FROM archive_bundles")
    placed = "SELECT object_key, bucket, bundle_id FROM {} WHERE bundle_id IS NOT NULL"
    archived = lake.config.archive_bucket
    assert ask(warehouse, placed.format("processed_files")) == [(sources[0], archived, bundle_id)]
    assert ask(warehouse, placed.format("extraction_outcomes")) == [(sources[1], archived, bundle_id)]
    archive.run(lake, warehouse, run_id="run", now=NOW, after_days=1)  # what is unfinished is finished
    assert ask(warehouse, "SELECT state FROM archive_bundles") == [("settled",)]
    assert look().findings == []


def test_an_orphan_bundle_of_answers_that_were_expired_on_purpose_goes_as_well(lake, warehouse, look):
    key, _ = bundle(lake, warehouse, [OLD - DAY])
    body = lake.get(lake.config.archive_bucket, key)
    expire.run(lake, warehouse, run_id="run", now=NOW + 60 * DAY, keep_days=30)
    lake.put(lake.config.archive_bucket, key, body)
    with warehouse.session() as session:
        session.run("DELETE FROM archive_bundles")

    assert look(NOW + 61 * DAY).bundles == 1
    assert list(lake.keys(lake.config.archive_bucket)) == []


def test_while_the_archive_step_is_at_work_an_unknown_bundle_is_its_own(lake, warehouse, look):
    key, _ = bundle(lake, warehouse, [OLD - DAY])
    forget_bundle(warehouse, lake.config.raw_bucket)
    warehouse.config = warehouse.config.model_copy(update={"lock_wait_seconds": 1})
    with warehouse.session() as other, warehouse.named_lock(other, archive.LOCK):
        done = look()

    assert done.bundles == 0
    assert list(lake.keys(lake.config.archive_bucket)) == [key]


def test_a_bundle_that_cannot_be_unpacked_is_reported_and_stays(lake, warehouse, look):
    key, _ = bundle(lake, warehouse, [OLD - DAY])
    lake.put(lake.config.archive_bucket, key, b"no archive")
    forget_bundle(warehouse, lake.config.raw_bucket)

    assert any("cannot be unpacked" in one.sentence for one in look().findings)
    assert list(lake.keys(lake.config.archive_bucket)) == [key]


@pytest.fixture
def sweeper(database, object_store, config, tmp_path):
    """Sweep in a process of its own that dies just before or after its nth step: a commit or a deletion."""
    worker = Worker(sys.executable, "support.sweep_actor", tmp_path / "sweep.log")

    def sweep_dying_at(nth, side):
        worker.start(
            {
                "failpoint": {"what": "anything", "nth": nth, "side": side},
                "settings": config.model_dump(mode="json"),
                "database": f"{database.host}:{database.port}:{database.user}:{database.password}",
                "object_store": object_store.port,
                "now": NOW.isoformat(),
            }
        )
        return worker.finish()

    yield sweep_dying_at
    worker.stop()


@pytest.mark.parametrize("side", ["before", "after"])
def test_killed_before_or_after_any_step_the_next_sweep_finishes(lake, warehouse, sweeper, side):
    """A lake in which each kind of repair waits: answers without a row, a bundle to register and one to delete."""
    fresh = [put(lake, OLD - number * DAY) for number in range(3)]
    alone, _ = bundle(lake, warehouse, [OLD - 5 * DAY])
    doubled, (source,) = bundle(lake, warehouse, [OLD - 6 * DAY])
    lake.put(lake.config.raw_bucket, source, payload_of(source))
    forget_bundle(warehouse, lake.config.raw_bucket)
    kills = 0
    while (ended := sweeper(kills + 1, side)).was_killed:
        kills += 1
        assert set(lake.keys(lake.config.raw_bucket)) == {*fresh, source}
        assert alone in set(lake.keys(lake.config.archive_bucket))
    assert ended.status == 0, ended

    assert kills >= 5
    assert list(lake.keys(lake.config.archive_bucket)) == [alone]
    assert doubled != alone
    queued = ask(warehouse, "SELECT object_key FROM extraction_outcomes WHERE load_state = 'pending' ORDER BY 1")
    assert queued == [(key,) for key in sorted(fresh)]
    assert ask(warehouse, "SELECT object_key FROM archive_bundles") == [(alone,)]
    assert sweep.run(lake, warehouse, "run", NOW).findings == []
