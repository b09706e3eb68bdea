"""From the simulated archive into the lake and the ledger, whatever goes wrong on the way."""

from __future__ import annotations

import hashlib
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from threading import Barrier

import pytest

from candlewick.archive_file import ArchiveFile
from candlewick.exchange.archive import from_connection
from candlewick.exchange.errors import BadChecksum, Unavailable
from candlewick.lake.keys import checksum_key, parse_archive_key
from candlewick.lake.store import LakeUnavailable
from candlewick.market import Interval, RejectReason
from candlewick.pipeline.archive_fetch import FetchedFile, fetch_file, republished_files
from candlewick.warehouse import archive_files, outcomes
from candlewick.warehouse.database import from_ms
from support.minute_path import ask, keys

DAY = ArchiveFile.of_day("BTCUSDT", Interval.HOUR_1, date(2024, 5, 20))
NEXT_DAY = ArchiveFile.of_day("BTCUSDT", Interval.HOUR_1, date(2024, 5, 21))
MONTH = ArchiveFile.of_month("ETHUSDT", Interval.MINUTE_15, date(2024, 4, 1))
TODAY = datetime(2024, 6, 1)


@pytest.fixture
def archive(market, config):
    client = from_connection(market.url, {}, config)
    yield client
    client.close()


@pytest.fixture
def fetch(archive, lake, warehouse):
    def fetched(file=DAY, **how):
        return fetch_file(archive, lake, warehouse, file, "run", **how)

    return fetched


@pytest.fixture
def look(archive, warehouse, config):
    return lambda: republished_files(archive, warehouse, config, now=TODAY)


def ledger(warehouse, file=DAY):
    with warehouse.session() as session:
        return archive_files.known(session, "binance", file)


def queued(warehouse):
    return [row[0] for row in ask(warehouse, "SELECT outcome_id FROM extraction_outcomes WHERE load_state = 'pending'")]


def load(warehouse, object_id, fault=None):
    """What a load leaves of an archive file."""
    with warehouse.session() as session:
        outcomes.settle(session, [object_id], "quarantined" if fault else "loaded", 1)
        archive_files.settle(session, object_id, fault and fault.sentence)
        if fault:
            session.run(
                "INSERT INTO quarantined_rows (object_id, row_number_in_object, load_id, exchange, symbol, data_type, "
                "reason, offending, quarantined_at) VALUES (%s, 0, 1, 'binance', 'BTCUSDT', 'klines', %s, '', NOW())",
                (object_id, fault),
            )


@pytest.mark.parametrize("file", [DAY, MONTH])
def test_a_file_lies_in_the_lake_as_published_with_its_checksum(fetch, lake, warehouse, market, file):
    found = fetch(file)

    published = market.get(f"/{file.path}").content
    zip_key, sum_key = keys(lake)
    assert parse_archive_key(zip_key)[0] == file
    assert sum_key == checksum_key(zip_key)
    assert lake.get(lake.config.raw_bucket, zip_key) == published
    assert lake.get(lake.config.raw_bucket, sum_key).decode() == market.get(f"/{file.path}.CHECKSUM").text
    assert (found.state, found.payload_bytes, found.reason) == ("stored", len(published), None)


@pytest.mark.parametrize("file", [DAY, MONTH])
def test_its_outcome_queues_it_for_the_backfill_lane_with_the_files_own_span(fetch, lake, warehouse, file):
    found = fetch(file)

    (row,) = ask(
        warehouse,
        "SELECT outcome_id, lane, load_state, source, symbol, interval_code, shard, page, object_key, sha256, "
        "first_open_time, last_open_time, exchange_time, run_id FROM extraction_outcomes",
    )
    payload = lake.get(lake.config.raw_bucket, row[8])
    assert row[:4] == (found.object_id, "backfill", "pending", f"archive_{file.granularity}")
    assert row[4:8] == (file.symbol, file.interval, file.name, 1)
    assert row[9] == hashlib.sha256(payload).hexdigest()
    last = from_ms(file.end_ms - file.interval.milliseconds)
    assert row[10:] == (from_ms(file.start_ms), last, from_ms(file.end_ms), "run")


