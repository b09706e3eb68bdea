"""Integers to Binance's twelve kline fields."""

from typing import Any

from candlewick.demo.rollup import Candles
from candlewick.demo.symbols import Symbol

Row = list[Any]
"""open time ms, open, high, low, close, volume, close time ms, quote volume, trades, taker buy base, taker buy
quote, ignore; decimals are strings with eight places."""

_UNIT = 10**8


def decimal(units: int) -> str:
    """1e-8 units as a decimal with eight places."""
    whole, rest = divmod(units, _UNIT)
    return f"{whole}.{rest:08d}"


def to_rows(symbol: Symbol, candles: Candles) -> list[Row]:
    """One list a candle, in the order of ``candles``."""
    tick, lot = 10 ** (8 - symbol.price_decimals), 10 ** (8 - symbol.quantity_decimals)
    columns = candles.columns
    return [
        [
            opened,
            decimal(open_ * tick),
            decimal(high * tick),
            decimal(low * tick),
            decimal(close * tick),
            decimal(volume * lot),
            closed,
            decimal(quote),
            trades,
            decimal(taker * lot),
            decimal(taker_quote),
            "0",
        ]
        for opened, open_, high, low, close, volume, closed, quote, trades, taker, taker_quote in zip(
            candles.open_ms.tolist(),
            columns.open.tolist(),
            columns.high.tolist(),
            columns.low.tolist(),
            columns.close.tolist(),
            columns.volume.tolist(),
            candles.close_ms.tolist(),
            columns.quote_volume.tolist(),
            columns.trades.tolist(),
            columns.taker_volume.tolist(),
            columns.taker_quote_volume.tolist(),
            strict=True,
        )
    ]
