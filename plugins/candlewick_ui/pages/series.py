"""Candles of any stretch of time with the indicators at their closes: the marts' where they have them, else computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from candlewick_ui.analytics import formulas
from candlewick_ui.analytics.warm_up import bars_for_exponential, bars_for_wilder
from candlewick_ui.database import NotBuilt
from candlewick_ui.queries.candles import final_bars
from candlewick_ui.queries.chart_candles import newest_before
from candlewick_ui.queries.indicators import COLUMNS, TABLES, indicators
from candlewick_ui.queries.vars import mart_vars

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick_ui.database import Reader
    from candlewick_ui.queries.candles import Interval

    Row = dict[str, Any]
    Values = dict[datetime, Row]

NAMES = tuple(name for columns in COLUMNS.values() for name in columns)


@dataclass(frozen=True, slots=True)
class Series:
    """A stretch of candles.

    Attributes:
        bars: oldest first.
        values: the indicators by open time. A bar in progress has none; one that is not warm has None.
        final: final bars there are up to the newest of these; of many, at least as many as an indicator needs to begin.
    """

    bars: list[Row]
    values: Values
    final: int


def bars_with_indicators(
    reader: Reader, exchange: str, symbol: str, interval: Interval, end: datetime, most: int
) -> Series:
    """Return the newest candles that open before ``end`` (naive UTC), with indicators of the marts' periods."""
    bars = newest_before(reader, exchange, symbol, interval, end, most)
    if not bars:
        return Series([], {}, 0)
    shown = sum(bar["is_final"] for bar in bars)
    if values := _of_the_mart(reader, exchange, symbol, interval, bars):
        newest = values[max(values)]
        if all(newest[name] is not None for name in NAMES):
            return Series(bars, values, max(shown, _bars_before()))
        return Series(bars, values, shown + len(_earlier(reader, exchange, symbol, interval, bars)))
    earlier = _earlier(reader, exchange, symbol, interval, bars)
    return Series(bars, _computed(earlier, bars), shown + len(earlier))


def _of_the_mart(reader: Reader, exchange: str, symbol: str, interval: Interval, bars: list[Row]) -> Values:
    """Return what the mart has; nothing when it has none of this interval, or not of all final bars as they are, or is not built.

    It lags behind the candles: by a minute, by the hour, by some runs after history was brought.
    """
    if interval not in TABLES:
        return {}
    first, last = bars[0]["open_time"], bars[-1]["close_time"]
    try:
        rows = indicators(reader, exchange, symbol, interval, first, last, len(bars), from_newest=True, is_settled=True)
    except NotBuilt:
        return {}
    values = {row["open_time"]: row for row in rows}
    return values if all(bar["open_time"] in values for bar in bars if bar["is_final"]) else {}


def _bars_before() -> int:
    """Return how many bars before the first one shown leave nothing of where an average began."""
    periods = mart_vars()
    return max(
        bars_for_wilder(max(int(periods["rsi_period"]), int(periods["atr_period"]))),
        bars_for_exponential(int(periods["macd_slow_period"]))
        + bars_for_exponential(int(periods["macd_signal_period"])),
        int(periods["bollinger_period"]),
    )


def _earlier(reader: Reader, exchange: str, symbol: str, interval: Interval, bars: list[Row]) -> list[Row]:
    return final_bars(reader, exchange, symbol, interval, _bars_before(), bars[0]["open_time"], decimals=float)


def _computed(earlier: list[Row], bars: list[Row]) -> Values:
    periods = mart_vars()
    slow, signal = int(periods["macd_slow_period"]), int(periods["macd_signal_period"])
    final = [*earlier, *(bar for bar in bars if bar["is_final"])]
    highs, lows, closes = ([float(bar[f"{what}_price"]) for bar in final] for what in ("high", "low", "close"))
    columns = (
        formulas.rsi(*formulas.gains_and_losses(closes, int(periods["rsi_period"]))),
        *formulas.macd(closes, int(periods["macd_fast_period"]), slow, signal),
        *formulas.bollinger(closes, int(periods["bollinger_period"]), float(periods["bollinger_deviations"])),
        formulas.atr(highs, lows, closes, int(periods["atr_period"])),
    )
    rows = zip(*columns, strict=True)
    return {bar["open_time"]: dict(zip(NAMES, row, strict=True)) for bar, row in zip(final, rows, strict=True)}
