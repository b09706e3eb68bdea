"""The analytics of a symbol: candles with indicators, its order book, distributions, and what it moves with."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from candlewick.settings import settings
from candlewick_ui.charts.panes import Pane
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.pages.figures import MOST_BARS, naive_utc, names_of_indicators
from candlewick_ui.pages.frame import PageUser, page, page_router
from candlewick_ui.problems import Problem
from candlewick_ui.queries.candles import Interval
from candlewick_ui.queries.market import tracked_symbols
from candlewick_ui.queries.vars import mart_vars

BARS = (100, 200, 500, 1000, 2000, 5000, MOST_BARS)
PANES = (Pane.VOLUME, Pane.BOLLINGER, Pane.RSI, Pane.MACD, Pane.ATR)

router = page_router()


@router.get("/analytics")
def analytics_page(
    request: Request,
    user: PageUser,
    reader: ReaderOfMarts,
    symbol: Annotated[str | None, Query(max_length=50, pattern="^[A-Z0-9_.-]*$")] = None,
    interval: Interval = Interval.MINUTE_1,
    bars: Annotated[int, Query(ge=1, le=MOST_BARS)] = 200,
    until: Annotated[str, Query(max_length=40)] = "",
    panes: Annotated[list[Pane] | None, Query()] = None,
    window: Annotated[str, Query(max_length=16)] = "24h",
) -> Response:
    """Answer with the page; its script asks for the charts."""
    symbols = tracked_symbols(reader, settings().exchange)
    shown = symbol or (symbols[0] if symbols else None)
    moment = _moment(until)
    values: dict[str, Any] = {
        "symbols": symbols if shown is None or shown in symbols else [shown, *symbols],
        "symbol": shown,
        "intervals": list(Interval),
        "interval": interval,
        "sizes": sorted({*BARS, bars}),
        "bars": bars,
        "until": f"{moment:%Y-%m-%dT%H:%M}" if moment else "",
        "panes": PANES,
        "shown_panes": PANES if panes is None else panes,
        "pane_names": names_of_indicators(),
        "windows": [one.name for one in mart_vars().windows],
        "window": window,
    }
    return page(request, user, "analytics.html", **values)


def _moment(written: str) -> datetime | None:
    """Read a time of the address; a form that leaves it empty means now."""
    try:
        return naive_utc(datetime.fromisoformat(written)) if written else None
    except ValueError:
        sentence = f"until: expected a time such as 2026-01-31T12:00, got {written!r}; correct the address of this page"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentence) from None
