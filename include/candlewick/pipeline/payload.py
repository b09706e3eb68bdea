"""What the extractor must know of an answer to page on: how many rows it has and which stamps they span."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from candlewick.lake.envelope import UNREADABLE


@dataclass(frozen=True, slots=True)
class Span:
    """Rows of an answer and the open times (ms) they span; an answer nobody can read has none."""

    rows: int
    first_open_ms: int | None = None
    last_open_ms: int | None = None


def klines_span(body: bytes, exchange_time_ms: int) -> Span:
    """Measure an answer of candles, whatever the order of its rows.

    Garbage counts no row and is judged by the load; a stamp beyond the exchange's clock must not lead the next page.
    """
    try:
        rows = msgspec.json.decode(body, type=list[list[object]])
    except UNREADABLE:
        return Span(0)
    stamps = [row[0] for row in rows if row and type(row[0]) is int and 0 <= row[0] <= exchange_time_ms]
    if not stamps:
        return Span(len(rows))
    return Span(len(rows), min(stamps), max(stamps))


def depth_span(body: bytes) -> Span:
    """Count the levels of a book."""
    try:
        book = msgspec.json.decode(body, type=dict[str, object])
    except UNREADABLE:
        return Span(0)
    return Span(sum(len(side) for side in (book.get("bids"), book.get("asks")) if isinstance(side, list)))