def test_the_ledger_knows_the_edition(fetch, warehouse):
    found = fetch()

    columns = "state, checksum, object_id, editions, payload_bytes, attempts, reason, published_at, path"
    (row,) = ask(warehouse, f"SELECT {columns} FROM archive_files")
    (sha256,) = ask(warehouse, "SELECT sha256 FROM extraction_outcomes")[0]
    published_at = datetime(2024, 5, 21, 2)
    assert row == ("stored", sha256, found.object_id, 1, found.payload_bytes, 0, None, published_at, DAY.path)


@pytest.mark.parametrize("is_loaded", [False, True])
def test_an_edition_that_is_there_is_asked_about_and_not_downloaded(fetch, warehouse, market, is_loaded):
    found = fetch()
    if is_loaded:
        load(warehouse, found.object_id)
    market.forget_requests()

    assert fetch() == FetchedFile(DAY, "unchanged", found.object_id, found.payload_bytes)
    assert [request["path"] for request in market.requests()] == [f"/{DAY.path}.CHECKSUM"]
    assert ledger(warehouse).state == ("loaded" if is_loaded else "stored")


def test_force_takes_the_same_edition_once_more(fetch, warehouse):
    first, second = fetch(), fetch(force=True)

    assert second.state == "stored"
    assert queued(warehouse) == [first.object_id, second.object_id]
    assert ask(warehouse, "SELECT editions, object_id FROM archive_files") == [(2, second.object_id)]


def test_a_file_that_is_not_there_is_on_record_until_it_is(fetch, warehouse, market):
    market.add_faults({"kind": "404", "path": "daily", "suffix": ".CHECKSUM"})
    assert fetch().state == "missing"
    (row,) = ask(warehouse, "SELECT state, reason, object_id FROM archive_files")
    assert row == ("missing", "the archive has no such file", None)
    assert ask(warehouse, "SELECT COUNT(*) FROM extraction_outcomes") == [(0,)]

    market.clear_faults()
    assert fetch().state == "stored"
    assert ledger(warehouse).reason is None


def test_a_month_can_be_missing_while_its_days_are_there(fetch, market):
    market.add_faults({"kind": "404", "path": "monthly"})
    assert (fetch(MONTH).state, fetch(DAY).state) == ("missing", "stored")


def test_a_checksum_without_its_file_is_a_missing_file(fetch, warehouse, market):
    market.add_faults({"kind": "404", "suffix": ".zip"})
    assert fetch().state == "missing"
    assert ledger(warehouse).reason == "its checksum is there, the file is not"


def test_a_file_that_was_taken_off_the_archive_stays_loaded(fetch, warehouse, market):
    found = fetch()
    load(warehouse, found.object_id)
    market.add_faults({"kind": "404"})

    gone = fetch()
    assert (gone.state, gone.object_id) == ("unchanged", found.object_id)
    assert ledger(warehouse).state == "loaded"
    assert "the last edition is kept" in ledger(warehouse).reason
    assert fetch(force=True).state == "stored"
    assert queued(warehouse) == [found.object_id]


def test_a_wrong_checksum_is_asked_about_again_then_the_file_is_refused(fetch, lake, warehouse, market):
    market.add_faults({"kind": "bad_checksum"})
    refused = fetch()

    sums = market.get(f"/{DAY.path}.CHECKSUM").text.split()[0], hashlib.sha256(market.get(f"/{DAY.path}").content)
    assert refused.state == "refused"
    assert sums[0] in refused.reason
    assert sums[1].hexdigest() in refused.reason
    assert queued(warehouse) == []
    (key, state, object_id) = ask(warehouse, "SELECT object_key, load_state, outcome_id FROM extraction_outcomes")[0]
    assert key in keys(lake)
    assert key.startswith("refused/spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-05-20_")
    assert state == "quarantined"
    assert ask(warehouse, "SELECT status, record_count FROM processed_files") == [("quarantined", 0)]
    rows = ask(warehouse, "SELECT object_id, row_number_in_object, reason, offending FROM quarantined_rows")
    assert rows == [(object_id, 0, "checksum_mismatch", refused.reason.partition(": ")[2])]
    known = ledger(warehouse)
    assert (known.state, known.attempts, known.object_id) == ("refused", 2, None)
    assert [r["path"][-4:] for r in market.requests()][:4] == ["KSUM", ".zip", "KSUM", ".zip"]


