"""The client against the simulated exchange and a real database."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from candlewick.exchange.binance import from_connection
from candlewick.exchange.errors import HostStateUnavailable, NoHostLeft, RateLimited, Unavailable, UnknownSymbol
from candlewick.market import Interval
from candlewick.warehouse.host_state import HostStateStore
from support.ports import wait_until

M1 = Interval.MINUTE_1
START_MS = 1_717_243_080_000


def asked(market, path="/api/v3/klines"):
    """Return host and status of every question the exchange got, oldest first."""
    return [(each["host"], each["status"]) for each in market.requests() if each["path"] == path]


def host(market, number=0):
    return market.urls[number].removeprefix("http://")


def test_candles_come_as_the_exchange_sent_them_with_its_time(client, market):
    answer = client().klines("BTCUSDT", M1, START_MS, 2)
    assert [candle[0] for candle in json.loads(answer.body)] == [START_MS, START_MS + 60_000]
    assert (
        answer.body
        == market.get("/api/v3/klines", symbol="BTCUSDT", interval="1m", startTime=START_MS, limit=2).content
    )
    assert answer.exchange_time_ms == 1_717_243_230_000


def test_an_order_book_has_the_levels_asked_for(client):
    book = json.loads(client().depth("BTCUSDT", 20).body)
    assert (len(book["bids"]), len(book["asks"])) == (20, 20)


def test_symbols_and_limit_are_read_and_the_limit_holds_for_the_fallback_too(client, market, row):
    market.set_symbol("ETHUSDT", status="HALT")
    info = client().exchange_info()
    assert (info.symbols["BTCUSDT"].status, info.symbols["ETHUSDT"].status) == ("TRADING", "HALT")
    assert info.weight_limit_per_minute == 6000
    assert row("weight_limit", 0) == row("weight_limit", 1) == (6000,)


def test_an_unknown_symbol_is_told_with_the_exchanges_words(client, market):
    with pytest.raises(UnknownSymbol, match=r"Invalid symbol.*-1121"):
        client().klines("NOPEUSDT", M1, START_MS, 2)
    assert len(asked(market)) == 1


def test_the_used_weight_in_the_warehouse_is_the_exchanges(client, row):
    asker = client()
    for _ in range(5):
        asker.klines("BTCUSDT", M1, START_MS, 2)
    assert row("used_weight, window_minute") == (1 + 5 * 2, 1_717_243_230_000 // 60_000)


def test_a_429_is_waited_for_as_long_as_it_says(client, market, clock):
    market.add_faults({"kind": "429", "retry_after": 7, "count": 1, "path": "klines"})
    assert client().klines("BTCUSDT", M1, START_MS, 2).http_status == 200
    assert asked(market) == [(host(market), 429), (host(market), 200)]
    assert sum(clock.slept) == pytest.approx(7, abs=0.1)


def test_a_429_pauses_both_hosts_in_the_warehouse(client, market, row):
    market.add_faults({"kind": "429", "retry_after": 100, "count": 1, "path": "klines"})
    with pytest.raises(RateLimited):
        client().klines("BTCUSDT", M1, START_MS, 2)
    assert row("paused_until", 0) == row("paused_until", 1) != (None,)


def test_a_451_goes_to_the_fallback_host_and_stays_there(client, market):
    market.add_faults({"kind": "451", "host": host(market, 0)})
    asker = client()
    for _ in range(3):
        assert asker.klines("BTCUSDT", M1, START_MS, 2).host == host(market, 1)
    assert [name for name, _ in asked(market)] == [host(market, 1)] * 3
    assert asked(market, "/api/v3/time") == [(host(market, 0), 451), (host(market, 1), 200)]


def test_5xx_in_a_row_open_the_breaker_and_one_trial_closes_it(client, market, clock, row):
    market.add_faults({"kind": "503", "host": host(market, 0)})
    asker = client(breaker_failures=2, breaker_reset_seconds=60)
    assert asker.klines("BTCUSDT", M1, START_MS, 2).host == host(market, 1)
    assert row("breaker_state, breaker_failures") == ("open", 2)
    market.forget_requests()
    clock.advance(59)
    asker.klines("BTCUSDT", M1, START_MS, 2)
    assert asked(market) == [(host(market, 1), 200)]
    clock.advance(1.5)
    market.forget_requests()
    asker.klines("BTCUSDT", M1, START_MS, 2)  # the trial fails, the fallback answers
    assert [status for _, status in asked(market)] == [503, 200]
    assert row("breaker_state") == ("open",)
    market.clear_faults()
    clock.advance(61)
    assert asker.klines("BTCUSDT", M1, START_MS, 2).host == host(market, 0)
    assert row("breaker_state, breaker_failures, breaker_opened_at") == ("closed", 0, None)


def test_when_both_hosts_rest_nothing_is_sent(client, market):
    market.add_faults({"kind": "500"})
    asker = client(breaker_failures=1)
    with pytest.raises(NoHostLeft):
        asker.klines("BTCUSDT", M1, START_MS, 2)
    market.forget_requests()
    with pytest.raises(NoHostLeft, match="rests for"):
        asker.klines("BTCUSDT", M1, START_MS, 2)
    assert market.requests() == []


def test_an_answer_cut_off_is_asked_again(client, market):
    market.add_faults({"kind": "cutoff", "count": 1, "path": "klines"})
    assert len(json.loads(client().klines("BTCUSDT", M1, START_MS, 2).body)) == 2
    assert len(asked(market)) == 2


def test_a_slow_answer_is_a_time_out(client, market):
    market.add_faults({"kind": "slow", "seconds": 1, "path": "klines"})
    asker = client(read_timeout_seconds=0.3, retry_attempts=2)
    with pytest.raises(Unavailable, match="timed out"):
        asker.klines("BTCUSDT", M1, START_MS, 2)
    wait_until(lambda: len(asked(market)) == 2, "the exchange noting both questions, which it does when it answers")


@pytest.mark.parametrize("kind", ["garbage", "html", "empty"])
def test_a_body_that_makes_no_sense_is_kept_as_received(client, market, kind):
    market.add_faults({"kind": kind, "path": "klines"})
    answer = client().klines("BTCUSDT", M1, START_MS, 2)
    assert (answer.http_status, len(asked(market))) == (200, 1)
    with pytest.raises((ValueError, AssertionError)):
        assert len(json.loads(answer.body)) == 2


def test_connections_are_kept_and_there_are_no_more_than_requests_in_flight(client, monkeypatch):
    opened, lock = [], threading.Lock()
    connect = urllib3.connection.HTTPConnection.connect

    def counted(self):
        with lock:
            opened.append(self.host)
        connect(self)

    monkeypatch.setattr(urllib3.connection.HTTPConnection, "connect", counted)
    asker = client(request_concurrency=4)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: asker.klines("BTCUSDT", M1, START_MS, 2), range(80)))
    assert [answer.http_status for answer in answers] == [200] * 80
    assert 1 <= len(opened) <= 4


def test_without_a_database_nothing_is_sent(market, clock, database, config):
    def refuse():
        return database.connect("no_such_schema")

    asker = from_connection(market.url, {}, HostStateStore(refuse, config.raw_schema), config, clock=clock.as_clock())
    with pytest.raises(HostStateUnavailable, match="nothing is sent without it"):
        asker.klines("BTCUSDT", M1, START_MS, 2)
    assert market.requests() == []
