"""Candles of any stretch of time with the indicators at their closes: the marts' where they have them, else computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from candlewick_ui.analytics import formulas
from candlewick_ui.analytics.warm_up import bars_for_exponential, bars_for_wilder
from candlewick_ui.database import NotBuilt
from candlewick_ui.queries.candles import BEGINNING, candles
from candlewick_ui.queries.indicators import COLUMNS, TABLES, indicators
from candlewick_ui.queries.vars import mart_vars

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick_ui.database import Reader
    from candlewick_ui.queries.candles import Interval

    Row = dict[str, Any]
    Values = dict[datetime, Row]

NAMES = tuple(name for columns in COLUMNS.values() for name in columns)


def bars_with_indicators(
    reader: Reader, exchange: str, symbol: str, interval: Interval, end: datetime, most: int
) -> tuple[list[Row], Values]:
    """Return the newest candles that open before ``end`` (naive UTC), oldest first, and the indicators by open time.

    The periods are those of the marts. A bar in progress has no indicators; one that is not warm has None.
    """
    bars = candles(reader, exchange, symbol, interval, BEGINNING, end, most, newest=True)
    if not bars:
        return [], {}
    return bars, _of_the_mart(reader, exchange, symbol, interval, bars) or _computed(
        reader, exchange, symbol, interval, bars
    )


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


def _computed(reader: Reader, exchange: str, symbol: str, interval: Interval, bars: list[Row]) -> Values:
    periods = mart_vars()
    slow, signal = int(periods["macd_slow_period"]), int(periods["macd_signal_period"])
    before = max(
        bars_for_wilder(max(int(periods["rsi_period"]), int(periods["atr_period"]))),
        bars_for_exponential(slow) + bars_for_exponential(signal),
        int(periods["bollinger_period"]),
    )
    earlier = candles(reader, exchange, symbol, interval, BEGINNING, bars[0]["open_time"], before, newest=True)
    final = [bar for bar in (*earlier, *bars) if bar["is_final"]]
    highs, lows, closes = ([float(bar[f"{what}_price"]) for bar in final] for what in ("high", "low", "close"))
    columns = (
        formulas.rsi(*formulas.gains_and_losses(closes, int(periods["rsi_period"]))),
        *formulas.macd(closes, int(periods["macd_fast_period"]), slow, signal),
        *formulas.bollinger(closes, int(periods["bollinger_period"]), float(periods["bollinger_deviations"])),
        formulas.atr(highs, lows, closes, int(periods["atr_period"])),
    )
    rows = zip(*columns, strict=True)
    return {bar["open_time"]: dict(zip(NAMES, row, strict=True)) for bar, row in zip(final, rows, strict=True)}
