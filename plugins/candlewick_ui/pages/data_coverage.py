"""*Data*, first page: a calendar of symbols and days, each day's colour and number saying what is missing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from candlewick.settings import settings
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.pages.data_sections import SECTIONS, data_router
from candlewick_ui.pages.frame import PageUser, page
from candlewick_ui.pages.tables import Blank, Field, Name, query, today
from candlewick_ui.queries import calendar

SYMBOLS_OF_A_PAGE, DAYS, MOST_DAYS = 50, 31, 92

router = data_router()


@router.get("/data")
def coverage_calendar(
    request: Request,
    user: PageUser,
    reader: ReaderOfMarts,
    symbol: Annotated[Name | None, Blank, Query()] = None,
    last: Annotated[date | None, Blank, Query(description="UTC day; today without")] = None,
    days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = DAYS,
    after: Annotated[str, Query(max_length=50)] = "",
) -> Response:
    """Answer with the calendar."""
    exchange, end = settings().exchange, last or today()
    start = end - timedelta(days=days - 1)
    containing = (symbol or "").upper()
    names = calendar.symbols(reader, exchange, SYMBOLS_OF_A_PAGE + 1, after, containing)
    shown = names[:SYMBOLS_OF_A_PAGE]
    wanted = {"symbol": symbol, "days": days if days != DAYS else None}
    return page(
        request,
        user,
        "data_coverage.html",
        sections=SECTIONS,
        section="data",
        fields=[
            Field("symbol", "Symbol contains", symbol, hints=shown),
            Field("last", "Last day (UTC)", last, kind="date"),
            Field("days", "Days", days, kind="number"),
        ],
        calendar=calendar.days(reader, exchange, shown, start, end),
        days=[start + timedelta(days=number) for number in range(days)],
        earlier=query(wanted, last=start - timedelta(days=1), after=after),
        later=query(wanted, last=min(end + timedelta(days=days), today()), after=after) if end < today() else None,
        more=query(wanted, last=last, after=shown[-1]) if len(names) > SYMBOLS_OF_A_PAGE else None,
    )
