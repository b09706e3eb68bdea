"""Candles as they are: open, high, low, close, volume, and whether they are final."""

from __future__ import annotations

from datetime import datetime

from candlewick_ui.providers.base import Answer, Asked, Provider, ProviderParameters
from candlewick_ui.queries.candles import COLUMNS, candles

BEGINNING, END = datetime(1970, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 -- naive UTC, as the tables hold it


def answer(asked: Asked, parameters: ProviderParameters) -> Answer:
    """Return the newest candles."""
    rows = candles(
        asked.reader, asked.exchange, asked.symbol, parameters.interval, BEGINNING, END, parameters.limit, newest=True
    )
    return Answer(COLUMNS, rows)


PROVIDER = Provider("candlestick", "Open, high, low, close and volume of each bar.", ProviderParameters, answer)
