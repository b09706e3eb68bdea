"""Candles as they are: open, high, low, close, volume, and whether they are final."""

from __future__ import annotations

from candlewick_ui.providers.base import Answer, Asked, Provider, ProviderParameters
from candlewick_ui.queries.candles import COLUMNS, newest_candles


def answer(asked: Asked, parameters: ProviderParameters) -> Answer:
    """Return the newest candles, the one in progress included."""
    rows = newest_candles(
        asked.reader, asked.exchange, asked.symbol, parameters.interval, parameters.limit, asked.reading
    )
    return Answer(COLUMNS, rows)


PROVIDER = Provider("candlestick", "Open, high, low, close and volume of each bar.", ProviderParameters, answer)
