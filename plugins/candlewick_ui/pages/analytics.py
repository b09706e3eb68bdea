"""The analytics of a symbol: candles with indicators, its order book, distributions, and what it moves with."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BeforeValidator

from candlewick.settings import settings
from candlewick_ui.charts.panes import Pane
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.pages.figures import MOST_BARS
from candlewick_ui.pages.frame import PageUser, page, page_router
from candlewick_ui.pages.indicator_names import names_of_indicators
from candlewick_ui.pages.tables import Blank, Symbol
from candlewick_ui.problems import Problem
from candlewick_ui.queries.candles import Interval
from candlewick_ui.queries.known import demand_symbol
from candlewick_ui.queries.market import tracked_symbols
from candlewick_ui.queries.vars import Vars, mart_vars
from candlewick_ui.times import naive_utc

BARS = (100, 200, 500, 1000, 2000, 5000, MOST_BARS)
PANES = (Pane.VOLUME, Pane.BOLLINGER, Pane.RSI, Pane.MACD, Pane.ATR)
SomePanes = BeforeValidator(lambda values: [one for one in values if one] if values else values)
"""No pane is written `panes=`; an address without it means all."""
DAY = "24h"

router = page_router()


@router.get("/analytics")
def analytics_page(
    request: Request,
    user: PageUser,
    reader: ReaderOfMarts,
    symbol: Symbol = None,
    interval: Interval = Interval.MINUTE_1,
    bars: Annotated[int, Query(ge=1, le=MOST_BARS)] = 200,
    until: Annotated[str, Query(max_length=40)] = "",
    panes: Annotated[list[Pane] | None, SomePanes, Query()] = None,
    window: Annotated[str | None, Blank, Query(max_length=16)] = None,
) -> Response:
    """Answer with the page; its script asks for the charts."""
    exchange = settings().exchange
    symbols = tracked_symbols(reader, exchange)
    if symbol and symbol not in symbols and (why := _unknown(reader, exchange, symbol)):
        told_so = {"symbols": symbols, "symbol": None, "unknown": symbol, "exchange": exchange}
        return page(request, user, "analytics.html", status=why.status, **told_so)
    shown = symbol or (symbols[0] if symbols else None)
    moment, told = _moment(until), mart_vars()
    values: dict[str, Any] = {
        "symbols": symbols if shown is None or shown in symbols else [shown, *symbols],
        "symbol": shown,
        "unknown": None,
        "intervals": list(Interval),
        "interval": interval,
        "sizes": sorted({*BARS, bars}),
        "bars": bars,
        "until": f"{moment:%Y-%m-%dT%H:%M}" if moment else "",
        "panes": PANES,
        "shown_panes": PANES if panes is None else panes,
        "pane_names": names_of_indicators(),
        "windows": [one.name for one in told.windows],
        "window": _window(window, told),
        "profile_hours": told["volume_profile_hours"],
        "distribution_hours": told["price_distribution_hours"],
    }
    return page(request, user, "analytics.html", **values)


def _unknown(reader: ReaderOfMarts, exchange: str, symbol: str) -> Problem | None:
    """Return what is wrong with a symbol that is not tracked; nothing with one that was, whose history is there."""
    try:
        demand_symbol(reader, exchange, symbol)
    except Problem as problem:
        return problem
    return None


def _window(asked: str | None, told: Vars) -> str:
    """Return the window of returns that is asked for; a day, if there is that one, when none is."""
    names = [one.name for one in told.windows]
    if asked and asked not in names:
        sentence = f"window: expected one of {', '.join(names)}, got {asked!r}; correct the address of this page"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentence)
    return asked or (DAY if DAY in names else names[0])


def _moment(written: str) -> datetime | None:
    """Read a time of the address; a form that leaves it empty means now."""
    try:
        return naive_utc(datetime.fromisoformat(written)) if written else None
    except ValueError:
        sentence = f"until: expected a time such as 2026-01-31T12:00, got {written!r}; correct the address of this page"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentence) from None
