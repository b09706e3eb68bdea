"""Weights, 429 and bans."""

import pytest


@pytest.mark.parametrize(
    ("path", "params", "weight"),
    [
        ("ping", {}, 1),
        ("time", {}, 1),
        ("exchangeInfo", {}, 20),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 1000}, 2),
        ("depth", {"symbol": "BTCUSDT"}, 5),
        ("depth", {"symbol": "BTCUSDT", "limit": 101}, 25),
        ("depth", {"symbol": "BTCUSDT", "limit": 1000}, 50),
        ("depth", {"symbol": "BTCUSDT", "limit": 5000}, 250),
    ],
)
def test_every_answer_tells_the_weight_used_in_this_minute(exchange, path, params, weight):
    exchange.get("/api/v3/ping")
    answer = exchange.get(f"/api/v3/{path}", **params)
    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == answer.headers["x-mbx-used-weight"] == str(1 + weight)


def test_a_new_minute_of_the_exchanges_clock_forgets_the_weight(exchange):
    exchange.get("/api/v3/exchangeInfo")
    exchange.advance(30_000)
    assert exchange.get("/api/v3/ping").headers["x-mbx-used-weight-1m"] == "1"


def test_above_the_limit_it_is_429_until_the_next_minute(exchange):
    exchange.change_settings(weight_limit=20)
    exchange.get("/api/v3/exchangeInfo")
    refused = exchange.get("/api/v3/ping")
    assert refused.status_code == 429
    assert refused.json()["code"] == -1003
    assert refused.headers["Retry-After"] == "30"
    exchange.advance(30_000)
    assert exchange.get("/api/v3/ping").status_code == 200


def test_who_does_not_stop_is_banned_and_told_until_when(exchange, now):
    exchange.change_settings(weight_limit=1, patience=2, ban_seconds=300)
    statuses = [exchange.get("/api/v3/ping").status_code for _ in range(5)]
    assert statuses == [200, 429, 429, 418, 418]
    banned = exchange.get("/api/v3/time")
    assert banned.headers["Retry-After"] == "300"
    assert f"banned until {now + 300_000}" in banned.json()["msg"]


def test_a_ban_outlasts_the_minute_and_ends(exchange):
    exchange.change_settings(weight_limit=1, patience=0, ban_seconds=300)
    exchange.get("/api/v3/ping")
    exchange.get("/api/v3/ping")
    exchange.advance(299_000)
    assert exchange.get("/api/v3/ping").status_code == 418
    exchange.advance(1_000)
    exchange.change_settings(weight_limit=6000)
    assert exchange.get("/api/v3/ping").status_code == 200


def test_the_archive_has_no_weight(exchange):
    answer = exchange.get("/data/spot/daily/klines/BTCUSDT/1d/BTCUSDT-1d-2024-05-01.zip")
    assert answer.status_code == 200
    assert "x-mbx-used-weight" not in answer.headers


def test_exchange_info_tells_the_limit_in_force(exchange):
    exchange.change_settings(weight_limit=1200)
    assert exchange.get("/api/v3/exchangeInfo", symbol="BTCUSDT").json()["rateLimits"][0]["limit"] == 1200
