"""What could mislead the search for gaps: half answers, candles that are still forming, losses of our own."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from candlewick.pipeline.gaps import counts
from candlewick.pipeline.gaps.detect import detect
from candlewick.pipeline.gaps.fetch import fetch_due
from candlewick.warehouse import symbols
from candlewick.warehouse.database import to_ms
from support.gap_hunting import GapHunting
from support.marts import build_facts
from support.minute_path import NOON

DAY = date(2024, 5, 30)
ONE_DAY = {"start": "2024-05-30", "end": "2024-05-30"}
NO_MINUTES = {"kind": "empty", "path": "/api/v3/klines", "interval": "1m"}
LOST = "open_time >= '2024-05-30 07:00' AND open_time < '2024-05-30 07:10'"


def at(hour: int, minute: int = 0, day: int = 30) -> datetime:
    return datetime(2024, 5, day, hour, minute)


def span(start: datetime, end: datetime) -> dict[str, int]:
    return {"start": to_ms(start), "end": to_ms(end)}


@pytest.fixture
def gaps(market, database, lake, warehouse, dbt):
    """Gap hunting on facts as dbt builds them, empty."""
    build_facts(database, warehouse, dbt)
    return GapHunting(market, lake, warehouse, NOON + timedelta(seconds=30))


def with_settings(gaps, **fields):
    gaps.warehouse.config = gaps.config = gaps.config.model_copy(update=fields)


def follow(gaps, since: datetime, until: datetime | None = None) -> None:
    with gaps.warehouse.session() as session:
        symbols.add(session, "binance", ["BTCUSDT"], since)
        if until:
            symbols.remove(session, "binance", "BTCUSDT", until)


def test_what_does_not_fit_into_a_run_is_neither_judged_nor_counted_as_tried(gaps, market):
    market.add_faults({"kind": "404", "path": "/data/"})
    with_settings(gaps, gap_pages_per_run=1)
    follow(gaps, at(10), at(12, day=31))

    gaps.hunt()

    first = at(8, 20)
    assert gaps.ledger("from_time, to_time, status, attempts") == [
        (first + timedelta(minutes=1000), at(12, day=31), "open", 0)
    ]
    gaps.hunt()
    assert gaps.ledger() == []
    assert {row[4] for row in gaps.ledger(where="1 = 1")} == {"closed"}
    assert sum(row[1] for row in gaps.coverage()) == sum(row[3] for row in gaps.coverage()) == 1660


def test_a_loaded_file_brings_its_candles_again_when_they_were_lost(gaps, market):
    gaps.run(**ONE_DAY, source="archive")
    gaps.forget(LOST)
    market.add_faults(NO_MINUTES)
    gaps.hunt(full=True)

    assert gaps.ledger() == []
    assert gaps.coverage() == [(DAY, 1440, 1440, 1440)]


def test_an_archive_that_does_not_answer_leaves_the_gap_to_be_asked_for_again(gaps, market):
    gaps.run(**ONE_DAY, source="rest")
    gaps.forget(LOST)
    market.add_faults(NO_MINUTES, {"kind": "503", "path": "/data/"})
    with_settings(gaps, retry_attempts=1)
    gaps.hunt(full=True)
    assert gaps.ledger("reason, status") == [("fetch_failed", "open")]

    market.clear_faults()
    market.add_faults(NO_MINUTES)
    gaps.wait_for_the_next_attempt()
    gaps.hunt()
    assert gaps.ledger() == []


def test_a_higher_candle_speaks_once_it_is_over_and_all_its_minutes_have_come(gaps, market):
    silent = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)
    market.add_faults({"kind": "outage", "symbol": "BTCUSDT", **span(*silent)})
    follow(gaps, NOON)
    for minutes in (10, 17):  # the quarter is forming; it is over, and its last minutes are on their way
        market.set_clock(f"2024-06-01T12:{minutes}:30Z")
        gaps.now = NOON + timedelta(minutes=minutes, seconds=30)
        gaps.hunt()
        gaps.wait_for_the_next_attempt()
        assert gaps.ledger("from_time, to_time, reason, status") == [(*silent, "unknown", "open")]

    marts = gaps.config.marts_schema
    assert gaps.ask(f"SELECT * FROM {marts}.fact_klines WHERE is_final = 0") == []


def test_a_higher_candle_says_nothing_of_a_gap_while_others_in_it_were_not_asked_for(gaps, market):
    silent = at(7, 3), at(7, 4)
    market.add_faults({"kind": "outage", "symbol": "BTCUSDT", **span(*silent)})
    gaps.run(**ONE_DAY)
    gaps.forget("open_time = '2024-05-30 07:08'")
    detect(gaps.warehouse, now=gaps.now, full=True)
    with gaps.warehouse.session() as session:
        session.run("UPDATE gap_ledger SET next_attempt_at = '2100-01-01' WHERE from_time = %s", (at(7, 8),))
    gaps.fetch()
    gaps.classify()

    assert gaps.ledger("from_time, reason") == [(at(7, 3), "unknown"), (at(7, 8), "unknown")]


def test_the_hours_that_were_asked_for_are_those_of_whole_days(gaps, market):
    market.add_faults({"kind": "outage", "symbol": "BTCUSDT", **span(at(23, 10), at(23, 20))})
    gaps.run(**ONE_DAY)
    gaps.hunt()

    hours = f"SELECT DATE(open_time), COUNT(*) FROM {gaps.config.marts_schema}.fact_klines WHERE interval_code = '1h' GROUP BY 1"
    assert gaps.ask(hours) == [(DAY, 24), (date(2024, 5, 31), 24)]


def test_minutes_that_we_have_lost_do_not_make_a_witness_silent(gaps, market):
    silent = at(7, 10), at(7, 20)
    market.add_faults({"kind": "outage", "symbol": "BTCUSDT", **span(*silent)})
    gaps.run(**ONE_DAY, symbols=["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT"])
    detect(gaps.warehouse, now=gaps.now)
    gaps.fetch()
    gaps.forget("symbol <> 'BTCUSDT' AND open_time >= '2024-05-30 07:10' AND open_time < '2024-05-30 07:20'")
    gaps.classify()

    assert gaps.ledger() == [("BTCUSDT", *silent, "unknown", "open")]


def test_minutes_after_a_delisting_that_came_out_by_asking_count_as_explained(gaps, market):
    gaps.run(**ONE_DAY)
    market.add_faults({"kind": "outage", "symbol": "BTCUSDT", **span(at(12), at(0, day=31))})
    gaps.forget("open_time >= '2024-05-30 12:00'")
    market.set_symbol("BTCUSDT", status="DELISTED")
    with gaps.warehouse.session() as session:
        session.run(
            "INSERT INTO symbol_states (exchange, symbol, valid_from, status) VALUES ('binance', 'BTCUSDT', %s, 'NOT_LISTED')",
            (gaps.now,),
        )
    with_settings(gaps, archive_delay_hours=1000)  # its files would bring the minutes again
    gaps.hunt(full=True)

    assert gaps.ledger() == [("BTCUSDT", at(12), at(0, day=31), "delisted", "explained")]
    assert gaps.ledger("attempts") == [(1,)], "what was asked for was expected: coverage counts it as explained"
    assert gaps.coverage() == [(DAY, 1440, 720, 720)]


def test_a_minute_before_the_last_candle_of_a_halted_symbol_is_not_of_the_halt(gaps, market):
    market.add_faults(
        {"kind": "outage", "symbol": "BTCUSDT", **span(at(7), at(9))},
        {"kind": "outage", "symbol": "BTCUSDT", **span(at(6, 58), at(6, 59))},
    )
    gaps.run(**ONE_DAY)
    with gaps.warehouse.session() as session:
        session.run(
            "INSERT INTO symbol_states (exchange, symbol, valid_from, valid_to, status) VALUES ('binance', 'BTCUSDT', %s, %s, 'HALT')",
            (at(7, 1), at(9)),
        )
    gaps.hunt()

    assert gaps.ledger("from_time, reason") == [(at(6, 58), "unknown"), (at(7), "symbol_halted")]


def test_the_time_between_a_delisting_and_a_new_listing_is_explained(gaps, market):
    market.add_faults({"kind": "outage", "symbol": "BTCUSDT", **span(at(7), at(9))})
    gaps.run(**ONE_DAY)
    with gaps.warehouse.session() as session:
        session.run_many(
            "INSERT INTO symbol_states (exchange, symbol, valid_from, valid_to, status) VALUES ('binance', 'BTCUSDT', %s, %s, %s)",
            [(at(0), at(7, 4), "TRADING"), (at(7, 4), at(9, 3), "NOT_LISTED"), (at(9, 3), None, "TRADING")],
        )
    gaps.hunt()

    assert gaps.ledger() == [("BTCUSDT", at(7), at(9), "delisted", "explained")]


def test_a_gap_nobody_answered_for_is_told_and_asked_for_daily_from_then_on(gaps, market):
    gaps.run(**ONE_DAY)
    gaps.forget(LOST)
    with_settings(gaps, gap_attempts=1, retry_attempts=1)
    detect(gaps.warehouse, now=gaps.now, full=True)
    market.add_faults({"kind": "503"})
    assert len(gaps.fetch().given_up) == 1
    assert gaps.ledger("status, TIMESTAMPDIFF(HOUR, updated_at, next_attempt_at)") == [("unexplained", 24)]
    gaps.wait_for_the_next_attempt()
    assert gaps.fetch().given_up == []

    market.clear_faults()
    gaps.wait_for_the_next_attempt()
    gaps.hunt()
    assert gaps.ledger() == []


def test_symbols_that_are_named_do_not_wait_behind_all_others(gaps, monkeypatch):
    gaps.run(**ONE_DAY, symbols=["BTCUSDT", "ETHUSDT"])
    gaps.forget(LOST)
    detect(gaps.warehouse, now=gaps.now, full=True)
    monkeypatch.setattr("candlewick.pipeline.gaps.fetch.MOST_GAPS", 1)
    with gaps.tools("gaps") as tools:
        fetch_due(tools, symbols=["ETHUSDT"], now=gaps.now)

    assert gaps.ledger("symbol, attempts") == [("BTCUSDT", 0), ("ETHUSDT", 1)]


def test_a_judge_that_got_no_answer_judges_again(gaps, market):
    silence = {"kind": "outage", **span(at(7, 10), at(7, 20))}
    market.add_faults(silence)
    gaps.run(**ONE_DAY)
    with_settings(gaps, gap_attempts=1, retry_attempts=1, breaker_failures=1000)
    market.add_faults({"kind": "503", "interval": "15m"})
    gaps.hunt()
    assert gaps.ledger("reason, status") == [("unknown", "open")]

    market.clear_faults()
    market.add_faults(silence)
    gaps.hunt()
    assert gaps.ledger("reason, status") == [("exchange_outage", "explained")]


def test_an_hourly_look_reads_no_counts_of_days_that_are_over(gaps, market, monkeypatch):
    follow(gaps, at(10, day=28))
    gaps.hunt()
    read, real = [], counts.stored
    monkeypatch.setattr(counts, "stored", lambda *arguments: read.append(arguments) or real(*arguments))
    gaps.now += timedelta(hours=1)
    detect(gaps.warehouse, now=gaps.now)

    assert read == []
    assert gaps.coverage()[-1][1] == 12 * 60 + 55
