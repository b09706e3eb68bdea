"""Which symbols are late."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from candlewick.alerts.staleness import stale_symbols
from candlewick.warehouse import symbols

NOON = datetime(2026, 1, 1, 12)


@pytest.fixture
def symbol(warehouse):
    """Track a symbol, with its newest final candle when one is given."""

    def track(name, *, newest=None, status="TRADING", active=1, added=NOON - timedelta(days=1), data_type="klines"):
        with warehouse.session() as session:
            session.run(
                "INSERT INTO tracked_symbols (exchange, symbol, active, status, added_at) VALUES ('binance', %s, %s, %s, %s)",
                (name, active, status, added),
            )
            if newest:
                session.run(
                    "INSERT INTO extraction_metadata VALUES ('binance', %s, %s, '1m', %s, %s, 1, %s)",
                    (name, data_type, NOON, newest, NOON),
                )

    return track


@pytest.fixture
def fact(warehouse, told):
    """Put a 1m candle into the facts, as dbt does."""
    marts = told.marts_schema

    def insert(name, open_time, *, is_final=1, interval="1m"):
        with warehouse.session() as session:
            session.run(
                f"CREATE TABLE IF NOT EXISTS {marts}.fact_klines (exchange VARCHAR(32), symbol VARCHAR(50), interval_code VARCHAR(8),"
                " open_time DATETIME(3), is_final TINYINT, PRIMARY KEY (exchange, symbol, interval_code, open_time))"
            )
            session.run(
                f"INSERT INTO {marts}.fact_klines VALUES ('binance', %s, %s, %s, %s)",
                (name, interval, open_time, is_final),
            )

    return insert


def asked(warehouse, captured_at, *, lane="live"):
    with warehouse.session() as session:
        session.run(
            "INSERT INTO extraction_outcomes (exchange, symbol, data_type, interval_code, lane, run_id, shard, status, source,"
            " captured_at, load_state) VALUES ('binance', 'BTCUSDT', 'klines', '1m', %s, 'run', 's', 'failed', 'rest', %s, 'none')",
            (lane, captured_at),
        )


def late(warehouse, told):
    return [event.subject for event in stale_symbols(warehouse, told, now=NOON)]


def test_a_symbol_is_late_when_its_newest_final_candle_closed_too_long_ago(warehouse, told, symbol):
    symbol("BTCUSDT", newest=NOON - timedelta(minutes=6))
    symbol("ETHUSDT", newest=NOON - timedelta(minutes=7))

    (event,) = stale_symbols(warehouse, told, now=NOON)

    assert event.subject == "ETHUSDT"
    assert event.message.startswith("newest final candle closed at 2026-01-01 11:54 UTC, 6 minutes ago (allowed: 5)")


def test_a_pipeline_that_never_ran_is_told_whether_or_not_its_symbols_are_named(warehouse, told, symbol):
    (event,) = stale_symbols(warehouse, told, now=NOON)
    assert event.subject == "market_minute"
    assert "market_minute has asked for nothing yet: is it paused" in event.message

    symbol("BTCUSDT", status=None)
    (event,) = stale_symbols(warehouse, told, now=NOON)
    assert event.message.startswith(
        "no candle since it was added, 1440 minutes ago (allowed: 5); market_minute has asked for nothing"
    )


@pytest.mark.parametrize("fields", [{"status": "HALT"}, {"active": 0}])
def test_what_does_not_trade_or_is_not_tracked_is_not_late(warehouse, told, symbol, fields):
    symbol("BTCUSDT", newest=NOON - timedelta(hours=1), **fields)

    assert late(warehouse, told) == []


def test_a_symbol_that_never_came_is_late_after_the_same_time(warehouse, told, symbol):
    symbol("OLDUSDT")
    symbol("NEWUSDT", added=NOON - timedelta(minutes=1))

    assert late(warehouse, told) == ["OLDUSDT"]


def test_history_that_was_backfilled_makes_a_symbol_that_was_just_added_neither_late_nor_fresh(
    warehouse, told, symbol, fact
):
    symbol("NEWUSDT", added=NOON - timedelta(minutes=5))
    symbol("OLDUSDT", added=NOON - timedelta(minutes=6))
    for name in ("NEWUSDT", "OLDUSDT"):
        fact(name, NOON - timedelta(days=7))

    (event,) = stale_symbols(warehouse, told, now=NOON)

    assert event.subject == "OLDUSDT"
    assert event.message.startswith("no candle since it was added, 6 minutes ago (allowed: 5)")


def test_a_symbol_that_was_removed_and_is_added_again_has_the_same_time_from_then_on(warehouse, told, symbol, fact):
    for name, minutes in (("SOONUSDT", 5), ("LATEUSDT", 6)):
        symbol(name)
        fact(name, NOON - timedelta(hours=20))
        with warehouse.session() as session:
            symbols.remove(session, "binance", name, NOON - timedelta(hours=19))
            symbols.add(session, "binance", [name], NOON - timedelta(minutes=minutes))

    (event,) = stale_symbols(warehouse, told, now=NOON)

    assert event.subject == "LATEUSDT"
    assert event.message.startswith("no candle since it was added, 6 minutes ago (allowed: 5)")


def test_order_books_do_not_stand_in_for_candles(warehouse, told, symbol):
    symbol("BTCUSDT", newest=NOON, data_type="depth")

    assert late(warehouse, told) == ["BTCUSDT"]


def test_once_dbt_has_built_facts_they_tell_not_the_watermark(warehouse, told, symbol, fact):
    symbol("BTCUSDT", newest=NOON - timedelta(minutes=1))
    symbol("ETHUSDT", newest=NOON - timedelta(hours=1))
    fact("BTCUSDT", NOON - timedelta(minutes=30))
    fact("BTCUSDT", NOON - timedelta(minutes=1), is_final=0)
    fact("BTCUSDT", NOON, interval="1h")
    fact("ETHUSDT", NOON - timedelta(minutes=2))
    asked(warehouse, NOON - timedelta(minutes=1))

    (event,) = stale_symbols(warehouse, told, now=NOON)

    assert event.subject == "BTCUSDT"
    assert "closed at 2026-01-01 11:31 UTC, 29 minutes ago" in event.message
    assert "loaded is up to 2026-01-01 12:00 UTC, not built: look at transform" in event.message


def test_a_paused_or_never_started_market_minute_is_told_by_what_it_did_not_ask(warehouse, told, symbol):
    symbol("BTCUSDT", newest=NOON - timedelta(hours=2))
    asked(warehouse, NOON, lane="backfill")
    (event,) = stale_symbols(warehouse, told, now=NOON)
    assert "market_minute has asked for nothing yet" in event.message

    asked(warehouse, NOON - timedelta(hours=2))
    (event,) = stale_symbols(warehouse, told, now=NOON)
    assert "market_minute has asked for nothing since 2026-01-01 10:00 UTC" in event.message

    asked(warehouse, NOON - timedelta(minutes=1))
    (event,) = stale_symbols(warehouse, told, now=NOON)
    assert "look at extraction_outcomes" in event.message
