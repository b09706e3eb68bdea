"""Which symbols a cycle asks for, on a real database and the simulated exchange."""

from __future__ import annotations

from datetime import timedelta

from candlewick.pipeline.symbols import plan_shards, seed
from candlewick.warehouse import symbols
from support.minute_path import NOON, cycle, refresh, staged_minutes


def test_symbols_come_from_the_setting_once_and_then_from_the_table(warehouse):
    assert seed(warehouse) == ["BTCUSDT", "ETHUSDT", "BNBUSDT"]
    with warehouse.session() as session:
        symbols.remove(session, "binance", "ETHUSDT", NOON)
        symbols.add(session, "binance", ["SOLUSDT"], NOON)

    assert seed(warehouse) == []
    names = ["BNBUSDT", "BTCUSDT", "SOLUSDT"]
    assert plan_shards(warehouse) == [{"name": "BNBUSDT BTCUSDT SOLUSDT", "symbols": names, "closing": []}]


def test_a_halted_symbol_is_not_polled_and_comes_back_when_it_trades_again(binance, warehouse, market):
    seed(warehouse)
    market.set_symbol("ETHUSDT", status="BREAK")
    refresh(binance, warehouse)
    assert plan_shards(warehouse)[0]["symbols"] == ["BNBUSDT", "BTCUSDT"]

    market.set_symbol("ETHUSDT", status="TRADING")
    with warehouse.session() as session:
        symbols.expire_states(session, "binance", ["ETHUSDT"])
    assert [(change.before, change.after) for change in refresh(binance, warehouse)] == [("BREAK", "TRADING")]
    assert plan_shards(warehouse)[0]["symbols"] == ["BNBUSDT", "BTCUSDT", "ETHUSDT"]


def test_states_are_not_asked_for_again_while_they_are_fresh(binance, warehouse):
    seed(warehouse)

    assert refresh(binance, warehouse) is not None
    assert refresh(binance, warehouse) is None


def test_a_symbol_that_stops_trading_is_asked_once_more_for_its_last_candles(binance, lake, warehouse, market):
    seed(warehouse)
    refresh(binance, warehouse)
    cycle(binance, lake, warehouse, plan_shards(warehouse)[0])
    market.advance(90_000)
    market.set_symbol("ETHUSDT", status="HALT")
    with warehouse.session() as session:
        symbols.expire_states(session, "binance", ["ETHUSDT"])
    refresh(binance, warehouse)
    assert plan_shards(warehouse)[1:] == []

    with warehouse.session() as session:
        for table, column in (("tracked_symbols", "status_since"), ("extraction_metadata", "last_fetch_time")):
            session.run(f"UPDATE {table} SET {column} = {column} - INTERVAL 2 MINUTE")
    market.advance(60_000)
    market.forget_requests()
    (closing,) = plan_shards(warehouse)[1:]
    assert (closing["symbols"], closing["closing"]) == ([], ["ETHUSDT"])
    cycle(binance, lake, warehouse, closing)

    assert {request["path"] for request in market.requests()} == {"/api/v3/time", "/api/v3/klines"}
    assert staged_minutes(warehouse, "ETHUSDT")[-1] == NOON + timedelta(minutes=1)
    assert plan_shards(warehouse)[1:] == []


def test_a_symbol_removed_keeps_its_data_and_goes_on_where_it_was_when_it_is_added_again(
    binance, lake, warehouse, market
):
    seed(warehouse)
    cycle(binance, lake, warehouse)
    with warehouse.session() as session:
        symbols.remove(session, "binance", "BTCUSDT", NOON)
    assert "BTCUSDT" not in plan_shards(warehouse)[0]["symbols"]
    market.advance(300 * 60_000)
    with warehouse.session() as session:
        symbols.add(session, "binance", ["BTCUSDT"], NOON)
    cycle(binance, lake, warehouse, {"name": "one", "symbols": ["BTCUSDT"]})

    assert staged_minutes(warehouse) == [NOON + timedelta(minutes=n) for n in range(-100, 301)]
