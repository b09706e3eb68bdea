"""The backfill lane's load: from editions and answers in the lake to staging, quarantine and facts, on real servers."""

from __future__ import annotations

import threading

import pytest

from candlewick.lake.keys import archive_key
from candlewick.pipeline.bulk import load_backlog, load_objects
from support.archive_files import csv_of, day, keep, month, published, rows_of, zipped
from support.minute_path import ask


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
    assert {row[5:8] for row in staged} == {("archive_daily", ask(warehouse, "SELECT CAST(%s AS DATETIME(3))", f"{file.period_end}")[0][0], object_id)}
    assert (summary.rows, summary.rejected, summary.rows_by_object) == (1440, 0, {object_id: 1440})
    assert one(warehouse, "SELECT lane FROM loads") == "backfill"
    assert ask(warehouse, "SELECT load_state FROM extraction_outcomes") == [("loaded",)]
    assert ask(warehouse, "SELECT state FROM archive_files") == [("loaded",)]
    assert ask(warehouse, "SELECT * FROM extraction_metadata") == []
