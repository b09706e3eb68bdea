"""The warehouse from the lake alone: an empty one is filled and holds the same facts, hours, days and revisions."""

from __future__ import annotations

from contextlib import closing, contextmanager
from datetime import date, timedelta

import pytest

from candlewick.lake.keys import ARCHIVE, checksum_key
from candlewick.pipeline.bulk import load_backlog
from candlewick.pipeline.compare import HISTORY, first_difference
from candlewick.pipeline.dbt_project import profile
from candlewick.pipeline.maintenance import archive
from candlewick.pipeline.rebuild import queue_from_lake
from candlewick.pipeline.rebuild_request import RebuildRefused, RebuildRequest
from candlewick.pipeline.transform import run_dbt
from candlewick.warehouse import schema
from candlewick.warehouse.database import Warehouse, utc_now
from support.archive_files import keep, month
from support.lived import BACKFILL, MODELS, live_through
from support.minute_path import ask, cycle, keys


@contextmanager
def another_warehouse(database, config):
    """An empty warehouse beside the test's own; the lake is the same."""
    config = config.model_copy(
        update={"raw_schema": f"{config.marts_schema}_again_raw", "marts_schema": f"{config.marts_schema}_again"}
    )
    with closing(database.connect()) as root, root.cursor() as cursor:
        for name in (config.raw_schema, config.marts_schema):
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        made = Warehouse(lambda: database.connect(config.raw_schema), config)
        schema.upgrade(made)
        yield made, lambda *words: run_dbt(words, profile(database, config), name="again", config=config)
        for name in (config.raw_schema, config.marts_schema):
            cursor.execute(f"DROP DATABASE {name}")


@pytest.mark.parametrize("aged", [False, True], ids=["as captured", "out of bundles"])
def test_an_empty_warehouse_is_filled_from_the_lake_and_holds_the_same(
    market, binance, database, lake, warehouse, dbt, config, aged
):
    live_through(market, binance, lake, warehouse, dbt)
    if aged:
        archive.run(lake, warehouse, "maintenance", utc_now() + timedelta(days=9), 7)
        assert not [key for key in keys(lake) if key.startswith("2")]
    marts = config.marts_schema
    sources = ask(warehouse, f"SELECT source, COUNT(*) > 99 FROM {marts}.fact_klines GROUP BY source ORDER BY 1")
    assert sources == [("archive_daily", 1), ("rest", 1)]
    assert ask(warehouse, f"SELECT COUNT(*) > 1 FROM {marts}.kline_revisions") == [(1,)]
    with another_warehouse(database, config) as (again, dbt_again):
        dbt_again("run", "--select", *MODELS)
        queued = queue_from_lake(lake, again, "rebuild", RebuildRequest())
        assert (queued.files, queued.known, queued.foreign) == (3, 0, 0)
        loaded = load_backlog(lake, again, "rebuild")
        assert loaded.direct_rows >= 1440
        dbt_again("run", "--select", *MODELS, *BACKFILL)

        for table in HISTORY:
            difference = first_difference(warehouse, again, table)
            assert difference is None, difference.sentence
            name = f"{again.config.marts_schema}.{table.table}"
            assert ask(again, f"SELECT COUNT(*) > 0 FROM {name}") == [(1,)]
        ledger = (
            "SELECT symbol, granularity, period_start, state, checksum, editions FROM archive_files ORDER BY 1, 2, 3"
        )
        assert ask(again, ledger) == ask(warehouse, ledger)
        assert ask(again, "SELECT * FROM extraction_metadata") == []
        facts = f"{again.config.marts_schema}.fact_klines"
        one = "open_time = '2024-06-01 11:00:00' AND symbol = 'BTCUSDT'"
        ask(again, f"UPDATE {facts} SET volume = volume + 1 WHERE {one}")
        difference = first_difference(warehouse, again, HISTORY[0])
        assert difference.key[1:3] == ("BTCUSDT", "1m")
        assert "volume" in difference.sentence
        ask(again, f"DELETE FROM {facts} WHERE {one}")
        assert "only the left one has it" in first_difference(warehouse, again, HISTORY[0]).sentence


