"""Candles and indicators over a span of time, page by page."""

from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from candlewick.settings import settings
from candlewick_ui import history, paging, schemas, times
from candlewick_ui.database import Reader, ReaderOfMarts
from candlewick_ui.formats import Wish
from candlewick_ui.parameters import PathSymbol, Wanted
from candlewick_ui.queries import candles as of_candles
from candlewick_ui.queries import indicators as of_indicators
from candlewick_ui.queries.candles import Interval
from candlewick_ui.queries.indicators import MartInterval
from candlewick_ui.queries.known import demand_symbol

router = APIRouter(tags=["market"])
DEFAULT_ROWS, MOST_ROWS = 1000, 10_000
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Most rows of one page.")]
NAMED = {name: {"type": "string"} for name in ("exchange", "symbol", "interval")}


@router.get("/candles/{symbol}", responses=schemas.table(of_candles.COLUMNS, is_paged=True, **NAMED))
def candles(
    symbol: PathSymbol,
    wanted: Wanted,
    reader: ReaderOfMarts,
    interval: Annotated[Interval, Query(description="Length of a candle.")] = Interval.MINUTE_1,
    start: times.From = None,
    end: times.To = None,
    limit: Limit = DEFAULT_ROWS,
    cursor: paging.Cursor = None,
) -> Response:
    """Return candles that open in [from, to), oldest first; `is_final` tells the one in progress.

    With `from`, pages go on from there; without, they are the newest candles before `to`, and `next` leads into the past.
    """
    asked = history.span(start, end, cursor)
    return _page(of_candles.candles, of_candles.COLUMNS, reader, symbol, interval, asked, limit, wanted)


@router.get(
    "/indicators/{symbol}",
    responses=schemas.table(of_indicators.all_columns(), is_paged=True, numbers=of_indicators.numbers(), **NAMED),
)
def indicators(
    symbol: PathSymbol,
    wanted: Wanted,
    reader: ReaderOfMarts,
    interval: Annotated[MartInterval, Query(description="Length of a bar.")] = MartInterval.MINUTE_1,
    start: times.From = None,
    end: times.To = None,
    limit: Limit = DEFAULT_ROWS,
    cursor: paging.Cursor = None,
) -> Response:
    """Return all indicators of the marts at the close of each final bar, oldest first; null while one is not warm.

    Pages as those of candles. Other periods, and other intervals, `analytics/data` computes.
    """
    asked = history.span(start, end, cursor)
    columns, numbers = of_indicators.all_columns(), of_indicators.numbers()
    return _page(of_indicators.indicators, columns, reader, symbol, interval, asked, limit, wanted, numbers)


def _page(
    series: Callable[..., list[dict[str, Any]]],
    columns: Sequence[str],
    reader: Reader,
    symbol: str,
    interval: Interval | MartInterval,
    asked: history.Span,
    limit: int,
    wanted: Wish,
    numbers: Collection[str] = (),
) -> Response:
    """Answer with a page of a series: `of_candles.candles` or `of_indicators.indicators`."""
    exchange = settings().exchange

    def rows(most: int) -> list[dict[str, Any]]:
        of_span = {"from_newest": asked.is_backward, "reading": wanted.reading}
        return series(reader, exchange, symbol, interval, asked.start, asked.end, most, **of_span)

    page = history.page(asked, rows, limit)
    if not page.rows:
        demand_symbol(reader, exchange, symbol)
    told = {"exchange": exchange, "symbol": symbol, "interval": interval}
    return paging.answer(page, columns, wanted, numbers=numbers, **told)
