import json

import pytest
import requests

from candlewick.exchange.errors import (
    BadRequest,
    BudgetExhausted,
    ExchangeError,
    IpBanned,
    NoHostLeft,
    RateLimited,
    Unavailable,
    UnknownSymbol,
)
from candlewick.exchange.state import BreakerState
from candlewick.market import Interval

M1 = Interval.MINUTE_1
SYMBOL = {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT"}
UNKNOWN = {"status": 400, "body": b'{"code": -1121, "msg": "Invalid symbol."}'}


def failure(status=500, **fields):
    return {"status": status, "body": b'{"code": -1000, "msg": "broken"}', **fields}


def test_klines_are_asked_with_what_was_wanted_and_kept_as_received(binance, transport):
    transport.script.append({"body": b"not even json"})
    answer = binance().klines("BTCUSDT", M1, 60_000, 500, end_ms=120_000)
    parameters = {"symbol": "BTCUSDT", "interval": "1m", "startTime": "60000", "endTime": "120000", "limit": "500"}
    assert transport.asked[-1] == ("api.test", "/api/v3/klines", parameters)
    assert (answer.body, answer.host, answer.http_status, answer.weight) == (b"not even json", "api.test", 200, 2)


def test_without_an_end_none_is_sent(binance, transport):
    binance().klines("BTCUSDT", M1, 60_000, 500)
    assert "endTime" not in transport.asked[-1][2]


@pytest.mark.parametrize(("levels", "weight"), [(20, 5), (100, 5), (101, 25), (500, 25), (1000, 50), (5000, 250)])
def test_an_order_book_weighs_by_its_levels(binance, states, levels, weight):
    client = binance()
    client.time_ms()
    before = states.rows["api.test"].used_weight
    assert client.depth("BTCUSDT", levels).weight == weight
    assert states.rows["api.test"].used_weight - before == weight


@pytest.mark.parametrize("ask", [lambda c: c.depth("X", 5001), lambda c: c.klines("X", M1, 0, 1001)])
def test_more_than_the_exchange_gives_at_once_is_refused_unsent(binance, transport, ask):
    with pytest.raises(BadRequest):
        ask(binance())
    assert transport.asked == []


def test_the_exchange_time_of_an_answer_is_the_least_it_can_have_been_when_the_question_was_sent(
    binance, transport, clock
):
    transport.latency_s = 0.3
    server_ms = clock.exchange_ms = clock.exchange_ms + 10_000
    answer = binance().klines("BTCUSDT", M1, 0, 1)
    assert answer.exchange_time_ms == server_ms
    assert answer.captured_at_ms == clock.wall_ms
    assert answer.latency_ms == 300


def test_a_jump_of_the_wall_clock_does_not_move_the_exchange_time(binance, clock):
    client = binance()
    before = client.klines("BTCUSDT", M1, 0, 1).exchange_time_ms
    clock.wall_ms -= 3_600_000
    assert client.klines("BTCUSDT", M1, 0, 1).exchange_time_ms == before


def test_the_server_time_is_asked_once_and_again_when_it_is_old(binance, transport, clock):
    client = binance()
    for _ in range(3):
        client.klines("BTCUSDT", M1, 0, 1)
    assert len(transport.questions("/api/v3/time")) == 1
    clock.advance(300)
    client.klines("BTCUSDT", M1, 0, 1)
    assert len(transport.questions("/api/v3/time")) == 2


def test_a_passing_failure_is_tried_again_after_a_growing_pause(binance, transport, clock):
    transport.script += [failure(), requests.ReadTimeout("slow"), {"body": b"[1]"}]
    answer = binance(retry_initial_seconds=1.0, retry_max_seconds=20.0).klines("BTCUSDT", M1, 0, 1)
    assert answer.body == b"[1]"
    assert len(clock.slept) == 2
    assert 0 <= clock.slept[0] <= 1
    assert 0 <= clock.slept[1] <= 2


def test_a_failure_that_stays_is_told_after_the_last_try(binance, transport):
    transport.script += [failure()] * 9
    with pytest.raises(Unavailable, match="answered 500: broken"):
        binance(retry_attempts=3).klines("BTCUSDT", M1, 0, 1)
    assert len(transport.questions()) == 3


def test_an_answer_cut_short_is_tried_again(binance, transport):
    transport.script += [{"body": b"[[1,", "length": 900}, {"body": b"[[1]]"}]
    assert binance().klines("BTCUSDT", M1, 0, 1).body == b"[[1]]"
    assert len(transport.questions()) == 2


def test_a_wrong_question_is_never_tried_again(binance, transport):
    transport.script.append(UNKNOWN)
    with pytest.raises(UnknownSymbol):
        binance().klines("NOPE", M1, 0, 1)
    assert len(transport.questions()) == 1


def test_a_wrong_question_is_no_failure_of_the_host(binance, transport, states):
    transport.script += [failure(), UNKNOWN]
    with pytest.raises(UnknownSymbol):
        binance().klines("NOPE", M1, 0, 1)
    assert states.rows["api.test"].breaker_failures == 0


@pytest.mark.parametrize("status", [403, 451])
def test_a_host_that_refuses_is_left_for_the_next_at_once_and_stays_left(binance, transport, clock, states, status):
    transport.by_host["api.test"] = failure(status)
    client = binance()
    assert client.klines("BTCUSDT", M1, 0, 1).host == "data-api.test"
    client.klines("ETHUSDT", M1, 0, 1)
    assert [host for host, _, _ in transport.asked].count("api.test") == 1
    assert clock.slept == []
    assert states.rows["api.test"].breaker_state is BreakerState.OPEN


def test_when_every_host_refuses_the_sentence_names_them_all(binance, transport):
    transport.by_host = {"api.test": failure(451), "data-api.test": failure(403)}
    with pytest.raises(
        NoHostLeft, match=r"api\.test refused with 451, data-api\.test refused with 403.*fallback_hosts"
    ):
        binance().klines("BTCUSDT", M1, 0, 1)


def test_a_question_that_failed_twice_at_a_host_goes_to_the_next(binance, transport):
    client = binance()
    client.time_ms()
    transport.by_host["api.test"] = requests.ConnectionError("refused")
    assert client.klines("BTCUSDT", M1, 0, 1).host == "data-api.test"
    assert transport.questions() == ["api.test", "api.test", "data-api.test"]


def test_failures_in_a_row_open_the_breaker_for_every_client(binance, transport, clock):
    transport.by_host["api.test"] = failure(503)
    client = binance(breaker_failures=2, breaker_reset_seconds=60)
    client.klines("BTCUSDT", M1, 0, 1)
    transport.asked.clear()
    binance().klines("BTCUSDT", M1, 0, 1)
    assert {host for host, _, _ in transport.asked} == {"data-api.test"}
    del transport.by_host["api.test"]
    clock.advance(61)  # its own 60 s by the exchange's clock, of which the earliest possible reading counts
    assert client.klines("BTCUSDT", M1, 0, 1).host == "api.test"


def test_when_every_host_rests_nothing_is_sent(binance, transport):
    transport.by_host = {"api.test": failure(), "data-api.test": failure()}
    client = binance(breaker_failures=1)
    with pytest.raises(NoHostLeft, match="rests for"):
        client.klines("BTCUSDT", M1, 0, 1)
    transport.asked.clear()
    with pytest.raises(NoHostLeft, match=r"api\.test rests for .* data-api\.test rests for"):
        client.klines("BTCUSDT", M1, 0, 1)
    assert transport.asked == []


def test_a_429_is_waited_for_once_and_asked_again(binance, transport, clock):
    transport.script.append(failure(429, headers={"Retry-After": "7"}))
    assert binance().klines("BTCUSDT", M1, 0, 1).http_status == 200
    assert sum(clock.slept) == pytest.approx(7, abs=0.1)
    assert transport.questions() == ["api.test", "api.test"]


def test_a_429_pauses_every_other_client_too(binance, transport, clock):
    first, second = binance(retry_attempts=1), binance()
    second.time_ms()
    transport.script.append(failure(429, headers={"Retry-After": "7"}))
    with pytest.raises(RateLimited):
        first.klines("BTCUSDT", M1, 0, 1)
    assert clock.slept == []
    second.klines("BTCUSDT", M1, 0, 1)
    assert sum(clock.slept) == pytest.approx(7, abs=0.1)


def test_a_429_longer_than_our_patience_is_told_at_once_and_keeps_the_pause(binance, transport, clock):
    transport.script.append(failure(429, headers={"Retry-After": "100"}))
    client = binance(retry_after_max_seconds=90)
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            client.klines("BTCUSDT", M1, 0, 1)
        assert caught.value.retry_after_seconds == pytest.approx(100, abs=0.1)
    assert len(transport.questions()) == 1
    assert clock.slept == []


def test_patience_is_for_the_whole_question(binance, transport, clock):
    transport.script += [failure(429, headers={"Retry-After": "50"})] * 3
    with pytest.raises(RateLimited):
        binance(retry_after_max_seconds=90).klines("BTCUSDT", M1, 0, 1)
    assert sum(clock.slept) == pytest.approx(50, abs=0.1)


def test_a_418_stops_every_client_at_every_host_until_it_ends(binance, transport, clock, states):
    first, second = binance(), binance()
    second.time_ms()
    end_ms = clock.exchange_ms + 120_000
    body = json.dumps({"code": -1003, "msg": f"IP banned until {end_ms}."}).encode()
    transport.script.append({"status": 418, "body": body})
    with pytest.raises(IpBanned) as caught:
        first.klines("BTCUSDT", M1, 0, 1)
    assert caught.value.until_ms == end_ms
    assert {host: state.banned_until_ms for host, state in states.rows.items()} == {
        "api.test": end_ms,
        "data-api.test": end_ms,
    }
    transport.asked.clear()
    for client in (first, second, binance()):
        with pytest.raises(IpBanned):
            client.klines("BTCUSDT", M1, 0, 1)
    assert transport.asked == []
    assert clock.slept == []
    clock.advance(121)
    assert second.klines("BTCUSDT", M1, 0, 1).host == "api.test"


def test_weight_is_reserved_before_the_question_and_raised_to_the_exchanges_counter(binance, transport, states):
    client = binance()
    client.time_ms()
    transport.used_weight = 700
    client.klines("BTCUSDT", M1, 0, 1)
    assert states.rows["api.test"].used_weight == 700
    transport.used_weight = None
    transport.script.append(UNKNOWN)
    with pytest.raises(UnknownSymbol):
        client.klines("NOPE", M1, 0, 1)
    assert states.rows["api.test"].used_weight == 702


def test_a_full_budget_waits_for_the_next_minute(binance, transport, clock):
    clock.exchange_ms += 20_000
    transport.used_weight = 959
    client = binance()
    client.time_ms()
    transport.used_weight = None
    client.klines("BTCUSDT", M1, 0, 1)
    assert sum(clock.slept) == pytest.approx(40, abs=0.1)


def test_a_wait_longer_than_our_patience_is_a_budget_exhausted(binance, transport, clock):
    transport.used_weight = 959
    with pytest.raises(BudgetExhausted) as caught:
        binance(retry_after_max_seconds=30).klines("BTCUSDT", M1, 0, 1)
    assert caught.value.retry_after_seconds == pytest.approx(60, abs=0.1)
    assert clock.slept == []
    assert transport.questions() == []


def test_each_limit_the_exchange_tells_holds_for_every_host(binance, transport, states):
    client = binance()
    for told in (6000, 4000):
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": told}
        transport.script.append({"body": json.dumps({"symbols": [SYMBOL], "rateLimits": [limit]}).encode()})
        client.exchange_info()
        assert {host: state.weight_limit for host, state in states.rows.items()} == {
            "api.test": told,
            "data-api.test": told,
        }


def test_exchange_information_that_cannot_be_read_is_tried_again(binance, transport):
    whole = json.dumps({"symbols": [SYMBOL]}).encode()
    transport.script += [{"body": b"<html>"}, {"body": b'{"symbols": []}'}, {"body": whole}]
    assert list(binance().exchange_info().symbols) == ["BTCUSDT"]
    assert len(transport.questions("/api/v3/exchangeInfo")) == 3


@pytest.mark.parametrize(
    ("host", "entry"),
    [
        ("api.test", UNKNOWN),
        ("api.test", failure(429, headers={"Retry-After": "100"})),
        ("api.test", failure(418)),
        ("data-api.test", failure()),
        ("data-api.test", requests.ReadTimeout("slow")),
    ],
)
def test_an_error_names_the_host_that_was_asked_last(binance, transport, host, entry):
    client = binance(retry_attempts=3)
    client.time_ms()
    transport.script += [entry] * 3
    with pytest.raises(ExchangeError) as caught:
        client.klines("BTCUSDT", M1, 0, 1)
    assert caught.value.host == host == transport.questions()[-1]


def test_what_is_not_sent_for_a_ban_a_pause_or_the_budget_names_the_host_it_was_for(binance, transport, states):
    client = binance(retry_after_max_seconds=1)
    client.time_ms()
    now_ms, state = client.time_ms(), states.rows["api.test"]
    for field, value in (("used_weight", 9999), ("paused_until_ms", now_ms + 9000), ("banned_until_ms", now_ms + 9000)):
        setattr(state, field, value)
        with pytest.raises(ExchangeError) as caught:
            client.klines("BTCUSDT", M1, 0, 1)
        assert caught.value.host == "api.test"
    assert transport.questions() == []


def test_when_no_host_is_left_none_is_named(binance, transport):
    transport.by_host = {"api.test": failure(451), "data-api.test": failure(403)}
    with pytest.raises(NoHostLeft) as caught:
        binance().klines("BTCUSDT", M1, 0, 1)
    assert caught.value.host is None


def test_a_redirect_is_not_followed(binance, transport):
    transport.script += [failure(302, headers={"Location": "https://elsewhere.test/"})]
    assert binance().klines("BTCUSDT", M1, 0, 1).host == "api.test"
    assert {host for host, _, _ in transport.asked} == {"api.test"}