def test_a_file_that_is_refused_day_by_day_is_kept_once(fetch, lake, warehouse, market):
    market.add_faults({"kind": "bad_checksum"})
    fetch(), fetch()

    assert ask(warehouse, "SELECT COUNT(*) FROM quarantined_rows") == [(1,)]
    assert ledger(warehouse).attempts == 4


def test_a_refused_file_is_taken_once_it_is_right(fetch, warehouse, market):
    market.add_faults({"kind": "bad_checksum"})
    fetch()
    market.clear_faults()

    found = fetch()
    known = ledger(warehouse)
    assert (found.state, queued(warehouse)) == ("stored", [found.object_id])
    assert (known.state, known.attempts, known.reason) == ("stored", 0, None)


def test_a_file_that_is_published_again_while_it_is_fetched_is_no_mismatch(fetch, warehouse, market):
    market.add_faults(
        {"kind": "republished", "suffix": ".zip"},
        {
            "kind": "republished",
            "suffix": ".CHECKSUM",
            "probability": 0.5,
            "seed": 10,
        },  # not the first, then the second
    )
    assert fetch().state == "stored"
    assert [r["path"][-4:] for r in market.requests()] == ["KSUM", ".zip", "KSUM"]


def test_a_bad_edition_leaves_the_good_one_in_its_place(fetch, look, warehouse, market):
    good = fetch()
    load(warehouse, good.object_id)
    market.add_faults({"kind": "republished"}, {"kind": "bad_checksum"})

    assert look() == [DAY]
    assert fetch().state == "refused"
    assert ledger(warehouse).object_id == good.object_id
    market.clear_faults()
    assert fetch() == FetchedFile(DAY, "unchanged", good.object_id, good.payload_bytes)
    assert ledger(warehouse).state == "loaded"


def test_a_zip_that_cannot_be_read_is_not_fetched_again_until_another_is_published(fetch, look, warehouse, market):
    market.add_faults({"kind": "corrupt_zip", "checksum_of": "damaged"})
    damaged = fetch()
    assert damaged.state == "stored"
    load(warehouse, damaged.object_id, RejectReason.BAD_ARCHIVE)
    market.forget_requests()

    again = fetch()
    assert (again.state, again.object_id, again.reason) == ("refused", None, RejectReason.BAD_ARCHIVE.sentence)
    assert look() == []
    assert [r["path"] for r in market.requests() if r["path"].endswith(".zip")] == []
    market.clear_faults()
    assert look() == [DAY]
    assert fetch().state == "stored"
    assert ledger(warehouse).state == "stored"


def test_an_object_the_lake_has_lost_is_fetched_again(fetch, warehouse):
    lost = fetch()
    load(warehouse, lost.object_id, RejectReason.OBJECT_MISSING)

    found = fetch()
    assert (found.state, queued(warehouse)) == ("stored", [found.object_id])


def test_a_checksum_of_another_file_refuses_the_file(fetch, archive, warehouse, monkeypatch):
    def of_another(_file):
        raise BadChecksum("expected the checksum of one, got that of another")

    monkeypatch.setattr(archive, "checksum", of_another)
    assert fetch().state == "refused"
    assert (ledger(warehouse).state, ledger(warehouse).attempts) == ("refused", 1)
    assert ask(warehouse, "SELECT error_kind, load_state FROM extraction_outcomes") == [("BadChecksum", "none")]


@pytest.mark.parametrize("file", [DAY, MONTH])
def test_a_download_that_is_cut_off_begins_again(fetch, lake, market, file):
    market.add_faults({"kind": "cutoff", "suffix": ".zip", "count": 2})
    assert fetch(file).state == "stored"
    assert lake.get(lake.config.raw_bucket, keys(lake)[0]) == market.get(f"/{file.path}").content


@pytest.mark.parametrize("suffix", [".zip", ".CHECKSUM"])
def test_an_archive_that_does_not_answer_leaves_a_row_and_nothing_half_done(fetch, lake, warehouse, market, suffix):
    market.add_faults({"kind": "cutoff", "suffix": suffix})
    with pytest.raises(Unavailable):
        fetch()

    (row,) = ask(warehouse, "SELECT status, error_kind, source, lane, shard, load_state FROM extraction_outcomes")
    assert row == ("failed", "Unavailable", "archive_daily", "backfill", DAY.name, "none")
    assert keys(lake) == []
    market.clear_faults()
    assert fetch().state == "stored"


