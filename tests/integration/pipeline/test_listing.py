"""The life of symbols: their first candle, what was heard of them, and symbols that are only backfilled."""

from __future__ import annotations

from datetime import datetime, timedelta

from candlewick.pipeline.listing import first_open_time
from candlewick.pipeline.symbols import plan_shards, seed
from candlewick.warehouse import symbols
from support.minute_path import NOON, ask, keys, refresh

LISTED = datetime(2023, 3, 23, 15)


def first(binance, lake, warehouse, symbol):
    with binance() as exchange:
        return first_open_time(exchange, lake, warehouse, symbol, "run")


def test_the_first_candle_is_asked_once_and_the_answer_is_kept_but_not_loaded(binance, lake, warehouse, market):
    market.set_symbol("NEWUSDT", listed=1_679_583_600_000)
    assert first(binance, lake, warehouse, "NEWUSDT") == LISTED
    market.forget_requests()
    assert first(binance, lake, warehouse, "NEWUSDT") == LISTED

    assert market.requests() == []
    (row,) = ask(
        warehouse,
        "SELECT o.object_key, o.load_state, o.lane FROM tracked_symbols AS s "
        "JOIN extraction_outcomes AS o ON o.outcome_id = s.first_open_object_id WHERE s.symbol = 'NEWUSDT'",
    )
    assert row == (keys(lake)[0], "none", "backfill")


def test_a_symbol_the_exchange_does_not_know_has_no_first_candle_and_is_asked_again(binance, lake, warehouse, market):
    assert first(binance, lake, warehouse, "NEWUSDT") is None
    market.set_symbol("NEWUSDT", listed=1_679_583_600_000)

    assert first(binance, lake, warehouse, "NEWUSDT") == LISTED
    assert ask(warehouse, "SELECT status, error_kind FROM extraction_outcomes ORDER BY outcome_id") == [
        ("failed", "UnknownSymbol"),
        ("stored", None),
    ]


def test_a_backfilled_symbol_is_known_without_being_tracked(warehouse):
    with warehouse.session() as session:
        symbols.ensure_known(session, "binance", ["SOLUSDT"], NOON)

    assert seed(warehouse) == ["BTCUSDT", "ETHUSDT", "BNBUSDT"], "the table of tracked symbols was still empty"
    assert plan_shards(warehouse)[0]["symbols"] == ["BNBUSDT", "BTCUSDT", "ETHUSDT"]


def test_tracking_a_backfilled_symbol_begins_when_it_is_added_and_survives_a_backfill(warehouse):
    later = NOON + timedelta(days=1)
    with warehouse.session() as session:
        symbols.ensure_known(session, "binance", ["SOLUSDT"], NOON)
        symbols.add(session, "binance", ["SOLUSDT"], later)
        symbols.ensure_known(session, "binance", ["SOLUSDT"], later + timedelta(days=1))

    assert ask(warehouse, "SELECT active, added_at, removed_at, resumed_at FROM tracked_symbols") == [
        (1, later, None, None)
    ]


def test_a_symbol_that_comes_back_keeps_when_it_was_first_added_and_when_it_came_back(warehouse):
    again = NOON + timedelta(days=2)
    with warehouse.session() as session:
        symbols.add(session, "binance", ["SOLUSDT"], NOON)
        symbols.add(session, "binance", ["SOLUSDT"], NOON + timedelta(hours=1))
        assert session.all("SELECT added_at, resumed_at FROM tracked_symbols") == [(NOON, None)]
        symbols.remove(session, "binance", "SOLUSDT", NOON + timedelta(days=1))
        symbols.add(session, "binance", ["SOLUSDT"], again)
        symbols.add(session, "binance", ["SOLUSDT"], again + timedelta(hours=1))

    assert ask(warehouse, "SELECT active, added_at, removed_at, resumed_at FROM tracked_symbols") == [
        (1, NOON, None, again)
    ]


def test_each_state_that_is_heard_has_a_row_that_ends_when_another_is_heard(binance, warehouse, market):
    with warehouse.session() as session:
        symbols.add(session, "binance", ["ETHUSDT"], NOON)
        symbols.ensure_known(session, "binance", ["GONEUSDT"], NOON)
    changes = []
    for status in ("TRADING", "TRADING", "HALT"):
        market.set_symbol("ETHUSDT", status=status)
        with warehouse.session() as session:
            symbols.expire_states(session, "binance", ["ETHUSDT"])
        changes += refresh(binance, warehouse)

    assert [(change.symbol, change.after) for change in changes] == [("ETHUSDT", "TRADING"), ("ETHUSDT", "HALT")]
    rows = ask(warehouse, "SELECT symbol, status, valid_from, valid_to FROM symbol_states ORDER BY 1, 3")
    (eth_first, eth_now, gone) = rows
    assert [row[:2] for row in rows] == [("ETHUSDT", "TRADING"), ("ETHUSDT", "HALT"), ("GONEUSDT", "NOT_LISTED")]
    assert (eth_first[3], eth_now[3], gone[3]) == (eth_now[2], None, None)
