"""Spans of whole minutes, and what is left when they are joined, cut or taken away. Pure: no clock, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """Time from ``start`` to before ``end``, naive UTC."""

    start: datetime
    end: datetime

    @property
    def minutes(self) -> int:
        """Its length."""
        return (self.end - self.start) // MINUTE

    def touches(self, other: Span) -> bool:
        """Whether the two share a moment or a border."""
        return self.start <= other.end and other.start <= self.end

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} … {self.end:%Y-%m-%d %H:%M}"


def floor_minute(moment: datetime) -> datetime:
    """Cut to the minute."""
    return moment.replace(second=0, microsecond=0)


def of_day(day: date) -> Span:
    """Return the span of a day."""
    start = datetime.combine(day, time())
    return Span(start, start + DAY)


def as_datetime(value: date | datetime | None) -> datetime | None:
    """Return a moment, of a date its midnight."""
    if value is None or isinstance(value, datetime):
        return value
    return datetime.combine(value, time())


def joined(spans: Iterable[Span]) -> list[Span]:
    """Sort spans and join those that touch; empty ones are left out."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.start < span.end):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def common(some: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """Return what lies in both."""
    left, right = joined(some), joined(others)
    found, at = [], 0
    for span in left:
        while at and right[at - 1].end > span.start:
            at -= 1
        while at < len(right) and right[at].start < span.end:
            both = Span(max(span.start, right[at].start), min(span.end, right[at].end))
            if both.start < both.end:
                found.append(both)
            at += 1
    return found


def without(some: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """Return what lies in the first and not in the second."""
    taken, found, at = joined(others), [], 0
    for span in joined(some):
        start = span.start
        while at and taken[at - 1].end > start:
            at -= 1
        while at < len(taken) and taken[at].start < span.end:
            if taken[at].end > start:
                if taken[at].start > start:
                    found.append(Span(start, taken[at].start))
                start = taken[at].end
            at += 1
        if start < span.end:
            found.append(Span(start, span.end))
    return found


def minutes_of(spans: Iterable[Span]) -> int:
    """Return how long spans are together."""
    return sum(span.minutes for span in spans)


def days(span: Span) -> Iterator[tuple[date, Span]]:
    """Cut a span at midnight."""
    start = span.start
    while start < span.end:
        end = min(of_day(start.date()).end, span.end)
        yield start.date(), Span(start, end)
        start = end


def months(span: Span) -> Iterator[Span]:
    """Cut a span where months begin."""
    start = span.start
    while start < span.end:
        first = datetime(start.year, start.month, 1)  # noqa: DTZ001 -- naive UTC, as the tables hold it
        end = min((first + timedelta(days=32)).replace(day=1), span.end)
        yield Span(start, end)
        start = end
