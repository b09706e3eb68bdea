"""What an indicator has to be: TA-Lib says it, and exact arithmetic where TA-Lib itself rounds.

Agreement is relative to the value; MACD and the bands are differences of prices, so theirs is relative to the price.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import talib

if TYPE_CHECKING:
    from support.bars import Bar

TOLERANCE = 1e-12
BY_PRICE = ("macd", "macd_signal", "macd_histogram", "bollinger_upper", "bollinger_middle", "bollinger_lower")
COLUMNS = (
    "rsi", *BY_PRICE, "atr", "sma_20", "sma_50", "sma_200", "ema_12", "ema_26", "ema_50", "obv", "vwap",
)  # fmt: skip


def by_talib(bars: list[Bar]) -> dict[str, np.ndarray]:
    """Every column that TA-Lib has; NaN where a row has NULL."""
    close, high, low, volume = (
        np.array([float(getattr(bar, name)) for bar in bars]) for name in ("close", "high", "low", "volume")
    )
    macd, signal, histogram = talib.MACD(close, 12, 26, 9)
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
    return {
        "rsi": talib.RSI(close, 14),
        "macd": macd, "macd_signal": signal, "macd_histogram": histogram,
        "bollinger_upper": upper, "bollinger_middle": middle, "bollinger_lower": lower,
        "atr": talib.ATR(high, low, close, 14),
        **{f"sma_{n}": talib.SMA(close, n) for n in (20, 50, 200)},
        **{f"ema_{n}": talib.EMA(close, n) for n in (12, 26, 50)},
        "obv": talib.OBV(close, volume),
    }  # fmt: skip


def exactly(bars: list[Bar]) -> dict[str, np.ndarray]:
    """What needs no recursion, by fractions: averages, bands, volume-weighted price of the UTC day so far."""
    close = [Fraction(bar.close) for bar in bars]
    sums = [0, *accumulate(close)]
    squares = [0, *accumulate(price * price for price in close)]
    answer = {
        f"sma_{n}": _windows(len(bars), n, lambda i, n=n: float((sums[i] - sums[i - n]) / n)) for n in (20, 50, 200)
    }

    def deviation(i: int) -> float:
        total = sums[i] - sums[i - 20]
        return math.sqrt((20 * (squares[i] - squares[i - 20]) - total * total) / 400)

    spread = 2 * _windows(len(bars), 20, deviation)
    answer["bollinger_middle"] = answer["sma_20"]
    answer["bollinger_upper"], answer["bollinger_lower"] = answer["sma_20"] + spread, answer["sma_20"] - spread
    return answer | {"vwap": _vwap(bars)}


def _windows(length: int, n: int, value) -> np.ndarray:
    return np.array([math.nan] * min(n - 1, length) + [value(i) for i in range(n, length + 1)])


def _vwap(bars: list[Bar]) -> np.ndarray:
    answer, day = [], None
    for bar in bars:
        if bar.open_time.date() != day:
            day, volume, quote_volume = bar.open_time.date(), Fraction(0), Fraction(0)
        volume, quote_volume = volume + Fraction(bar.volume), quote_volume + Fraction(bar.quote_volume)
        answer.append(float(quote_volume / volume) if volume else math.nan)
    return np.array(answer)


def disagreements(bars: list[Bar], rows: list[tuple]) -> list[str]:
    """Where rows of (open_time, close_price, *COLUMNS) are not what the bars give; empty when all is well."""
    times = [row[0] for row in rows]
    if times != [bar.open_time for bar in bars]:
        missing, surplus = {bar.open_time for bar in bars} - set(times), set(times) - {bar.open_time for bar in bars}
        return [f"{len(missing)} bars have no row (first {min(missing, default='')}), {len(surplus)} rows no bar"]
    if [row[1] for row in rows] != [bar.close for bar in bars]:
        return ["close prices differ"]
    price = np.array([float(bar.close) for bar in bars])
    found = np.array([row[2:] for row in rows], dtype=float).T
    said = []
    for name, values in zip(COLUMNS, found, strict=True):
        for oracle, answers in (("TA-Lib", by_talib(bars)), ("exact arithmetic", exactly(bars))):
            if name in answers:
                said += _differences(name, oracle, values, answers[name], price)
    return said


def _differences(name, oracle, found, expected, price) -> list[str]:
    nulls = np.isnan(found) != np.isnan(expected)
    if nulls.any():
        first = int(np.argmax(nulls))
        return [
            f"{name}[{first}] is {found[first]}, {oracle} says {expected[first]}; {nulls.sum()} NULL positions differ"
        ]
    scale = price if name in BY_PRICE else np.abs(expected)
    off = np.nan_to_num(np.abs(found - expected))
    wrong = off > TOLERANCE * scale
    if not wrong.any():
        return []
    worst = int(np.argmax(np.where(wrong, off / np.maximum(scale, 1e-300), 0)))
    return [
        f"{name}[{worst}] is {found[worst]!r}, {oracle} says {expected[worst]!r}; {wrong.sum()} of {len(found)} differ"
    ]
