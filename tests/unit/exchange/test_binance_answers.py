import json

import pytest

from candlewick.exchange.binance_answers import exchange_info, server_time_ms
from candlewick.exchange.errors import Unavailable
from candlewick.exchange.port import SymbolState

SYMBOL = {"symbol": "BTCUSDT", "status": "HALT", "baseAsset": "BTC", "quoteAsset": "USDT", "filters": []}
LIMITS = [
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
    {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
]


def test_symbols_and_the_weight_limit_are_read():
    info = exchange_info(json.dumps({"rateLimits": LIMITS, "symbols": [SYMBOL]}).encode(), "api.test")
    assert info.symbols == {"BTCUSDT": SymbolState("BTCUSDT", "HALT", "BTC", "USDT")}
    assert info.weight_limit_per_minute == 6000


def test_without_a_weight_limit_none_is_told():
    assert exchange_info(json.dumps({"symbols": [SYMBOL]}).encode(), "api.test").weight_limit_per_minute is None


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b'{"symbols": [{"symbol": "X"}]}', b'{"symbols": 3}', b"\xff"]
)
def test_exchange_information_that_cannot_be_read_is_no_answer(body):
    with pytest.raises(Unavailable, match=r"from api\.test, got"):
        exchange_info(body, "api.test")


def test_exchange_information_without_symbols_is_no_answer_rather_than_all_of_them_delisted():
    with pytest.raises(Unavailable, match=r"expected the symbols it trades from api\.test, got .*names a Binance host"):
        exchange_info(json.dumps({"rateLimits": LIMITS, "symbols": []}).encode(), "api.test")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"serverTime": "1"}'])
def test_a_server_time_that_cannot_be_read_is_no_answer(body):
    with pytest.raises(Unavailable, match=r"from api\.test, got"):
        server_time_ms(body, "api.test")
