"""Reads the answers of Binance the client itself needs: server time, exchange information, the weight counter."""

from __future__ import annotations

import json
from typing import Any

from candlewick.exchange.errors import Unavailable
from candlewick.exchange.port import ExchangeInfo, SymbolState


def server_time_ms(body: bytes, host: str) -> int:
    """Return the stamp of ``/api/v3/time``, in ms.

    Raises:
        Unavailable: the body does not hold one.
    """
    stamp = _object(body, host).get("serverTime")
    if not isinstance(stamp, int):
        raise _unusable(body, host, "serverTime in ms")
    return stamp


def exchange_info(body: bytes, host: str) -> ExchangeInfo:
    """Return the symbols' states and the weight limit per minute of ``/api/v3/exchangeInfo``.

    Raises:
        Unavailable: the body does not hold the symbols, or names none.
    """
    content = _object(body, host)
    try:
        symbols = {
            each["symbol"]: SymbolState(each["symbol"], each["status"], each["baseAsset"], each["quoteAsset"])
            for each in content["symbols"]
        }
        limits = [
            int(each["limit"])
            for each in content.get("rateLimits", [])
            if (each["rateLimitType"], each["interval"], each["intervalNum"]) == ("REQUEST_WEIGHT", "MINUTE", 1)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise _unusable(body, host, "symbols with status, baseAsset and quoteAsset, and rateLimits") from error
    if not symbols:  # taken at its word, it would say that every symbol was delisted
        raise _unusable(body, host, "the symbols it trades")
    return ExchangeInfo(symbols, min(limits, default=None))


def _object(body: bytes, host: str) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError as error:
        raise _unusable(body, host, "a JSON object") from error
    if not isinstance(content, dict):
        raise _unusable(body, host, "a JSON object")
    return content


def _unusable(body: bytes, host: str, expected: str) -> Unavailable:
    start = body[:100].decode("utf-8", "replace")
    return Unavailable(
        f"expected {expected} from {host}, got {start!r}; try again, and check that the connection names a Binance host"
    )
