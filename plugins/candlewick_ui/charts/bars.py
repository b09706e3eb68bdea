"""Candles as lines and areas: a few paths whatever the number of bars, where a mark a bar would be thousands of elements.

Plotly draws what has no gap as one path, which keeps ten thousand bars smooth. The kind of trace that is made for many
points (WebGL) compiles text to code, which the pages' content security policy forbids.
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

BODY_SHARE, WICK_SHARE = 0.7, 0.1  # of the interval


def stamp(moment: datetime) -> str:
    """Write a time (naive UTC) as Plotly reads it, which knows no time zones."""
    return moment.isoformat(sep=" ", timespec="milliseconds" if moment.microsecond else "seconds")


def before(until: datetime | None) -> str:
    """Return the words for the end of what is shown (naive UTC), with a space before them; none where that is now."""
    if until is None:
        return ""
    # To the minute alone, what opened or was captured within it would seem to be after what it is before.
    seconds = f":{until:%S}" if until.second else ""
    return f" before {until:%Y-%m-%d %H:%M}{seconds} UTC"


def exact(value: Any) -> str:
    """Write a number with all its digits, without zeros at the end."""
    written = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return written.rstrip("0").rstrip(".") if "." in written else written


def candles(bars: Iterable[Bar], length: timedelta) -> Points:
    """Return the outlines of candles, to be stroked and filled: each a path of its own, crisp, and an element a bar.

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
        low, bottom, top, high = _prices(bar)
        x += (centre, centre, left, left, centre, centre, centre, right, right, centre, None)
        y += (low, bottom, bottom, top, top, high, top, top, bottom, bottom, None)
    return x, y


def dense_candles(bars: Sequence[Bar], length: timedelta) -> Points:
    """Return many candles as one path, to be filled and not stroked: there along their tops, back along their bottoms.

    Where the path goes from one candle to the next it comes back the same way, so nothing is filled there. A candle
    whose prices are all the same is as high as a thousandth of the whole, to be seen at all.
    """
    there: list[tuple[str, float]] = []
    back: list[tuple[str, float]] = []
    body, wick = length * (BODY_SHARE / 2), length * (WICK_SHARE / 2)
    thin = float(max(bar["high_price"] for bar in bars) - min(bar["low_price"] for bar in bars)) / 2000 if bars else 0
    for bar in bars:
        middle = bar["open_time"] + length / 2
        left, inner, outer, right = (stamp(middle + off) for off in (-body, -wick, wick, body))
        low, bottom, top, high = _prices(bar)
        centre = (bottom + top) / 2
        bottom, top = min(bottom, centre - thin), max(top, centre + thin)
        low, high = min(low, bottom), max(high, top)
        there += (
            (left, centre), (left, top), (inner, top), (inner, high), (outer, high), (outer, top), (right, top), (right, centre)
        )  # fmt: skip
        back += (
            (left, centre), (left, bottom), (inner, bottom), (inner, low), (outer, low), (outer, bottom), (right, bottom),
            (right, centre),
        )  # fmt: skip
    whole = [*there, *reversed(back)]
    return [x for x, _ in whole], [y for _, y in whole]


def _prices(bar: Bar) -> tuple[float, float, float, float]:
    """Return low, lower end of the body, upper end of the body, high."""
    opened, closed = float(bar["open_price"]), float(bar["close_price"])
    return float(bar["low_price"]), min(opened, closed), max(opened, closed), float(bar["high_price"])


def boxes(spans: Iterable[tuple[datetime, datetime]]) -> Points:
    """Return rectangles over spans of time, from 0 to 1, as points of one path."""
    x: list[str | None] = []
    y: list[float | None] = []
    for start, end in spans:
        left, right = stamp(start), stamp(end)
        x += (left, left, right, right, left, None)
        y += (0, 1, 1, 0, 0, None)
    return x, y


def columns(bars: Iterable[Bar | datetime], values: Iterable[float | None], length: timedelta) -> Points:
    """Return columns that stand on zero as one path to be filled: from one to the next it goes along zero.

    Args:
        bars: as `broken` places them.
        values: of each; nothing is drawn of None and of 0.
        length: of a bar; a column is as wide.
    """
    x: list[str | None] = []
    y: list[float | None] = []
    for bar, value in zip(bars, values, strict=True):
        if value and not isinstance(bar, datetime):
            left, right = stamp(bar["open_time"]), stamp(bar["open_time"] + length)
            x += (left, left, right, right)
            y += (0, value, value, 0)
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


def opens(placed: Iterable[Bar | datetime]) -> list[str]:
    """Return when the bars of `broken` open."""
    return [stamp(one if isinstance(one, datetime) else one["open_time"]) for one in placed]
