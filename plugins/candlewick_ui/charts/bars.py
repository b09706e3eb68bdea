"""Candles as lines and areas: a few paths whatever the number of bars, where a mark a bar would be thousands of elements.

Plotly draws each trace of scattered points as one path; that is what keeps ten thousand bars smooth. The faster kind of
trace (WebGL) compiles text to code, which the pages' content security policy forbids.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Bar = Mapping[str, Any]
    Points = tuple[list[str | None], list[float | None]]

BODY_SHARE = 0.7  # of the interval


def stamp(moment: datetime) -> str:
    """Write a time (naive UTC) as Plotly reads it, which knows no time zones."""
    return moment.isoformat(sep=" ", timespec="milliseconds" if moment.microsecond else "seconds")


def exact(value: Any) -> str:
    """Write a number with all its digits, without zeros at the end."""
    written = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return written.rstrip("0").rstrip(".") if "." in written else written


def candles(bars: Iterable[Bar], length: timedelta) -> Points:
    """Return the outlines of candles: a box from open to close, a line from low to high, as points of one path.

    Args:
        bars: with `open_time` and the four prices.
        length: of a bar; a candle stands in its middle.
    """
    x: list[str | None] = []
    y: list[float | None] = []
    half = length * (BODY_SHARE / 2)
    for bar in bars:
        middle = bar["open_time"] + length / 2
        left, centre, right = stamp(middle - half), stamp(middle), stamp(middle + half)
        opened, closed = float(bar["open_price"]), float(bar["close_price"])
        x += (left, right, right, left, left, None, centre, centre, None)
        y += (opened, opened, closed, closed, opened, None, float(bar["low_price"]), float(bar["high_price"]), None)
    return x, y


def boxes(spans: Iterable[tuple[datetime, datetime]], low: float = 0, high: float = 1) -> Points:
    """Return rectangles over spans of time as points of one path."""
    x: list[str | None] = []
    y: list[float | None] = []
    for start, end in spans:
        left, right = stamp(start), stamp(end)
        x += (left, left, right, right, left, None)
        y += (low, high, high, low, low, None)
    return x, y


def holes(bars: Sequence[Bar], length: timedelta) -> list[tuple[datetime, datetime]]:
    """Return the spans in which bars are missing, between the first and the last one."""
    times = [bar["open_time"] for bar in bars]
    return [(before + length, after) for before, after in pairwise(times) if after - before > length]


def broken(bars: Sequence[Bar], length: timedelta) -> list[Bar | datetime]:
    """Return the bars with a time wherever some are missing: a line has to break there."""
    placed: list[Bar | datetime] = []
    for bar in bars:
        if placed and not isinstance(last := placed[-1], datetime) and bar["open_time"] - last["open_time"] > length:
            placed.append(last["open_time"] + length)
        placed.append(bar)
    return placed


def middles(placed: Iterable[Bar | datetime], length: timedelta) -> list[str]:
    """Return where the bars of `broken` stand on the axis of time."""
    return [stamp((one if isinstance(one, datetime) else one["open_time"]) + length / 2) for one in placed]
