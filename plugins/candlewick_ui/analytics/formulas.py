"""Indicators of a series of bars, with TA-Lib's formulas in TA-Lib's order of operations.

A value that is not warm yet is None; every list is as long as the series. The marts compute the same in SQL
(dbt_project/macros/indicators), for the periods they hold.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Values: TypeAlias = "list[float | None]"

AT_ONCE = 1000  # windows that are laid out in memory


def wilder_means(values: Sequence[float], period: int) -> Values:
    """Smooth as Wilder does: the mean of the first ``period`` values, then (mean · (period - 1) + value) / period.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems (1978).
    """
    if len(values) < period:
        return [None] * len(values)
    mean = sum(values[:period]) / period
    means: Values = [None] * (period - 1)
    means.append(mean)
    for value in values[period:]:
        mean = (mean * (period - 1) + value) / period
        means.append(mean)
    return means


def exponential_means(values: Sequence[float], period: int, skipped: int = 0) -> Values:
    """Average with weight 2 / (period + 1), from the mean of ``period`` values on; the first ``skipped`` do not count.

    Source: TA-Lib, TA_EMA.
    """
    seeded = skipped + period
    if len(values) < seeded:
        return [None] * len(values)
    mean, weight = sum(values[skipped:seeded]) / period, 2 / (period + 1)
    means: Values = [None] * (seeded - 1)
    means.append(mean)
    for value in values[seeded:]:
        mean = (value - mean) * weight + mean
        means.append(mean)
    return means


def gains_and_losses(closes: Sequence[float], period: int) -> tuple[Values, Values]:
    """Return the smoothed moves up and down; the first bar has no move."""
    moves = [later - earlier for earlier, later in pairwise(closes)]
    gains = wilder_means([max(move, 0.0) for move in moves], period)
    losses = wilder_means([max(-move, 0.0) for move in moves], period)
    return [None, *gains][: len(closes)], [None, *losses][: len(closes)]


def rsi(gains: Values, losses: Values) -> Values:
    """Return the relative strength index, 0 to 100: 100 · gain / (gain + loss); 0 where nothing ever moved.

    Source: Wilder 1978; TA-Lib, TA_RSI. Args are those of `gains_and_losses`.
    """
    return [
        None if gain is None or loss is None else 100 * (gain / (gain + loss)) if gain + loss else 0.0
        for gain, loss in zip(gains, losses, strict=True)
    ]


def macd(closes: Sequence[float], fast: int, slow: int, signal: int) -> tuple[Values, Values, Values]:
    """Return the line (fast less slow average), its signal (an average of the line) and the line less the signal.

    The fast average is seeded on the bar the slow one begins with; nothing is told before the signal is warm. In the
    unit of the price. Source: TA-Lib, TA_MACD.
    """
    line = [
        quick - calm
        for quick, calm in zip(
            exponential_means(closes, fast, slow - fast), exponential_means(closes, slow), strict=True
        )
        if quick is not None and calm is not None
    ]
    signals = exponential_means(line, signal)
    cold = len(closes) - len(line) + min(signal - 1, len(line))
    warm = [(value, mean) for value, mean in zip(line, signals, strict=True) if mean is not None]
    nothing: Values = [None] * cold
    return (
        nothing + [value for value, _ in warm],
        nothing + [mean for _, mean in warm],
        nothing + [value - mean for value, mean in warm],
    )


def bollinger(closes: Sequence[float], period: int, deviations: float) -> tuple[Values, Values, Values]:
    """Return the upper band, the mean of the last ``period`` closes, and the lower band.

    The bands are ``deviations`` population standard deviations away, in the unit of the price. Differences to a close
    of the window are averaged, not the closes: large prices that hardly move lose no digits, and a price that stands
    still has bands of exactly itself. Source: TA-Lib, TA_BBANDS with a simple average.
    """
    import numpy as np

    if len(closes) < period:
        nothing: Values = [None] * len(closes)
        return nothing, nothing, nothing
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(closes, dtype=float), period)
    upper: Values = [None] * (period - 1)
    middle, lower = upper.copy(), upper.copy()
    for start in range(0, len(windows), AT_ONCE):
        some = windows[start : start + AT_ONCE]
        off = some - some[:, :1]
        means = some[:, 0] + off.mean(axis=1)
        spread = deviations * off.std(axis=1)
        for band, values in ((upper, means + spread), (middle, means), (lower, means - spread)):
            band.extend(values.tolist())
    return upper, middle, lower


def atr(highs: Sequence[float], lows: Sequence[float], closes: Sequence[float], period: int) -> Values:
    """Return the average true range, in the unit of the price; the first bar has no true range.

    Source: Wilder 1978; TA-Lib, TA_ATR.
    """
    ranges = [
        max(high, before) - min(low, before) for high, low, before in zip(highs[1:], lows[1:], closes, strict=False)
    ]
    return [None, *wilder_means(ranges, period)][: len(closes)]
