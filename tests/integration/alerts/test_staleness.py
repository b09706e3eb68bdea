"""Which symbols are late."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from candlewick.alerts.staleness import stale_symbols

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


def late(warehouse, told):
    return [event.subject for event in stale_symbols(warehouse, told, now=NOON)]


def test_a_symbol_is_late_when_its_newest_final_candle_closed_too_long_ago(warehouse, told, symbol):
    symbol("BTCUSDT", newest=NOON - timedelta(minutes=6))
    symbol("ETHUSDT", newest=NOON - timedelta(minutes=7))

    (event,) = stale_symbols(warehouse, told, now=NOON)

    assert event.subject == "ETHUSDT"
    assert event.message.startswith("newest final candle closed at 2026-01-01 11:54 UTC, 6 minutes ago (allowed: 5)")


@pytest.mark.parametrize("fields", [{"status": "HALT"}, {"status": None}, {"active": 0}])
def test_what_does_not_trade_or_is_not_tracked_is_not_late(warehouse, told, symbol, fields):
    symbol("BTCUSDT", newest=NOON - timedelta(hours=1), **fields)

    assert late(warehouse, told) == []


def test_a_symbol_that_never_came_is_late_after_the_same_time(warehouse, told, symbol):
    symbol("OLDUSDT")
    symbol("NEWUSDT", added=NOON - timedelta(minutes=1))

    assert late(warehouse, told) == ["OLDUSDT"]


def test_order_books_do_not_stand_in_for_candles(warehouse, told, symbol):
    symbol("BTCUSDT", newest=NOON, data_type="depth")

    assert late(warehouse, told) == ["BTCUSDT"]
