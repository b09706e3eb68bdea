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
    if moment.tzinfo is None:
        return min(max(moment, EARLIEST), LATEST)
    try:
        return naive_utc(moment.astimezone(UTC).replace(tzinfo=None))
    except OverflowError:  # an offset that leads out of the calendar
        return EARLIEST if moment.year < LATEST.year else LATEST


def span(start: datetime | None, end: datetime | None, length: timedelta, now: datetime) -> tuple[datetime, datetime]:
    """Return the span a caller means: the ``length`` before the end, and now as the end, where nothing is said.

    Raises:
        Problem: it is empty.
    """
    until = now if end is None else naive_utc(end)
    since = until - length if start is None else naive_utc(start)
    if since >= until:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"expected from to lie before to, got {since.isoformat()} and {until.isoformat()} (UTC); exchange or widen them",
        )
    return since, until


def days(first: date | None, last: date | None, count: int, now: datetime) -> tuple[date, date]:
    """Return the days a caller means: ``count`` of them up to the last, and today as the last, where nothing is said.

    Raises:
        Problem: there is none among them.
    """
    until = min(last or now.date(), LATEST.date())
    since = max(first or until - timedelta(days=min(count - 1, (until - date.min).days)), EARLIEST.date())
    if since > until:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"expected from to be no later than to, got {since.isoformat()} and {until.isoformat()}; exchange or widen them",
        )
    return since, until
