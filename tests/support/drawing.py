"""Bars, books and bins to draw, and the check that a figure is one of Plotly's."""

from datetime import datetime, timedelta
from decimal import Decimal

import plotly.graph_objects as go

NOON = datetime(2026, 3, 1, 12)
MINUTE = timedelta(minutes=1)
NAMES = {"volume": "volume", "rsi": "RSI 14", "macd": "MACD 12, 26, 9", "bollinger": "Bollinger 20, 2", "atr": "ATR 14"}


def bar(minute, opened, closed, *, is_final=True, low=None, high=None, volume="1.50000000", minutes=None):
    return {
        "open_time": NOON + minute * MINUTE,
        "minutes": minutes,
        "open_price": Decimal(opened),
        "close_price": Decimal(closed),
        "high_price": Decimal(high or max(opened, closed, key=Decimal)),
        "low_price": Decimal(low or min(opened, closed, key=Decimal)),
        "volume": Decimal(volume),
        "is_final": is_final,
    }


def valid(figure):
    """Return Plotly's own figure: it refuses a property that is none of its schema, and a value that cannot be."""
    drawn = go.Figure({"data": figure.data, "layout": figure.layout})
    assert drawn.to_json()
    return drawn


def named(figure, name):
    return [trace for trace in figure.data if trace.get("name") == name]
