"""The backfill lane's load: from editions and answers in the lake to staging, quarantine and facts, on real servers."""

from __future__ import annotations

import ast
import re
import threading

import pytest
import yaml

from candlewick.lake.keys import archive_key
from candlewick.lake.store import Lake, LakeUnavailable
from candlewick.market import Interval
from candlewick.pipeline.bulk import load_backlog, load_objects
from candlewick.pipeline.load import UnknownObject, load_again, load_pending
from candlewick.pipeline.rest_span import fetch_span
from candlewick.settings import REPOSITORY
from candlewick.warehouse import facts as written
from support.archive_files import csv_of, day, keep, month, published, rows_of, zipped
from support.marts import build_facts
from support.minute_path import ask

PROJECT = REPOSITORY / "dbt_project/models/facts"


@pytest.fixture
def built(database, warehouse, dbt):
    """The table of facts as dbt builds it, empty."""
    build_facts(database, warehouse, dbt)


def facts(warehouse, columns="*"):
    return ask(warehouse, f"SELECT {columns} FROM {warehouse.config.marts_schema}.fact_klines ORDER BY open_time")


def one(warehouse, query, *parameters):
    return ask(warehouse, query, *parameters)[0][0]


@pytest.mark.parametrize("text", ["2024-12-31", "2025-01-01"])
def test_a_file_in_milliseconds_and_one_in_microseconds_are_staged_alike(lake, warehouse, text):
    file = day(text)
    object_id = keep(warehouse, lake, file)

    summary = load_objects(lake, warehouse, "run", [object_id])

    staged = ask(
        warehouse,
        "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', open_time) DIV 1000, open_price, volume, "
        "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', close_time) DIV 1000, trade_count, source, exchange_time, object_id, "
        "row_number_in_load FROM staging_klines ORDER BY row_number_in_load",
    )
    expected = rows_of(file)
    assert [row[0] for row in staged] == [row[0] for row in expected]
    assert [str(row[1]) for row in staged] == [row[1] for row in expected]
    assert [row[3] for row in staged] == [row[6] for row in expected]
    assert [row[8] for row in staged] == list(range(1, 1441))
    assert {row[5:8] for row in staged} == {
        ("archive_daily", ask(warehouse, "SELECT CAST(%s AS DATETIME(3))", f"{file.period_end}")[0][0], object_id)
    }
    assert (summary.rows, summary.rejected, summary.rows_by_object) == (1440, 0, {object_id: 1440})
    assert one(warehouse, "SELECT lane FROM loads") == "backfill"
    assert ask(warehouse, "SELECT load_state FROM extraction_outcomes") == [("loaded",)]
    assert ask(warehouse, "SELECT state FROM archive_files") == [("loaded",)]
    assert ask(warehouse, "SELECT * FROM extraction_metadata") == []


def test_a_span_without_facts_takes_its_candles_at_once_and_tells_the_models_facts_feed(lake, warehouse, built):
    object_id = keep(warehouse, lake, day(), captured="2023-03-26")

    summary = load_objects(lake, warehouse, "run", [object_id])

    assert (summary.direct_rows, len(facts(warehouse))) == (1440, 1440)
    assert set(facts(warehouse, "is_final, source, load_id, object_id, captured_at = confirmed_at")) == {
        (1, "archive_daily", *summary.load_ids, object_id, 1)
    }
    assert ask(warehouse, "SELECT model FROM pending_loads ORDER BY 1") == [(model,) for model in sorted(written.FEEDS)]


def test_before_dbt_has_built_its_tables_loads_wait_for_it(lake, warehouse):
    summary = load_objects(lake, warehouse, "run", [keep(warehouse, lake, month())])
    assert (summary.rows, summary.direct_rows) == (744, 0)
    assert ask(warehouse, "SELECT model FROM pending_loads") == [("fact_klines",)]


def test_a_span_with_facts_and_a_file_with_a_candle_twice_are_left_to_dbt(lake, warehouse, built, dbt):
    first, again = keep(warehouse, lake, month()), keep(warehouse, lake, month(), captured="2026-01-02")
    rows = rows_of(month("2023-04"))
    twice = keep(warehouse, lake, month("2023-04"), published(month("2023-04"), rows + rows[100:101]))

    summary = load_objects(lake, warehouse, "run", [first, again, twice])

    assert (summary.rows, summary.direct_rows) == (744 + 744 + 721, 744)
    left = ask(warehouse, "SELECT load_id FROM pending_loads WHERE model = 'fact_klines' ORDER BY 1")
    assert [row[0] for row in left] == summary.load_ids[1:]
    dbt("run", "--selector", "minute", "--vars", "{lane: backfill}")
    assert len(facts(warehouse)) == 744 + 720
    assert one(warehouse, "SELECT COUNT(*) FROM kline_revisions") == 0


