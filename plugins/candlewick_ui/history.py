"""Pages of a series in time: forward from a start, or backward from the newest row when no start is named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from candlewick_ui import paging, times
from candlewick_ui.queries.candles import BEGINNING, END

if TYPE_CHECKING:
    from collections.abc import Callable

TICK = timedelta(milliseconds=1)  # times have no more digits


@dataclass(frozen=True, slots=True)
class Span:
    """What of a series is asked for: rows of [start, end), naive UTC; of too many the oldest, or the newest."""

    start: datetime
    end: datetime
    is_backward: bool


def span(start: datetime | None, end: datetime | None, cursor: str | None) -> Span:
    """Return what a caller means.

    Raises:
        Problem: it is empty, or the cursor is none of this list's.
    """
    since, until = times.naive_utc(start) if start else BEGINNING, times.naive_utc(end) if end else END
    if start and end:
        times.refuse_backward(start, end)
    after = paging.decode(cursor, int, datetime)
    if after is None:
        return Span(since, until, is_backward=start is None)
    is_backward, place = bool(after[0]), times.naive_utc(after[1])
    return (
        Span(since, min(place, until), is_backward=True)
        if is_backward
        else Span(place + TICK, until, is_backward=False)
    )


def page(
    asked: Span, rows: Callable[[int], list[dict[str, Any]]], limit: int, moment: str = "open_time"
) -> paging.Page:
    """Return a page, oldest row first.

    Args:
        asked: the span.
        rows: returns so many rows of it at most, oldest first.
        limit: of the page.
        moment: the column of the order: times, or those of `told.TOLD`.
    """
    found = rows(limit + 1)
    if len(found) <= limit:
        return paging.Page(found)
    if asked.is_backward:
        return paging.Page(found[1:], (1, found[1][moment]))
    return paging.Page(found[:limit], (0, found[limit - 1][moment]))
