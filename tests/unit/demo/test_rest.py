"""REST as Binance documents it."""

import json

import pytest

from candlewick.demo.intervals import DAY_MS, FIXED_MS, HOUR_MS, INTERVALS, MINUTE_MS
from candlewick.demo.market import candles

SEED = 1


def klines(exchange, **params):
    return exchange.get("/api/v3/klines", **params).json()


def test_ping_and_time_answer_with_the_exchanges_clock(exchange, now):
    assert exchange.get("/api/v3/ping").json() == {}
    assert exchange.get("/api/v3/time").json() == {"serverTime": now}


@pytest.mark.parametrize("interval", INTERVALS)
def test_klines_are_the_oracles_newest_rows(exchange, now, interval):
    enough = now - 8 * FIXED_MS.get(interval, 31 * DAY_MS)
    expected = candles(SEED, "ARBUSDT", interval, enough, now, now)[-7:]
    assert klines(exchange, symbol="ARBUSDT", interval=interval, limit=7) == expected


def test_the_default_page_has_500_rows_and_the_largest_1000(exchange):
    assert len(klines(exchange, symbol="BTCUSDT", interval="1m")) == 500
    assert len(klines(exchange, symbol="BTCUSDT", interval="1m", limit=5000)) == 1000


def test_with_a_start_the_first_rows_come_with_only_an_end_the_last(exchange, now):
    hour = now - now % HOUR_MS
    first = klines(exchange, symbol="BTCUSDT", interval="1m", startTime=hour - HOUR_MS + 1, limit=3)
    last = klines(exchange, symbol="BTCUSDT", interval="1m", endTime=hour, limit=3)
    assert [row[0] for row in first] == [hour - HOUR_MS + minute * MINUTE_MS for minute in (1, 2, 3)]
    assert [row[0] for row in last] == [hour - 2 * MINUTE_MS, hour - MINUTE_MS, hour]


def test_start_and_end_are_inclusive_open_times(exchange, now):
    hour = now - now % HOUR_MS
    rows = klines(exchange, symbol="BTCUSDT", interval="5m", startTime=hour - HOUR_MS, endTime=hour)
    assert [row[0] for row in rows] == list(range(hour - HOUR_MS, hour + 1, 5 * MINUTE_MS))


def test_an_end_before_the_start_or_a_start_in_the_future_is_an_empty_page(exchange, now):
    assert klines(exchange, symbol="BTCUSDT", interval="1m", startTime=now, endTime=now - DAY_MS) == []
    assert klines(exchange, symbol="BTCUSDT", interval="1m", startTime=now + DAY_MS) == []


def test_a_page_that_starts_before_the_listing_starts_at_the_listing(exchange):
    rows = klines(exchange, symbol="ARBUSDT", interval="1m", startTime=0, limit=2)
    assert rows[0][0] == 1_679_583_600_000


def test_a_time_zone_moves_the_buckets_but_not_the_bounds(exchange, now):
    days = klines(exchange, symbol="BTCUSDT", interval="1d", timeZone="+8:00", limit=2)
    assert all((row[0] + 8 * HOUR_MS) % DAY_MS == 0 for row in days)
    assert days == candles(SEED, "BTCUSDT", "1d", now - 2 * DAY_MS, now, now, offset_ms=8 * HOUR_MS)[-2:]


