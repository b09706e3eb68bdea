"""Spans of time as a caller names them: ISO 8601 with an offset, or naive and then UTC; inside of us naive UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import Query

from candlewick_ui.problems import Problem

From = Annotated[datetime | None, Query(alias="from", description="Start, ISO 8601; without an offset UTC.")]
To = Annotated[datetime | None, Query(alias="to", description="End, exclusive; now if not given.")]
FirstDay = Annotated[date | None, Query(alias="from", description="First UTC day.")]
LastDay = Annotated[date | None, Query(alias="to", description="Last UTC day, inclusive; today if not given.")]
# What a DATETIME holds on both servers, a day away from the ends that arithmetic may cross.
EARLIEST, LATEST = datetime(1970, 1, 2), datetime(2199, 12, 31)  # noqa: DTZ001 -- naive UTC, as the tables hold it


def naive_utc(moment: datetime) -> datetime:
    """Return a moment as the tables hold it, cut to what they can hold."""
    return min(max(said(moment), EARLIEST), LATEST)


def said(moment: datetime) -> datetime:
    """Return a moment as naive UTC, whether a table can hold it or not: what a sentence about it shows."""
    if moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:  # an offset that leads out of the calendar
        return moment.replace(tzinfo=None)


def refuse_backward(start: datetime | date, end: datetime | date) -> None:
    """Refuse a span that ends before it begins, or, of moments, where it begins.

    Raises:
        Problem: 422, with the times as they were said.
    """
    if isinstance(start, datetime) and isinstance(end, datetime):
        if (since := said(start)) >= (until := said(end)):
            told = f"{since.isoformat()} and {until.isoformat()} (UTC)"
            raise _unfit(f"expected from to lie before to, got {told}; exchange or widen them")
    elif start > end:
        told = f"{start.isoformat()} and {end.isoformat()}"
        raise _unfit(f"expected from to be no later than to, got {told}; exchange or widen them")


def span(
    start: datetime | None, end: datetime | None, length: timedelta, now: datetime, longest: timedelta | None = None
) -> tuple[datetime, datetime]:
    """Return the span a caller means: the ``length`` before the end, and now as the end, where nothing is said.

    Raises:
        Problem: it is empty, or more than the ``longest``.
    """
    until = now if end is None else end
    since = naive_utc(until) - length if start is None else start
    if start is not None:
        refuse_backward(since, until)
    if longest is not None and said(until) - said(since) > longest:
        raise _unfit(
            f"expected at most {longest / timedelta(hours=1):g} hours, got {said(since).isoformat()} to "
            f"{said(until).isoformat()} (UTC); ask for one such span after the other"
        )
    return naive_utc(since), naive_utc(until)


def days(
    first: date | None, last: date | None, count: int, now: datetime, most: int | None = None
) -> tuple[date, date]:
    """Return the days a caller means: ``count`` of them up to the last, and today as the last, where nothing is said.

    Raises:
        Problem: there is none among them, or more than the ``most``.
    """
    until = last or now.date()
    since = first or until - timedelta(days=min(count - 1, (until - date.min).days))
    refuse_backward(since, until)
    if most is not None and (until - since).days >= most:
        raise _unfit(f"expected at most {most} days, got {since} to {until}; ask for them one after the other")
    earliest, latest = EARLIEST.date(), LATEST.date()
    return min(max(since, earliest), latest), min(max(until, earliest), latest)


def _unfit(sentence: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentence)
