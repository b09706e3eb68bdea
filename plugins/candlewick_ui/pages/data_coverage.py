"""*Data*, first page: a calendar of symbols and days, each day's colour and number saying what is missing."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import pydantic
from fastapi import Query, Request
from fastapi.responses import Response

from candlewick.settings import settings
from candlewick.warehouse.database import utc_now
from candlewick_ui import times
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.pages.data_filters import MOST_DAYS, filled
from candlewick_ui.pages.data_sections import SECTIONS, data_router
from candlewick_ui.pages.frame import PageUser, page
from candlewick_ui.pages.tables import Blank, Day, Symbol, query, today
from candlewick_ui.queries import calendar

PARTS = {
    calendar.Part.NOT_OVER: "; the day was not over yet",
    calendar.Part.NOT_EXPECTED: "; the rest of the day is not expected",
}
SYMBOLS_OF_A_PAGE, DAYS = 50, 31
Days = Annotated[int, pydantic.Field(ge=1, le=MOST_DAYS)]

router = data_router()


@router.get("/data")
def coverage_calendar(
    request: Request,
    user: PageUser,
    reader: ReaderOfMarts,
    symbol: Symbol = None,
    last: Day = None,
    days: Annotated[Days | None, Blank, Query()] = None,
    after: Annotated[str, Query(max_length=50)] = "",
) -> Response:
    """Answer with the calendar."""
    exchange = settings().exchange
    start, end = times.days(None, last, days or DAYS, utc_now())
    names = calendar.symbols(reader, exchange, SYMBOLS_OF_A_PAGE + 1, after, symbol or "")
    shown = names[:SYMBOLS_OF_A_PAGE]
    length = (end - start).days + 1
    wanted = {"symbol": symbol, "days": days}
    counted = calendar.days(reader, exchange, shown, start, end)
    return page(
        request,
        user,
        "data_coverage.html",
        sections=SECTIONS,
        section="data",
        fields=filled("data", {"symbol": symbol, "last": last, "days": days or DAYS}, hints={"symbol": shown}),
        calendar=counted,
        as_of=max((day["counted_at"] for found in counted.values() for day in found.values()), default=None),
        parts=PARTS,
        days=[start + timedelta(days=number) for number in range(length)],
        earlier=query(wanted, last=start - timedelta(days=1), after=after),
        later=query(wanted, last=min(end + timedelta(days=length), today()), after=after) if end < today() else None,
        first=query(wanted, last=last) if after else None,
        more=query(wanted, last=last, after=shown[-1]) if len(names) > SYMBOLS_OF_A_PAGE else None,
    )