def test_what_contradicts_itself_or_lies_outside_of_the_file_goes_to_quarantine(lake, warehouse, built):
    file = month()
    rows = rows_of(file)
    broken = csv_of(rows).split(b"\n")
    broken[4] = b"not,a,candle"
    rows[10][2] = "0.00000001"
    rows[20][0] += 1
    rows[30][0] = rows[30][0] + file.end_ms - file.start_ms
    text = csv_of(rows).split(b"\n")
    text[4] = broken[4]
    object_id = keep(warehouse, lake, file, zipped(b"\n".join(text), f"{file.name}.csv"))

    summary = load_objects(lake, warehouse, "run", [object_id])

    assert (summary.rows, summary.rejected, summary.direct_rows) == (740, 4, 740)
    assert ask(warehouse, "SELECT row_number_in_object, reason FROM quarantined_rows ORDER BY 1") == [
        (5, "field_count"),
        (11, "high_below_body"),
        (21, "off_grid"),
        (31, "outside_file"),
    ]
    assert ask(warehouse, "SELECT status, record_count, rejected_count FROM processed_files") == [("partial", 740, 4)]
    assert ask(warehouse, "SELECT state FROM archive_files") == [("loaded",)]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda lake, key: lake.put(lake.config.raw_bucket, key, b"other bytes"), "checksum_mismatch"),
        (lambda lake, key: lake._client.delete_object(Bucket=lake.config.raw_bucket, Key=key), "object_missing"),
    ],
)
def test_an_edition_that_is_not_in_the_lake_as_it_was_put_there_is_not_loaded(lake, warehouse, damage, reason):
    object_id = keep(warehouse, lake, month())
    damage(lake, archive_key(month(), 1767225600000))

    summary = load_objects(lake, warehouse, "run", [object_id])

    assert summary.reasons == {reason: 1}
    assert ask(warehouse, "SELECT load_state FROM extraction_outcomes") == [("quarantined",)]
    assert one(warehouse, "SELECT state FROM archive_files") == "refused"
    assert one(warehouse, "SELECT COUNT(*) FROM pending_loads") == 0


def test_a_zip_with_the_right_checksum_that_is_no_archive_is_refused_and_the_next_file_loaded(lake, warehouse):
    bad, good = keep(warehouse, lake, month(), b"no zip at all"), keep(warehouse, lake, month("2023-04"))

    summary = load_objects(lake, warehouse, "run", [bad, good])

    assert (summary.reasons, summary.rows_by_object) == ({"bad_archive": 1}, {bad: 0, good: 720})
    states = ask(warehouse, "SELECT object_id, state, reason IS NULL FROM archive_files ORDER BY 1")
    assert states == [(bad, "refused", 0), (good, "loaded", 1)]