def test_what_is_known_is_left_alone_unless_it_is_forced_and_then_changes_nothing(lake, warehouse):
    keep(warehouse, lake, month())
    assert load_backlog(lake, warehouse, "run").rows == 744
    request = RebuildRequest.read({"symbols": ["BTCUSDT"]}, date(2024, 1, 1))
    assert queue_from_lake(lake, warehouse, "again", request).known == 1
    assert load_backlog(lake, warehouse, "again").objects == 0
    forced = RebuildRequest.read({"force": True}, date(2024, 1, 1))
    queue_from_lake(lake, warehouse, "again", forced)
    assert load_backlog(lake, warehouse, "again").rows == 744
    assert ask(warehouse, "SELECT record_count, load_id FROM processed_files") == [(744, 2)]


@pytest.mark.parametrize(
    ("params", "files"),
    [
        ({}, 3),
        ({"symbols": ["ETHUSDT"]}, 1),
        ({"start": "2023-03-31", "end": "2023-03-31"}, 2),
        ({"start": "2023-04-01"}, 1),
        ({"end": "2023-02-28"}, 0),
    ],
)
def test_symbols_and_days_say_which_objects_are_taken(lake, warehouse, params, files):
    for file in (month(), month("2023-04"), month("2023-03", "ETHUSDT")):
        keep(warehouse, lake, file)
    ask(warehouse, "DELETE FROM extraction_outcomes")
    ask(warehouse, "DELETE FROM archive_files")
    request = RebuildRequest.read(params, date(2024, 1, 1))
    assert queue_from_lake(lake, warehouse, "again", request).files == files


def test_an_answer_that_aged_is_taken_once_also_while_it_lies_in_both_buckets(binance, lake, warehouse):
    cycle(binance, lake, warehouse)
    only, both, *others = keys(lake)
    for key in (only, both):
        lake.put(lake.config.archive_bucket, key, lake.get(lake.config.raw_bucket, key))
    lake._client.delete_object(Bucket=lake.config.raw_bucket, Key=only)
    for table in ("extraction_outcomes", "processed_files", "staging_klines", "staging_orderbook"):
        ask(warehouse, f"DELETE FROM {table}")

    queued = queue_from_lake(lake, warehouse, "again", RebuildRequest())
    assert (queued.answers, queued.known, queued.foreign) == (2 + len(others), 0, 0)
    assert ask(
        warehouse, "SELECT object_key FROM extraction_outcomes WHERE bucket = %s", lake.config.archive_bucket
    ) == [(only,)]
    assert load_backlog(lake, warehouse, "again").objects == queued.answers


def test_a_file_without_its_checksum_is_taken_as_it_is_and_one_with_anothers_is_left_out(lake, warehouse):
    keep(warehouse, lake, month())
    keep(warehouse, lake, month("2023-04"))
    for statement in ("DELETE FROM extraction_outcomes", "DELETE FROM archive_files"):
        ask(warehouse, statement)
    march, april = (key for key in keys(lake) if key.startswith(ARCHIVE) and key.endswith(".zip"))
    lake._client.delete_object(Bucket=lake.config.raw_bucket, Key=checksum_key(march))
    lake.put(lake.config.raw_bucket, checksum_key(april), b"0" * 64 + b"  ETHUSDT-1h-2023-04.zip\n")
    summary = queue_from_lake(lake, warehouse, "again", RebuildRequest())
    assert (summary.files, summary.foreign) == (1, 1)
    assert load_backlog(lake, warehouse, "again").rows == 744
    assert ask(warehouse, "SELECT period_start, state FROM archive_files") == [(date(2023, 3, 1), "loaded")]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"symbols": ["btc usdt"]}, "expected symbols as the exchange writes them"),
        ({"start": "yesterday"}, "expected start as a date"),
        ({"start": "2023-02-02", "end": "2023-02-01"}, "swap them"),
        ({"start": "2024-01-02"}, "nothing of the future"),
    ],
)
def test_a_rebuild_that_makes_no_sense_is_refused_with_a_sentence(params, said):
    with pytest.raises(RebuildRefused, match=said):
        RebuildRequest.read(params, date(2024, 1, 1))
