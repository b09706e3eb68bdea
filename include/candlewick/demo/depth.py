"""The order book: a function of (seed, symbol, second)."""

from typing import Any

import numpy as np  # noqa: TID253 - no DAG imports the simulated exchange

from candlewick.demo.noise import IntArray, field, hashes, key_of
from candlewick.demo.rows import decimal
from candlewick.demo.symbols import Symbol
from candlewick.demo.tape import Tape

MOST_LEVELS = 5000
_UPDATES_PER_SECOND = 24


def weight(limit: int) -> int:
    """Request weight of a book of ``limit`` levels a side."""
    return next(weight for most, weight in ((100, 5), (500, 25), (1000, 50), (MOST_LEVELS, 250)) if limit <= most)


def book(tape: Tape, price_ticks: int, at_ms: int, limit: int) -> dict[str, Any]:
    """REST's answer: best price first on both sides, never crossed; a smaller limit is the head of a larger one."""
    second = at_ms // 1000
    seed, symbol = tape.seed, tape.symbol
    key = key_of(seed, symbol.name, "book", second)
    bids = price_ticks - 1 - _distances(key, price_ticks, limit)
    asks = price_ticks + _distances(key + 1, price_ticks, limit)
    return {
        "lastUpdateId": second * _UPDATES_PER_SECOND + key_of(seed, symbol.name, "updates") % 10**9,
        "bids": _levels(symbol, key + 2, bids[bids > 0]),
        "asks": _levels(symbol, key + 3, asks),
    }


def _distances(key: int, price_ticks: int, limit: int) -> IntArray:
    """Ticks between the touch and each level: strictly growing, sparser for prices of many ticks."""
    sparse = max(1.0, price_ticks * 0.000_02)
    steps = 1 + (sparse * field(hashes(key, 0, limit), 0) ** 3).astype(np.int64)
    steps[0] = 0
    return np.cumsum(steps)


def _levels(symbol: Symbol, key: int, prices: IntArray) -> list[list[str]]:
    tick, lot = 10 ** (8 - symbol.price_decimals), 10 ** (8 - symbol.quantity_decimals)
    typical = symbol.turnover / symbol.price * 10**symbol.quantity_decimals / 10
    lots = 1 + (typical * field(hashes(key, 0, prices.size), 0) ** 2).astype(np.int64)
    return [
        [decimal(price * tick), decimal(quantity * lot)]
        for price, quantity in zip(prices.tolist(), lots.tolist(), strict=True)
    ]
