"""Clock, symbols, log and state through the control API."""

import httpx
import pytest

from candlewick.demo.intervals import MINUTE_MS


def open_times(exchange, symbol, limit=5):
    rows = exchange.get("/api/v3/klines", symbol=symbol, interval="1m", limit=limit).json()
    return [row[0] for row in rows]


def served_time(exchange):
    return exchange.get("/api/v3/time").json()["serverTime"]


def test_a_set_clock_stands_still_and_moves_when_told(exchange, now):
    assert served_time(exchange) == served_time(exchange) == now
    assert exchange.advance(90_000) == served_time(exchange) == now + 90_000


def test_a_clock_can_run_fast(exchange, now):
    exchange.set_clock(now, rate=1_000_000)
    assert served_time(exchange) > now + 1_000


def test_a_time_without_a_zone_is_refused(exchange):
    with pytest.raises(httpx.HTTPStatusError, match="with its zone"):
        exchange.set_clock("2024-06-01T12:00:00")


def test_a_halted_symbol_gets_no_new_minutes_and_never_those_it_missed(exchange, now):
    minute = now // MINUTE_MS * MINUTE_MS
    exchange.set_symbol("BTCUSDT", "HALT")
    exchange.advance(10 * MINUTE_MS)
    assert open_times(exchange, "BTCUSDT", 2) == [minute - MINUTE_MS, minute]
    info = exchange.get("/api/v3/exchangeInfo", symbol="BTCUSDT").json()
    assert info["symbols"][0]["status"] == "HALT"
    exchange.set_symbol("BTCUSDT", "TRADING")
    exchange.advance(MINUTE_MS)
    assert open_times(exchange, "BTCUSDT", 3) == [minute, minute + 10 * MINUTE_MS, minute + 11 * MINUTE_MS]


def test_a_delisted_symbol_is_unknown_but_its_archive_stays(exchange):
    exchange.set_symbol("BTCUSDT", "DELISTED")
    assert exchange.get("/api/v3/klines", symbol="BTCUSDT", interval="1m").json()["code"] == -1121
    names = [symbol["symbol"] for symbol in exchange.get("/api/v3/exchangeInfo").json()["symbols"]]
    assert "BTCUSDT" not in names
    assert exchange.get("/data/spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-05-30.zip").status_code == 200


def test_a_symbol_can_be_listed_while_the_exchange_runs(exchange, now):
    exchange.set_symbol("NEWUSDT", listed=now + 60_000)
    assert exchange.get("/api/v3/klines", symbol="NEWUSDT", interval="1m").json()["code"] == -1121
    exchange.advance(3 * MINUTE_MS)
    assert len(open_times(exchange, "NEWUSDT")) == 2


def test_the_log_tells_what_was_asked_and_answered(exchange, now):
    exchange.forget_requests()
    exchange.get("/api/v3/klines", symbol="NOPEUSDT", interval="1m")
    (entry,) = exchange.requests()
    assert entry == {
        "time": now,
        "path": "/api/v3/klines",
        "params": {"symbol": "NOPEUSDT", "interval": "1m"},
        "client": "127.0.0.1",
        "host": f"127.0.0.1:{exchange.port}",
        "status": 400,
        "weight": 2,
        "used_weight": 2,
        "faults": [],
    }


def test_the_state_shows_clock_settings_symbols_and_how_often_faults_struck(exchange, now):
    exchange.add_faults({"kind": "500", "path": "ping"})
    exchange.get("/api/v3/ping")
    state = exchange.control("GET", "state")
    assert state["clock"] == {"now": now, "rate": 0}
    assert state["settings"]["weight_limit"] == 6000
    assert state["used_weight"] == {"127.0.0.1": 1}
    assert {"symbol": "BTCUSDT", "status": "TRADING", "listed": 1_502_942_400_000} in state["symbols"]
    assert [(fault["kind"], fault["struck"]) for fault in state["faults"]] == [("500", 1)]


def test_reset_brings_the_first_day_back(exchange):
    exchange.set_symbol("BTCUSDT", "HALT")
    exchange.set_symbol("NEWUSDT", "TRADING")
    exchange.add_faults({"kind": "500"})
    exchange.change_settings(latency_ms=5, weight_limit=3)
    exchange.reset()
    state = exchange.control("GET", "state")
    assert state["faults"] == []
    assert state["requests"] == 0
    assert state["clock"]["rate"] == 1
    assert state["settings"]["weight_limit"] == 6000
    assert {symbol["status"] for symbol in state["symbols"]} == {"TRADING"}
    assert "NEWUSDT" not in {symbol["symbol"] for symbol in state["symbols"]}


@pytest.mark.parametrize(("path", "body"), [("settings", {"colour": 1}), ("clock", {"hour": 3}), ("symbols", [{}])])
def test_an_order_that_makes_no_sense_is_refused(exchange, path, body):
    with pytest.raises(httpx.HTTPStatusError, match="Error"):
        exchange.control("POST", path, body)
