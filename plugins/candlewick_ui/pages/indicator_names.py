"""What the indicators of the charts are called, and from which candle on they have a value: by the marts' periods."""

from __future__ import annotations

from candlewick_ui.charts.panes import Pane
from candlewick_ui.queries.vars import mart_vars


def names_of_indicators() -> dict[Pane, str]:
    """Return what the indicators are called, with the periods they were made with."""
    told = mart_vars()
    return {
        Pane.RSI: f"RSI {told['rsi_period']}",
        Pane.MACD: f"MACD {told['macd_fast_period']}, {told['macd_slow_period']}, {told['macd_signal_period']}",
        Pane.BOLLINGER: f"Bollinger {told['bollinger_period']}, {told['bollinger_deviations']}",
        Pane.ATR: f"ATR {told['atr_period']}",
        Pane.VOLUME: "volume",
    }


def candles_needed() -> dict[Pane, int]:
    """Return how many final candles there must be for an indicator's first value; the first candle has no move."""
    told = mart_vars()
    return {
        Pane.RSI: int(told["rsi_period"]) + 1,
        Pane.MACD: int(told["macd_slow_period"]) + int(told["macd_signal_period"]) - 1,
        Pane.BOLLINGER: int(told["bollinger_period"]),
        Pane.ATR: int(told["atr_period"]) + 1,
    }
