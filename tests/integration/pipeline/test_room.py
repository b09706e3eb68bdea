"""Near a full disk things stop in a set order: backfills and gap fetches, then a warning, then order books; candles never."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime, timedelta

import pytest

from candlewick.alerts.fullness import BACKFILLS, BOOKS, WARNING, fullness
from candlewick.alerts.health import check
from candlewick.pipeline.backfill import work
from candlewick.pipeline.gaps.detect import detect
from candlewick.pipeline.load import load_pending
from candlewick.warehouse import events, room, storage
from candlewick.warehouse.room import Measure, NoRoom
from candlewick.warehouse.storage import Sample
from support.gap_hunting import GapHunting
from support.marts import build_facts
from support.minute_path import NOON, ask, extract, staged_minutes

HOUR = timedelta(hours=1)
GIGABYTE = 10**9


@pytest.fixture
def fill(warehouse):
    """Let the newest sampling say that a store is so full; each call is a later sampling."""
    moment = datetime(2024, 6, 1)

    def to(share, store="warehouse", capacity=100 * GIGABYTE):
        nonlocal moment
        moment += HOUR
        half = int(share * capacity / 2)
        with warehouse.session() as session:
            for name in ("a", "b"):
                one = Sample(store=store, name=name, byte_count=half, capacity_bytes=capacity)
                storage.record(session, [one], moment)

    return to


@pytest.fixture
def look(warehouse, config):
    def measured():
        with warehouse.session() as session:
            return room.look(session, config)

    return measured


def test_without_any_size_nothing_stops(look):
    found = look()

    assert (found.fullest, found.stops_backfills, found.warns, found.stops_depth) == (None, False, False, False)


@pytest.mark.parametrize(
    ("share", "stops"),
    [
        (0.79, (False, False, False)),
        (0.81, (True, False, False)),
        (0.86, (True, True, False)),
        (0.93, (True, True, True)),
    ],
)
def test_each_level_stops_what_it_says_in_the_set_order(look, fill, share, stops):
    fill(share)
    found = look()

    assert (found.stops_backfills, found.warns, found.stops_depth) == stops
    assert str(found.fullest) == f"the warehouse is {share:.0%} full ({share * 100:.1f} of 100.0 GB)"


@pytest.mark.parametrize(
    ("total", "free", "share"), [(1000, 60, 0.0), (1000, 10, 0.8), (1000, 4, 0.92), (1000, 0, 1.0), (20, 5, 0.75)]
)
def test_a_disk_is_as_full_as_its_free_space_is_small_whatever_others_have_filled(config, total, free, share):
    disk = room.counted(Measure("the disk", (total - free) * GIGABYTE, total * GIGABYTE), config)

    assert disk.share == pytest.approx(share)
    counted = min(total, 50)
    assert str(disk) == f"the disk is {share:.0%} full ({free:.1f} GB free; {counted:.1f} GB count as empty)"


def test_the_fullest_store_counts_and_only_the_newest_sampling(look, fill):
    fill(0.95)
    fill(0.5)
    assert look().share == pytest.approx(0.5)
    for store in ("raw", "archive"):
        fill(0.7, store=store)
    assert look().fullest.what == "the lake"
    assert look().share == pytest.approx(0.7)


def test_a_capacity_that_is_configured_now_goes_before_what_was_sampled(warehouse, config, fill):
    fill(0.5)
    smaller = config.model_copy(update={"warehouse_capacity_gigabytes": 60.0})
    with warehouse.session() as session:
        assert room.look(session, smaller).share == pytest.approx(50 / 60)


def test_order_books_are_not_asked_for_when_nearly_full_and_candles_go_on(binance, lake, warehouse, market, fill):
    fill(0.93)
    market.forget_requests()
    summary = extract(binance, lake, warehouse)
    load_pending(lake, warehouse, "run")

    asked = {request["path"] for request in market.requests()}
    assert not any(path.endswith("/depth") for path in asked)
    assert len(staged_minutes(warehouse)) == 101
    assert "no order books: the warehouse is 93% full" in summary.sentence
    assert ask(warehouse, "SELECT COUNT(*) FROM staging_orderbook") == [(0,)]
    fill(0.9)
    extract(binance, lake, warehouse)
    load_pending(lake, warehouse, "run")
    assert ask(warehouse, "SELECT COUNT(*) > 0 FROM staging_orderbook") == [(1,)]


def test_a_backfill_stops_with_one_sentence_and_goes_on_when_there_is_room(backfilling, fill):
    run_id, tasks = backfilling.plan(start="2024-05-28", end="2024-05-29")
    fill(0.81)
    backfilling.asked()
    with pytest.raises(
        NoRoom, match=r"expected room for history, but the warehouse is 81% full .* backfills stop at 80%"
    ):
        backfilling.work(run_id, tasks)
    assert {state for _, state, _ in backfilling.parts(run_id)} == {"pending"}
    assert not [path for path in backfilling.asked() if "klines" in path]

    fill(0.5)
    backfilling.work(run_id, tasks)

    assert {state for _, state, _ in backfilling.parts(run_id)} == {"done"}


def test_a_backfill_that_fills_the_store_stops_between_two_parts(backfilling, fill, monkeypatch):
    run_id, tasks = backfilling.plan(start="2024-05-27", end="2024-05-29")
    finish = work.backfills.finish_part

    def finish_and_fill(*arguments):
        finish(*arguments)
        arguments[0].commit()
        fill(0.85)

    monkeypatch.setattr(work.backfills, "finish_part", finish_and_fill)
    with pytest.raises(NoRoom):
        backfilling.work(run_id, tasks)
    assert [state for _, state, _ in backfilling.parts(run_id)] == ["done", "pending", "pending"]


def test_gap_fetches_stop_and_the_gaps_keep_their_turn(market, database, lake, warehouse, dbt, fill):
    build_facts(database, warehouse, dbt)
    hunting = GapHunting(market, lake, warehouse, NOON + timedelta(seconds=30))
    hunting.run(start="2024-05-30", end="2024-05-30")
    hunting.merge()
    hunting.forget("open_time BETWEEN '2024-05-30 10:00' AND '2024-05-30 10:05'")
    detect(warehouse, now=hunting.now, full=True)
    before = hunting.ledger("from_time, to_time, attempts, status")
    assert len(before) == 1
    fill(0.81)
    hunting.asked()
    summary = hunting.fetch()

    assert (summary.gaps, summary.left) == (0, 1)
    assert "backfills stop at 80%" in summary.sentence
    assert hunting.asked() == []
    assert hunting.ledger("from_time, to_time, attempts, status") == before
    fill(0.5)
    assert hunting.fetch().gaps == 1


def told(warehouse, config, now):
    """What a run of market_minute would send now, as (kind, subject)."""
    due = events.record_and_claim(warehouse, fullness(warehouse, config), repeat_minutes=60, claim=True, now=now)
    return [(event.kind.value, event.subject) for event in due.values()]


def test_each_level_is_told_once_while_it_lasts_and_once_when_it_is_over(warehouse, config, fill):
    fill(0.5)
    assert told(warehouse, config, NOON) == []
    fill(0.82)
    assert told(warehouse, config, NOON) == [("nearly_full", BACKFILLS)]
    assert told(warehouse, config, NOON + timedelta(minutes=1)) == []
    fill(0.95)
    assert told(warehouse, config, NOON + timedelta(minutes=2)) == [("nearly_full", WARNING), ("nearly_full", BOOKS)]
    assert told(warehouse, config, NOON + timedelta(minutes=61)) == [("nearly_full", BACKFILLS)]
    fill(0.86)
    assert told(warehouse, config, NOON + timedelta(minutes=62)) == [("nearly_full", WARNING), ("room_again", BOOKS)]
    assert told(warehouse, config, NOON + timedelta(minutes=63)) == []
    fill(0.2)
    assert told(warehouse, config, NOON + timedelta(minutes=64)) == [("room_again", BACKFILLS), ("room_again", WARNING)]
    assert told(warehouse, config, NOON + timedelta(minutes=65)) == []


@pytest.mark.parametrize(
    ("share", "finding"),
    [
        (0.5, []),
        (0.81, ["warning: the warehouse is 81% full (81.0 of 100.0 GB): backfills and gap fetches stop"]),
        (0.86, ["warning: the warehouse is 86% full (86.0 of 100.0 GB): order books stop at 92%"]),
        (0.95, ["error: the warehouse is 95% full (95.0 of 100.0 GB): no order books are captured"]),
    ],
)
def test_the_health_check_says_the_highest_level(warehouse, lake, config, fill, share, finding):
    fill(share)
    found = [str(one) for one in check(lambda: warehouse, lambda: nullcontext(lake), config, now=NOON)]

    about_room = [sentence for sentence in found if "full" in sentence]
    assert len(about_room) == len(finding)
    assert all(sentence.startswith(start) for sentence, start in zip(about_room, finding, strict=True))
