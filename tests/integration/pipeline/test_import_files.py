"""Local archive files and answers come into the lake and into staging; nothing from outside of their folder does."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import datetime

import pytest

from candlewick.lake.envelope import wrap
from candlewick.lake.keys import checksum_key, parse_archive_key
from candlewick.lake.store import LakeUnavailable
from candlewick.market import DataType, Interval, Source
from candlewick.pipeline.bulk import load_objects
from candlewick.pipeline.import_files import import_folder
from candlewick.pipeline.local_files import FolderRefused
from support.archive_files import day, month, published, rows_of
from support.minute_path import ask, keys

NOON_MS = 1_717_243_200_000
ALWAYS = (0, 4_102_444_800_000)
BOOK = {"lastUpdateId": 5, "bids": [["9.00000000", "1.00000000"]], "asks": [["10.00000000", "1.00000000"]]}


@pytest.fixture
def root(tmp_path, warehouse):
    """The folder below which files may be imported."""
    folder = tmp_path / "files"
    folder.mkdir()
    warehouse.config = warehouse.config.model_copy(update={"files_dir": folder})
    return folder


@pytest.fixture
def imported(lake, warehouse, root):
    def run(folder=".", symbols=("BTCUSDT",), interval=Interval.MINUTE_1, span=ALWAYS):
        return import_folder(lake, warehouse, folder, "run", symbols, interval, span)

    return run


def put_zip(folder, file, content=None, *, checksum=True):
    content = published(file) if content is None else content
    path = folder / f"{file.name}.zip"
    path.write_bytes(content)
    if checksum:
        digest = checksum if isinstance(checksum, str) else hashlib.sha256(content).hexdigest()
        path.with_name(f"{path.name}.CHECKSUM").write_text(f"{digest}  {path.name}")
    return content


def minutes(count=3, start=NOON_MS):
    """Candles from noon on, as REST answers them."""
    rows = rows_of(day("2024-06-01"))
    at = next(index for index, row in enumerate(rows) if row[0] == start)
    return rows[at : at + count]


def ours(data=None, **changes):
    fields = {
        "exchange": "binance", "symbol": "BTCUSDT", "data_type": DataType.KLINES, "interval": Interval.MINUTE_1,
        "source": Source.REST, "captured_at_ms": NOON_MS + 130_000, "exchange_time_ms": NOON_MS + 125_000, **changes,
    }  # fmt: skip
    return wrap(json.dumps(minutes() if data is None else data).encode(), **fields)


def older(data=None, **changes):
    fields = {"symbol": "BTCUSDT", "captured_at": NOON_MS + 130_000, "type": "klines", "interval": "1m", **changes}
    return json.dumps({**fields, "data": minutes() if data is None else data}).encode()


def queued(warehouse):
    return [row[0] for row in ask(warehouse, "SELECT outcome_id FROM extraction_outcomes ORDER BY 1")]


@pytest.mark.parametrize("file", [day(), month(interval=Interval.MINUTE_1)])
def test_an_archive_file_is_imported_as_published_and_loaded(imported, lake, warehouse, root, file):
    content = put_zip(root, file)
    summary = imported()

    key, sum_key = keys(lake)
    assert parse_archive_key(key)[0] == file
    assert lake.get(lake.config.raw_bucket, key) == content
    assert sum_key == checksum_key(key)
    assert (summary.object_ids, summary.unverified, summary.problems) == (queued(warehouse), [], [])
    assert load_objects(lake, warehouse, "run", summary.object_ids).rows == len(rows_of(file))
    assert ask(warehouse, "SELECT state, checksum, editions, reason FROM archive_files") == [
        ("loaded", hashlib.sha256(content).hexdigest(), 1, None)
    ]


def test_a_file_without_a_checksum_is_taken_and_that_is_said(imported, warehouse, root):
    content = put_zip(root, day(), checksum=False)
    summary = imported()

    assert summary.unverified == [f"{day().name}.zip"]
    assert "1 archive files without a checksum" in summary.sentence
    assert ask(warehouse, "SELECT checksum, reason FROM archive_files") == [
        (hashlib.sha256(content).hexdigest(), "imported without a checksum")
    ]


@pytest.mark.parametrize(
    ("content", "checksum", "said"),
    [
        (None, "0" * 64, "expected the sha256 0000"),
        (None, "not a checksum", "expected `<sha256>"),
        (b"no zip", True, "expected a zip"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_reported_and_not_queued(
    imported, warehouse, lake, root, content, checksum, said
):
    put_zip(root, day(), content, checksum=checksum)
    put_zip(root, day("2023-03-25"))
    summary = imported()

    assert len(summary.object_ids) == 1
    (problem,) = summary.problems
    assert problem.startswith(f"{day().name}.zip: {said}")
    assert all("2023-03-24" not in key for key in keys(lake))


def test_importing_the_same_files_again_queues_nothing_twice(imported, lake, warehouse, root):
    put_zip(root, day())
    (root / "a.json").write_bytes(ours())
    (root / "b.json").write_bytes(older())
    first = imported()

    again = imported()
    assert (sorted(again.object_ids), again.skipped) == (sorted(first.object_ids), 0)
    load_objects(lake, warehouse, "run", again.object_ids)
    loaded = imported()
    assert (loaded.object_ids, loaded.skipped) == ([], 3)
    assert len(queued(warehouse)) == 3


def test_an_answer_that_was_loaded_is_known_also_when_its_outcome_was_pruned(imported, lake, warehouse, root):
    (root / "a.json").write_bytes(ours())
    load_objects(lake, warehouse, "run", imported().object_ids)
    ask(warehouse, "UPDATE extraction_outcomes SET sha256 = NULL")  # as a rebuild writes it
    assert imported().skipped == 1
    ask(warehouse, "DELETE FROM extraction_outcomes")

    again = imported()
    assert (again.object_ids, again.skipped) == ([], 1)
    assert queued(warehouse) == []


def test_one_answer_under_two_names_is_queued_once(imported, warehouse, root):
    (root / "a.json").write_bytes(ours())
    (root / "b.json").write_bytes(ours())
    summary = imported()
    assert (len(summary.object_ids), summary.skipped) == (1, 1)


def test_two_answers_of_one_capture_are_both_kept(imported, lake, root):
    (root / "BTCUSDT_klines_1717243330000.json").write_bytes(ours())
    (root / "BTCUSDT_klines_1717243330000_p2.json").write_bytes(ours(minutes(2)))
    (root / "x.json").write_bytes(ours(minutes(1)))
    summary = imported()
    name = f"2024-06-01/BTCUSDT_klines_{NOON_MS + 130_000}"
    assert keys(lake) == [f"{name}.json", f"{name}_p2.json", f"{name}_p3.json"]
    assert len(summary.object_ids) == 3


def test_an_answer_of_ours_is_kept_byte_for_byte_and_loaded(imported, lake, warehouse, root):
    (root / "2024-06-01").mkdir()
    payload = ours()
    (root / "2024-06-01" / "BTCUSDT_klines_1717243330000.json").write_bytes(payload)
    summary = imported()

    (key,) = keys(lake)
    assert lake.get(lake.config.raw_bucket, key) == payload
    (row,) = ask(
        warehouse,
        "SELECT lane, load_state, source, row_count, first_open_time, last_open_time, exchange_time, sha256 "
        "FROM extraction_outcomes",
    )
    noon = datetime(2024, 6, 1, 12)
    assert row == (
        "backfill", "pending", "rest", 3, noon, noon.replace(minute=2), noon.replace(minute=2, second=5),
        hashlib.sha256(payload).hexdigest(),
    )  # fmt: skip
    assert load_objects(lake, warehouse, "run", summary.object_ids).rows == 3


def test_an_older_answer_is_final_only_as_far_as_its_capture_shows(imported, lake, warehouse, root):
    (root / "BTCUSDT_klines_1717243330000.json").write_bytes(older())
    load_objects(lake, warehouse, "run", imported().object_ids)

    rows = ask(warehouse, "SELECT close_time < exchange_time FROM staging_klines ORDER BY open_time")
    assert [row[0] for row in rows] == [1, 1, 0]


def test_an_older_book_is_imported_whatever_interval_is_asked_for(imported, lake, warehouse, root):
    (root / "BTCUSDT_depth_1717243330000.json").write_bytes(older(BOOK, type="depth"))
    summary = imported(interval=Interval.HOUR_1)
    assert load_objects(lake, warehouse, "run", summary.object_ids).rows == 2
    assert ask(warehouse, "SELECT COUNT(*) FROM staging_orderbook") == [(2,)]


def test_only_what_was_asked_for_is_taken(imported, root):
    put_zip(root, day())
    put_zip(root, day("2023-03-25"))
    put_zip(root, day(symbol="ETHUSDT"))
    put_zip(root, day(interval=Interval.HOUR_1))
    for name, changes in {
        "wanted": {},
        "other symbol": {"symbol": "ETHUSDT"},
        "other interval": {"interval": Interval.HOUR_1},
    }.items():
        (root / f"{name}.json").write_bytes(ours(**changes))
    day_ms = 86_400_000
    first = imported(span=(day().start_ms, day().end_ms))
    assert (len(first.object_ids), first.left_out) == (1, 6)
    second = imported(span=(NOON_MS + 120_000, NOON_MS + day_ms))
    assert (len(second.object_ids), second.left_out) == (1, 6)


def test_what_is_neither_is_reported_and_stops_nothing(imported, root):
    put_zip(root, day())
    (root / "notes.txt").write_text("hello")
    (root / "broken.json").write_text("{")
    (root / "lonely.zip.CHECKSUM").write_text("x")
    (root / "BTCUSDT-3m-2023-03.zip").write_bytes(published(day()))
    (root / "evil.json").write_bytes(ours(symbol="../../BTC"))
    (root / "elsewhere.json").write_bytes(ours(exchange="kraken"))
    (root / "no interval.json").write_bytes(ours(interval=None))
    (root / "of the future.json").write_bytes(ours(captured_at_ms=4_000_000_000_000))
    (root / "its clock ahead.json").write_bytes(ours(exchange_time_ms=4_000_000_000_000))
    (root / "no file.json").write_bytes(ours(source=Source.ARCHIVE_DAILY))
    put_zip(root, day("2099-01-01"))
    summary = imported()

    assert len(summary.object_ids) == 1
    said = dict(problem.split(": ", 1) for problem in summary.problems)
    assert sorted(said) == [
        "BTCUSDT-1m-2099-01-01.zip", "BTCUSDT-3m-2023-03.zip", "broken.json", "elsewhere.json", "evil.json",
        "its clock ahead.json", "lonely.zip.CHECKSUM", "no file.json", "no interval.json", "notes.txt", "of the future.json",
    ]  # fmt: skip
    assert "expected an archive file" in said["notes.txt"]
    assert "expected a file whose period is over" in said["BTCUSDT-1m-2099-01-01.zip"]
    assert summary.problem_count == 11


def test_an_empty_folder_is_nothing_to_do(imported):
    assert imported().sentence == "0 objects queued, 0 there already, 0 not asked for, 0 not imported"


@pytest.mark.parametrize("folder", ["..", "../outside", "/etc", "nothing", "link", "inside/../../outside"])
def test_a_folder_outside_of_the_one_that_is_allowed_is_refused_with_a_sentence(imported, root, folder):
    outside = root.parent / "outside"
    outside.mkdir()
    put_zip(outside, day())
    (root / "inside").mkdir()
    (root / "link").symlink_to(outside)
    with pytest.raises(FolderRefused, match=r"expected a folder below .*files, (got|but)"):
        imported(folder)


def test_a_link_that_leads_outside_is_reported_and_not_read(imported, lake, root):
    outside = root.parent / "outside"
    outside.mkdir()
    put_zip(outside, day(), checksum=False)
    (root / f"{day().name}.zip").symlink_to(outside / f"{day().name}.zip")
    (root / "folder").symlink_to(outside)
    put_zip(root, day("2023-03-25"))
    (root / "2023").mkdir()
    (root / "2023" / f"{day('2023-03-25').name}.zip").symlink_to(root / f"{day('2023-03-25').name}.zip")
    summary = imported()

    assert sorted(problem.split(": ")[0] for problem in summary.problems) == [f"{day().name}.zip", "folder"]
    assert any("a link that leads outside" in problem for problem in summary.problems)
    assert (len(summary.object_ids), summary.skipped) == (1, 1)  # by its name, and by the link that stays inside
    assert all("2023-03-25" in key for key in keys(lake))


def test_a_checksum_that_is_a_link_to_the_outside_is_not_read(imported, root):
    (root.parent / "secret").write_text("the password")
    put_zip(root, day(), checksum=False)
    (root / f"{day().name}.zip.CHECKSUM").symlink_to(root.parent / "secret")
    summary = imported()

    assert summary.object_ids == []
    assert any("leads outside" in problem for problem in summary.problems)
    assert not any("password" in problem for problem in summary.problems)


def test_an_absolute_folder_below_the_allowed_one_is_fine(imported, root):
    (root / "2023").mkdir()
    put_zip(root / "2023", day())
    assert len(imported(root / "2023").object_ids) == 1


def test_a_local_file_does_not_replace_the_edition_the_lake_has(imported, lake, warehouse, root):
    put_zip(root, day())
    imported()
    put_zip(root, day(), published(day(), rows_of(day())[:-1]))
    summary = imported()

    assert summary.object_ids == []
    assert "expected the edition the lake has" in summary.problems[0]
    assert ask(warehouse, "SELECT editions FROM archive_files") == [(1,)]


def test_a_store_that_fails_leaves_nothing_half_queued(imported, lake, warehouse, root, monkeypatch):
    put_zip(root, day())
    for number in range(5):
        (root / f"{number}.json").write_bytes(ours(captured_at_ms=NOON_MS + 200_000 + number))
    put, puts = lake.put, []

    def failing(bucket, key, payload):
        puts.append(key)
        if len(puts) == 3:
            raise LakeUnavailable("the store sleeps")
        put(bucket, key, payload)

    with monkeypatch.context() as broken:
        broken.setattr(lake, "put", failing)
        with pytest.raises(LakeUnavailable):
            imported()
    before = queued(warehouse)
    summary = imported()
    assert len(before) == 1
    assert sorted(summary.object_ids) == queued(warehouse)
    assert len(summary.object_ids) == 6
    assert all(
        lake.get(lake.config.raw_bucket, row[0]) for row in ask(warehouse, "SELECT object_key FROM extraction_outcomes")
    )


def test_the_publishers_own_files_are_imported_and_loaded(imported, lake, warehouse, root, recordings):
    shutil.copytree(recordings / "original_2020", root / "2020")
    summary = imported("2020")

    assert (len(summary.object_ids), summary.problems, summary.unverified) == (3, [], [])
    assert load_objects(lake, warehouse, "run", summary.object_ids).rows == 3 * 1440
