"""Which parts a request is cut into, by what the archive has at that moment."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest

from candlewick.pipeline.backfill.plan import Published, chunk_name, chunks, plan_parts
from candlewick.pipeline.backfill.request import BackfillRequest
from candlewick.warehouse.backfills import Part, PartState
from candlewick.warehouse.database import from_ms, to_ms

NOW = datetime(2024, 6, 1, 12, 0, 30)


def plan(start, end, *, now=NOW, listed=None, delay_hours=12, symbols=("BTCUSDT",), **more):
    params = {"symbols": list(symbols), "start": start, "end": end, **more}
    opened = dict.fromkeys(symbols, listed and to_ms(listed))
    request = BackfillRequest.read(params, now)
    return plan_parts(request, opened, Published(to_ms(now), delay_hours), 1000)


def shown(parts: list[Part]):
    return [
        f"{part.method.value} {from_ms(part.start_ms):%m-%d %H:%M} {from_ms(part.end_ms):%m-%d %H:%M}" for part in parts
    ]


def test_whole_months_whole_days_and_the_rest_by_rest():
    parts = plan("2024-02-28", "2024-06-01")

    assert shown(parts) == [
        "archive_daily 02-28 00:00 02-29 00:00",
        "archive_daily 02-29 00:00 03-01 00:00",
        "archive_monthly 03-01 00:00 04-01 00:00",
        "archive_monthly 04-01 00:00 05-01 00:00",
        "archive_monthly 05-01 00:00 06-01 00:00",
        "rest 06-01 00:00 06-01 12:00",
    ]
    assert [part.number for part in parts] == [1, 2, 3, 4, 5, 6]


def test_a_month_that_is_not_published_yet_comes_by_days_and_its_last_day_by_rest():
    parts = plan("2024-05-01", "2024-05-31", delay_hours=13)

    assert len(parts) == 31
    assert shown(parts)[-2:] == ["archive_daily 05-30 00:00 05-31 00:00", "rest 05-31 00:00 06-01 00:00"]


def test_a_day_of_which_a_part_is_wanted_comes_by_rest():
    parts = plan("2024-05-10T06:00:00Z", "2024-05-12T18:00:00Z")

    assert shown(parts) == [
        "rest 05-10 06:00 05-11 00:00",
        "archive_daily 05-11 00:00 05-12 00:00",
        "rest 05-12 00:00 05-12 18:00",
    ]


def test_source_archive_takes_the_files_of_every_day_it_touches_and_says_what_no_file_covers_yet():
    parts = plan("2024-05-30T06:00:00Z", "2024-06-01", source="archive")

    assert shown(parts) == [
        "archive_daily 05-30 00:00 05-31 00:00",
        "archive_daily 05-31 00:00 06-01 00:00",
        "archive_daily 06-01 00:00 06-01 12:00",
    ]
    assert [part.state for part in parts] == [PartState.PENDING, PartState.PENDING, PartState.MISSING]
    assert "no archive file covers it yet" in parts[2].reason


def test_source_rest_is_cut_into_spans_of_twenty_pages_that_end_with_the_last_closed_candle():
    parts = plan("2024-05-15", "2024-06-01", source="rest")

    assert shown(parts) == ["rest 05-15 00:00 05-28 21:20", "rest 05-28 21:20 06-01 12:00"]


@pytest.mark.parametrize(("interval", "end"), [("1h", "06-01 12:00"), ("4h", "06-01 12:00"), ("1d", "06-01 00:00")])
def test_higher_intervals_are_planned_natively(interval, end):
    assert shown(plan("2024-05-01", "2024-06-01", source="rest", interval=interval)) == [f"rest 05-01 00:00 {end}"]


def test_nothing_before_the_first_candle_is_asked_for():
    parts = plan("2024-01-01", "2024-05-31", listed=datetime(2024, 3, 23, 15))
    assert shown(parts)[0] == "archive_monthly 03-01 00:00 04-01 00:00"

    parts = plan("2024-03-20", "2024-03-25", listed=datetime(2024, 3, 23, 15))
    assert shown(parts)[0] == "archive_daily 03-23 00:00 03-24 00:00"

    parts = plan("2024-03-20", "2024-03-25", listed=datetime(2024, 3, 23, 15, 30), source="rest", interval="1h")
    assert shown(parts) == ["rest 03-23 15:00 03-26 00:00"]


def test_a_symbol_that_was_listed_later_has_no_parts():
    assert plan("2024-03-01", "2024-03-20", listed=datetime(2024, 3, 23, 15)) == []


@pytest.mark.parametrize("source", ["auto", "archive", "rest"])
def test_the_parts_cover_what_was_asked_for_once(source):
    parts = plan("2023-11-17", "2024-06-01", source=source, symbols=("BTCUSDT", "ETHUSDT"))

    for symbol in ("BTCUSDT", "ETHUSDT"):
        own = [part for part in parts if part.symbol == symbol]
        assert from_ms(own[0].start_ms) == datetime(2023, 11, 17)
        assert from_ms(own[-1].end_ms) == datetime(2024, 6, 1, 12)
        assert all(one.end_ms == other.start_ms for one, other in itertools.pairwise(own))


def test_tasks_share_the_parts_and_are_never_more_than_a_thousand():
    parts = plan("2018-01-01", "2024-05-31", source="rest")

    few = chunks(parts, 12)
    assert len(few) == -(-len(parts) // 12)
    assert (few[0][0].number, few[0][1].number, few[1][0].number) == (1, 12, 13)
    assert few[-1][1] == parts[-1]
    many = chunks(parts * 100, 1)
    assert len(many) <= 1000


def test_what_is_known_to_be_missing_is_given_to_no_task():
    parts = plan("2024-05-31", "2024-06-01", source="archive")

    assert [(first.number, last.number) for first, last in chunks(parts, 12)] == [(1, 1)]


def test_a_task_is_named_by_symbol_and_span():
    parts = plan("2024-01-01", "2024-03-31", symbols=("BTCUSDT", "ETHUSDT"))

    assert chunk_name(parts[0], parts[2]) == "BTCUSDT 1m 2024-01-01 … 2024-03-31"
    assert chunk_name(parts[0], parts[3]) == "BTCUSDT 1m 2024-01-01 … ETHUSDT 2024-01-31"
    assert parts[0].end_ms - parts[0].start_ms == timedelta(days=31) // timedelta(milliseconds=1)
