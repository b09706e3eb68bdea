"""The rolling 24 hours of symbols, and their order books."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from candlewick.settings import settings
from candlewick_ui import history, paging, schemas, times
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.formats import table
from candlewick_ui.parameters import PathSymbol, Wanted
from candlewick_ui.providers import orderbook as of_book
from candlewick_ui.providers.base import Asked
from candlewick_ui.queries import orderbook as of_books
from candlewick_ui.queries import statistics as of_statistics
from candlewick_ui.queries.candles import BEGINNING, END
from candlewick_ui.queries.known import demand_symbol

router = APIRouter(tags=["market"])


@router.get("/statistics", responses=schemas.table(of_statistics.COLUMNS, is_paged=True))
def statistics(
    wanted: Wanted,
    reader: ReaderOfMarts,
    limit: paging.Limit = paging.DEFAULT_ROWS,
    cursor: paging.Cursor = None,
) -> Response:
    """Return price, change, high, low and volume of the rolling 24 hours, by symbol."""
    (after,) = paging.decode(cursor, str) or ("",)
    rows = of_statistics.statistics(reader, settings().exchange, after, limit + 1)
    return paging.answer(paging.cut(rows, limit, "symbol"), of_statistics.COLUMNS, wanted)


@router.get("/statistics/{symbol}", responses=schemas.table(of_statistics.COLUMNS))
def statistics_of_a_symbol(symbol: PathSymbol, wanted: Wanted, reader: ReaderOfMarts) -> Response:
    """Return the rolling 24 hours of one symbol; no row while it has no candle."""
    rows = of_statistics.statistics_of(reader, settings().exchange, symbol)
    if not rows:
        demand_symbol(reader, settings().exchange, symbol)
    return table(rows, of_statistics.COLUMNS, wanted)


@router.get(
    "/orderbook/{symbol}",
    responses=schemas.table(
        of_book.COLUMNS,
        exchange={"type": "string"},
        symbol={"type": "string"},
        captured_at=schemas.TIME,
        metrics={"type": ["object", "null"], "description": "What was computed of the book (`orderbook_metrics`)."},
    ),
)
def order_book(
    symbol: PathSymbol,
    wanted: Wanted,
    reader: ReaderOfMarts,
    limit: Annotated[int, Query(ge=1, le=of_book.MOST_LEVELS, description="Levels of each side.")] = 20,
    end: Annotated[
        times.To, Query(alias="to", description="The newest book captured before it; now if not given.")
    ] = None,
) -> Response:
    """Return the newest order book: asks, then bids, each from the best level on, with spread, mid price and depth."""
    exchange = settings().exchange
    until = times.naive_utc(end) if end else END
    book = of_book.book(Asked(reader, exchange, symbol), BEGINNING, until, limit)
    if not book.rows:
        demand_symbol(reader, exchange, symbol)
    return table(book.rows, book.columns, wanted, exchange=exchange, symbol=symbol, **book.more)


@router.get(
    "/orderbook/{symbol}/metrics",
    responses=schemas.table(
        of_books.metric_columns(), is_paged=True, exchange={"type": "string"}, symbol={"type": "string"}
    ),
)
def order_book_metrics(
    symbol: PathSymbol,
    wanted: Wanted,
    reader: ReaderOfMarts,
    start: times.From = None,
    end: times.To = None,
    limit: paging.Limit = paging.DEFAULT_ROWS,
    cursor: paging.Cursor = None,
) -> Response:
    """Return spread, mid price, imbalance and depth of the books captured in [from, to), oldest first.

    Pages as those of candles: with `from` they go on from there, without they lead from the newest into the past.
    """
    exchange, asked = settings().exchange, history.span(start, end, cursor)
    page = history.page(
        asked,
        lambda most: of_books.metrics(reader, exchange, symbol, asked.start, asked.end, most, newest=asked.is_backward),
        limit,
        "captured_at",
    )
    if not page.rows:
        demand_symbol(reader, exchange, symbol)
    return paging.answer(page, of_books.metric_columns(), wanted, exchange=exchange, symbol=symbol)