def test_a_page_passes_over_an_outage_and_is_still_full(exchange, now):
    hour = now - now % HOUR_MS
    exchange.add_faults({"kind": "outage", "symbol": "BTCUSDT", "start": hour - 5 * DAY_MS, "end": hour})
    forward = klines(exchange, symbol="BTCUSDT", interval="1m", startTime=hour - 5 * DAY_MS - MINUTE_MS, limit=2)
    backward = klines(exchange, symbol="BTCUSDT", interval="1m", limit=3)
    assert [row[0] for row in forward] == [hour - 5 * DAY_MS - MINUTE_MS, hour]
    assert [row[0] for row in backward] == [hour - 5 * DAY_MS - 2 * MINUTE_MS, hour - 5 * DAY_MS - MINUTE_MS, hour]
    assert klines(exchange, symbol="ETHUSDT", interval="1m", limit=2)[0][0] == hour - MINUTE_MS


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"interval": "1m"}, -1102),
        ({"symbol": "BTCUSDT"}, -1102),
        ({"symbol": "", "interval": "1m"}, -1105),
        ({"symbol": "btcusdt", "interval": "1m"}, -1100),
        ({"symbol": "NOPEUSDT", "interval": "1m"}, -1121),
        ({"symbol": "BTCUSDT", "interval": "7m"}, -1120),
        ({"symbol": "BTCUSDT", "interval": "1m", "limit": "many"}, -1100),
        ({"symbol": "BTCUSDT", "interval": "1m", "limit": "0"}, -1130),
        ({"symbol": "BTCUSDT", "interval": "1m", "startTime": "None"}, -1100),
        ({"symbol": "BTCUSDT", "interval": "1m", "timeZone": "15:00"}, -1130),
        ({"symbol": "BTCUSDT", "interval": "1m", "start": "1"}, -1104),
    ],
)
def test_a_wrong_request_gets_binances_error_code(exchange, params, code):
    answer = exchange.get("/api/v3/klines", **params)
    assert answer.status_code == 400
    assert answer.json()["code"] == code


def test_exchange_info_names_limits_symbols_and_filters(exchange, now):
    info = exchange.get("/api/v3/exchangeInfo").json()
    assert info["serverTime"] == now
    assert info["rateLimits"][0] == {
        "rateLimitType": "REQUEST_WEIGHT",
        "interval": "MINUTE",
        "intervalNum": 1,
        "limit": 6000,
    }
    symbols = {symbol["symbol"]: symbol for symbol in info["symbols"]}
    assert {"BTCUSDT", "S000USDT", "S002USDT"} <= set(symbols)
    assert symbols["BTCUSDT"]["baseAsset"] == "BTC"
    assert {"PRICE_FILTER", "LOT_SIZE"} <= {item["filterType"] for item in symbols["BTCUSDT"]["filters"]}


def test_exchange_info_can_be_asked_for_one_or_some_symbols_but_not_both_ways(exchange):
    def names(**params):
        return [symbol["symbol"] for symbol in exchange.get("/api/v3/exchangeInfo", **params).json()["symbols"]]

    both = json.dumps(["ETHUSDT", "BTCUSDT"], separators=(",", ":"))
    assert names(symbol="BTCUSDT") == ["BTCUSDT"]
    assert names(symbols=both) == ["ETHUSDT", "BTCUSDT"]
    assert exchange.get("/api/v3/exchangeInfo", symbols=both, symbol="BTCUSDT").json()["code"] == -1128
    assert exchange.get("/api/v3/exchangeInfo", symbol="NOPEUSDT").json()["code"] == -1121


def test_a_symbol_does_not_exist_before_its_listing(exchange):
    exchange.set_clock("2023-03-23T14:59:59Z")
    assert exchange.get("/api/v3/klines", symbol="ARBUSDT", interval="1m").json()["code"] == -1121
    exchange.advance(1000)
    assert len(klines(exchange, symbol="ARBUSDT", interval="1m")) == 1


def test_the_order_book_is_sorted_positive_and_uncrossed(exchange):
    book = exchange.get("/api/v3/depth", symbol="BTCUSDT", limit=5000).json()
    bids, asks = ([float(price) for price, _ in book[side]] for side in ("bids", "asks"))
    assert len(bids) == len(asks) == 5000
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert 0 < bids[-1] < bids[0] < asks[0]
    assert all(float(quantity) > 0 for _, quantity in book["bids"] + book["asks"])
    close = float(klines(exchange, symbol="BTCUSDT", interval="1m", limit=1)[0][4])
    assert abs(bids[0] / close - 1) < 0.01


def test_a_small_book_is_the_head_of_a_large_one_and_the_update_id_grows(exchange):
    large = exchange.get("/api/v3/depth", symbol="ARBUSDT", limit=1000).json()
    small = exchange.get("/api/v3/depth", symbol="ARBUSDT", limit=5).json()
    assert small["bids"] == large["bids"][:5]
    assert small["asks"] == large["asks"][:5]
    exchange.advance(1000)
    assert exchange.get("/api/v3/depth", symbol="ARBUSDT").json()["lastUpdateId"] > large["lastUpdateId"]