def test_a_lake_that_fails_queues_nothing_and_the_file_is_asked_for_again(fetch, lake, warehouse, monkeypatch):
    def refuse(*_):
        raise LakeUnavailable("the store sleeps")

    with monkeypatch.context() as broken:
        broken.setattr(lake, "put", refuse)  # the zip is there, its checksum is not
        with pytest.raises(LakeUnavailable):
            fetch()
    assert queued(warehouse) == []
    assert ledger(warehouse) is None

    found = fetch()
    assert (found.state, queued(warehouse)) == ("stored", [found.object_id])


def test_two_tasks_that_fetch_the_same_file_queue_it_once(archive, lake, warehouse, monkeypatch):
    together, put_file = Barrier(2), lake.put_file

    def put_together(*what):
        put_file(*what)
        together.wait(20)

    monkeypatch.setattr(lake, "put_file", put_together)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda run: fetch_file(archive, lake, warehouse, DAY, run), ["one", "two"]))

    assert sorted(one.state for one in found) == ["stored", "unchanged"]
    assert {one.object_id for one in found} == set(queued(warehouse))
    assert ask(warehouse, "SELECT editions FROM archive_files") == [(1,)]


def test_the_daily_look_asks_for_checksums_only_and_finds_what_was_published_again(fetch, look, warehouse, market):
    for file in (DAY, NEXT_DAY, MONTH):
        load(warehouse, fetch(file).object_id)
    market.forget_requests()
    assert look() == []
    assert sorted(r["path"] for r in market.requests()) == sorted(f"/{f.path}.CHECKSUM" for f in (DAY, NEXT_DAY, MONTH))
    assert ask(warehouse, "SELECT DISTINCT checked_at FROM archive_files") == [(TODAY,)]

    market.add_faults({"kind": "republished", "path": "2024-05-21"})
    assert look() == [NEXT_DAY]
    second = fetch(NEXT_DAY)
    assert (second.state, queued(warehouse)) == ("stored", [second.object_id])
    assert look() == []
    assert ask(warehouse, "SELECT editions, published_at FROM archive_files WHERE editions = 2") == [
        (2, datetime(2024, 5, 23, 2))
    ]


def test_the_daily_look_asks_again_for_recent_files_that_were_missing_or_refused(fetch, look, market, warehouse):
    old = ArchiveFile.of_day("BTCUSDT", Interval.HOUR_1, date(2024, 3, 1))
    market.add_faults({"kind": "404", "path": "05-20"}, {"kind": "404", "path": "03-01"})
    market.add_faults({"kind": "bad_checksum", "path": "05-21"})
    assert [fetch(file).state for file in (DAY, NEXT_DAY, old)] == ["missing", "refused", "missing"]
    assert look() == [NEXT_DAY]

    market.clear_faults()
    assert look() == [DAY, NEXT_DAY]


def test_one_look_is_bounded_and_the_next_goes_on(fetch, archive, warehouse, config, market):
    for file in (DAY, NEXT_DAY):
        fetch(file)
    market.forget_requests()
    for year in (2100, 2101):
        republished_files(archive, warehouse, config, now=datetime(year, 1, 1), most=1)
    assert sorted(r["path"] for r in market.requests()) == [f"/{file.path}.CHECKSUM" for file in (DAY, NEXT_DAY)]


def test_a_checksum_that_cannot_be_had_does_not_stop_the_look(fetch, look, warehouse, market):
    for file in (DAY, NEXT_DAY):
        fetch(file)
    market.add_faults({"kind": "500", "path": "05-20"}, {"kind": "republished", "path": "05-21"})
    assert look() == [NEXT_DAY]
    market.add_faults({"kind": "500"})
    with pytest.raises(Unavailable):
        look()


def test_memory_does_not_grow_with_the_file(fetch, market):
    fetch(DAY)
    big = ArchiveFile.of_month("BTCUSDT", Interval.MINUTE_1, date(2024, 4, 1))
    size = len(market.get(f"/{big.path}").content)
    tracemalloc.start()
    fetch(big)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size < 4_000_000