def test_two_processes_that_are_given_the_same_objects_load_each_once(lake, warehouse, built):
    ids = [keep(warehouse, lake, month(f"2023-{number:02}")) for number in range(1, 7)]
    summaries = []
    workers = [
        threading.Thread(target=lambda: summaries.append(load_objects(lake, warehouse, "run", ids))) for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sum(summary.rows for summary in summaries) == len(facts(warehouse)) == 4344
    assert [sorted(summary.rows_by_object) for summary in summaries] == [ids, ids]
    assert one(warehouse, "SELECT COUNT(*) FROM staging_klines") == 4344


def test_the_backlog_is_what_killed_tasks_have_left_and_the_live_loader_leaves_it_alone(lake, warehouse):
    ids = [keep(warehouse, lake, month(f"2023-{number:02}")) for number in (1, 2)]
    assert load_pending(lake, warehouse, "run").objects == 0
    found = load_backlog(lake, warehouse, "run")
    assert (found.objects, found.rows) == (len(ids), 31 * 24 + 28 * 24)
    assert found.rows_by_object == {}, "a backlog may be longer than memory"
    assert load_backlog(lake, warehouse, "run").objects == 0


def test_the_live_loader_does_not_take_an_archive_file_for_an_answer(lake, warehouse):
    object_id = keep(warehouse, lake, month())
    with pytest.raises(UnknownObject, match="market_backfill or market_rebuild with force"):
        load_again(lake, warehouse, "run", [archive_key(month(), 1767225600000)])
    assert load_objects(lake, warehouse, "run", [object_id]).rows == 744


class LakeWithABadSector(Lake):
    """The real store, which cannot read one object for now."""

    def read_into(self, bucket, key, sink):
        if "2023-01" in key:
            raise LakeUnavailable(f"expected to read {key}, but the object store answered 500")
        return super().read_into(bucket, key, sink)


def test_an_object_that_cannot_be_read_now_stays_queued_and_does_not_stop_the_others(object_store, lake, warehouse):
    first, second = (keep(warehouse, lake, month(f"2023-{number:02}")) for number in (1, 2))
    with pytest.raises(LakeUnavailable, match="1 objects could not be read and stay queued"):
        load_objects(LakeWithABadSector(object_store.client(), lake.config), warehouse, "run", [first, second])
    states = ask(warehouse, "SELECT outcome_id, load_state FROM extraction_outcomes ORDER BY 1")
    assert states == [(first, "pending"), (second, "loaded")]


def test_a_store_that_is_down_is_not_asked_for_every_object(object_store, lake, warehouse):
    ids = [keep(warehouse, lake, day(f"2023-01-{number:02}", interval=Interval.HOUR_1)) for number in range(1, 10)]
    asked = LakeWithABadSector(object_store.client(), lake.config)
    with pytest.raises(LakeUnavailable, match=r"^[345] objects could not be read and stay queued"):
        load_objects(asked, warehouse, "run", ids)


def test_a_file_that_the_server_does_not_take_as_it_is_goes_to_quarantine_whole(lake, warehouse):
    ask(warehouse, "ALTER TABLE staging_klines MODIFY high_price DECIMAL(11, 8) NOT NULL")  # it clips, with a warning
    large, small = keep(warehouse, lake, month()), keep(warehouse, lake, month(symbol="XRPUSDT"))
    summary = load_objects(lake, warehouse, "run", [large, small])
    assert summary.rows_by_object == {large: 0, small: 744}
    assert summary.reasons == {"refused_by_warehouse": 1}


def test_answers_of_a_series_are_one_load_and_go_straight_into_an_empty_span(binance, lake, warehouse, built):
    start, end = 1717113600000, 1717200000000
    with binance() as exchange:
        kept = fetch_span(exchange, lake, warehouse, "BTCUSDT", Interval.MINUTE_1, start, end, "run", label="a day")
        summary = load_objects(lake, warehouse, "run", kept.object_ids)
        assert (len(kept.object_ids), len(summary.load_ids)) == (2, 1)
        assert (summary.rows, summary.direct_rows, len(facts(warehouse))) == (1440, 1440, 1440)
        overlapping = fetch_span(
            exchange, lake, warehouse, "BTCUSDT", Interval.MINUTE_1, end - 60_000, end + 600_000, "run", label="on"
        )
    again = load_objects(lake, warehouse, "run", [*kept.object_ids, *overlapping.object_ids])
    assert (again.rows, again.direct_rows) == (11, 0)
    assert sum(again.rows_by_object.values()) == 1451


def test_while_dbt_keeps_the_facts_to_itself_a_load_is_left_to_it(lake, warehouse, built):
    warehouse.config = warehouse.config.model_copy(update={"lock_wait_seconds": 1})
    with warehouse.session() as session, warehouse.writer_lock(session, "fact_klines"):
        summary = load_objects(lake, warehouse, "run", [keep(warehouse, lake, month())])
    assert (summary.rows, summary.direct_rows) == (744, 0)
    assert ask(warehouse, "SELECT model FROM pending_loads") == [("fact_klines",)]


def test_what_is_told_and_written_is_what_dbts_own_model_tells_and_writes():
    model = yaml.safe_load((PROJECT / "fact_klines.yml").read_text())["models"][0]
    assert {column["name"] for column in model["columns"]} == {*written.AS_STAGED, *written.OF_THE_MODEL}
    feeds = re.search(r"feeds=(\[.*?\])", (PROJECT / "fact_klines.sql").read_text())
    assert tuple(ast.literal_eval(feeds[1])) == written.FEEDS
