"""The charts of the analytics page, as Plotly's JSON; the page draws them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import AfterValidator

from candlewick.settings import settings
from candlewick_ui.charts import correlation as correlation_chart
from candlewick_ui.charts import distributions as bins
from candlewick_ui.charts import orderbook as book_charts
from candlewick_ui.charts import price as price_chart
from candlewick_ui.charts.history import History
from candlewick_ui.charts.panes import Pane
from candlewick_ui.charts.theme import Figure, Theme, nothing
from candlewick_ui.database import NotBuilt, ReaderOfMarts
from candlewick_ui.formats import MEDIA_TYPES, Format, bytes_
from candlewick_ui.identity import page_reader
from candlewick_ui.pages.indicator_names import candles_needed, names_of_indicators
from candlewick_ui.pages.series import bars_with_indicators
from candlewick_ui.parameters import SYMBOL, own_name
from candlewick_ui.queries import correlation, distributions, orderbook, profile
from candlewick_ui.queries.candles import BEGINNING, END, Interval
from candlewick_ui.queries.vars import mart_vars
from candlewick_ui.times import naive_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

MOST_BARS, MOST_LEVELS, MOST_BOOKS, MOST_SYMBOLS = 10_000, 1000, 1440, 40

UNBUILT = "What this chart shows is not built yet; the first runs of market_minute and market_hourly build it."


class FigureRoute(APIRoute):
    """Answers with a chart of nothing where a table is not built: on a new platform that is no error."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except NotBuilt:
                return _answer(nothing(UNBUILT), request.headers.get("if-none-match"))

        return answered


router = APIRouter(
    prefix="/figures",
    route_class=FigureRoute,
    dependencies=[Depends(page_reader), Depends(own_name)],
    include_in_schema=False,
)

Symbol = Annotated[str, Query(min_length=1, max_length=50, pattern=SYMBOL), AfterValidator(str.upper)]
Look = Annotated[Theme, Query()]
WindowName = Annotated[str, Query(max_length=16)]
Until = Annotated[datetime | None, Query()]
Etag = Annotated[str | None, Header(alias="If-None-Match")]


@router.get("/price")
def price(
    reader: ReaderOfMarts,
    symbol: Symbol,
    interval: Interval = Interval.MINUTE_1,
    bars: Annotated[int, Query(ge=1, le=MOST_BARS)] = 200,
    until: Until = None,
    panes: Annotated[list[Pane], Query()] = [],  # noqa: B006 -- read, never written
    theme: Look = Theme.LIGHT,
    if_none_match: Etag = None,
) -> Response:
    """Answer with candles and their indicators; those before ``until``, or the newest."""
    end = naive_utc(until) if until else None
    shown = bars_with_indicators(reader, settings().exchange, symbol, interval, end or END, bars)
    history = History(asked=bars, final=shown.final, needs=candles_needed(), until=end)
    length = timedelta(seconds=interval.seconds)
    names = names_of_indicators()
    figure = price_chart.figure(symbol, shown.bars, shown.values, length, panes, theme, names, history)
    return _answer(figure, if_none_match)


@router.get("/depth")
def depth(
    reader: ReaderOfMarts,
    symbol: Symbol,
    levels: Annotated[int, Query(ge=1, le=MOST_LEVELS)] = 20,
    until: Until = None,
    theme: Look = Theme.LIGHT,
    if_none_match: Etag = None,
) -> Response:
    """Answer with the depth of the newest book; of the newest before ``until``, if that is said."""
    end = naive_utc(until) if until else None
    newest = orderbook.metrics(reader, settings().exchange, symbol, BEGINNING, end or END, 1)
    captured_at = newest[0]["captured_at"] if newest else None
    rows = orderbook.levels(reader, settings().exchange, symbol, captured_at, levels) if captured_at else []
    return _answer(book_charts.depth(symbol, captured_at, rows, theme, end), if_none_match)


@router.get("/spread")
def spread(
    reader: ReaderOfMarts,
    symbol: Symbol,
    books: Annotated[int, Query(ge=1, le=MOST_BOOKS)] = 240,
    until: Until = None,
    theme: Look = Theme.LIGHT,
    if_none_match: Etag = None,
) -> Response:
    """Answer with spread and imbalance of the newest books; of the newest before ``until``, if that is said."""
    end = naive_utc(until) if until else None
    rows = orderbook.metrics(reader, settings().exchange, symbol, BEGINNING, end or END, books)
    return _answer(book_charts.spread(symbol, rows, theme, end), if_none_match)


@router.get("/volume-profile")
def volume_profile(
    reader: ReaderOfMarts, symbol: Symbol, theme: Look = Theme.LIGHT, if_none_match: Etag = None
) -> Response:
    """Answer with the volume by price, of the mart."""
    rows = profile.volume_profile(reader, settings().exchange, symbol)
    return _answer(bins.volume_profile(symbol, rows, theme), if_none_match)


@router.get("/price-distribution")
def price_distribution(
    reader: ReaderOfMarts, symbol: Symbol, theme: Look = Theme.LIGHT, if_none_match: Etag = None
) -> Response:
    """Answer with the minutes by closing price, of the mart."""
    rows = distributions.price_distribution(reader, settings().exchange, symbol)
    return _answer(bins.prices(symbol, rows, theme), if_none_match)


@router.get("/return-distribution")
def return_distribution(
    reader: ReaderOfMarts,
    symbol: Symbol,
    window: WindowName = "24h",
    theme: Look = Theme.LIGHT,
    if_none_match: Etag = None,
) -> Response:
    """Answer with the histogram of log returns of a window, of the mart."""
    exchange = settings().exchange
    rows = distributions.return_histogram(reader, exchange, symbol, window)
    moments = distributions.return_moments(reader, exchange, symbol, window) if rows else None
    return _answer(bins.returns(symbol, window, rows, moments, theme, _step_minutes(window)), if_none_match)


@router.get("/correlation")
def correlations(
    reader: ReaderOfMarts, window: WindowName = "24h", theme: Look = Theme.LIGHT, if_none_match: Etag = None
) -> Response:
    """Answer with the heat map of the symbols with the largest turnover."""
    exchange = settings().exchange
    symbols = sorted(correlation.largest_symbols(reader, exchange, MOST_SYMBOLS))
    pairs = correlation.matrix(reader, exchange, symbols, window)
    return _answer(correlation_chart.heat_map(window, symbols, pairs, theme, _step_minutes(window)), if_none_match)


def _step_minutes(window: str) -> int | None:
    """Return how many minutes a return of a window spans; None of one there is not."""
    return next((one.step_minutes for one in mart_vars().windows if one.name == window), None)


def _answer(figure: Figure, etag: str | None) -> Response:
    content = {"data": figure.data, "layout": figure.layout, "summary": figure.summary, "notes": figure.notes}
    return bytes_(msgspec.json.encode(content), MEDIA_TYPES[Format.JSON], etag)
