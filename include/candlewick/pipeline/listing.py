"""When a symbol's life began: its first 1m candle, asked once, its answer kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from candlewick.exchange.errors import ExchangeError, Unavailable, UnknownSymbol
from candlewick.market import DataType, Interval, Lane
from candlewick.pipeline.asked import Asked
from candlewick.pipeline.payload import klines_span
from candlewick.warehouse import outcomes, symbols
from candlewick.warehouse.database import from_ms, utc_now

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.exchange.port import Exchange
    from candlewick.lake.store import Lake
    from candlewick.warehouse.database import Warehouse

LABEL = "first candle"
_BEGINNING = 0


def first_open_time(exchange: Exchange, lake: Lake, warehouse: Warehouse, symbol: str, run_id: str) -> datetime | None:
    """Return when the symbol's first 1m candle opened (naive UTC); None when the exchange has none, or no such symbol.

    The exchange is asked until it names one; from then on ``tracked_symbols`` knows. The answer stays in the lake as the
    evidence; it is not loaded, for nobody asked for that minute itself.

    Raises:
        ExchangeError: no usable answer came; a failed outcome says so.
    """
    name = warehouse.config.exchange
    with warehouse.session() as session:
        symbols.ensure_known(session, name, [symbol], utc_now())
        if known := symbols.first_open_time(session, name, symbol):
            return known
    asked = Asked(name, symbol, DataType.KLINES, Interval.MINUTE_1, _BEGINNING, run_id, LABEL, Lane.BACKFILL)
    try:
        answer = exchange.klines(symbol, Interval.MINUTE_1, _BEGINNING, 1)
    except ExchangeError as error:
        with warehouse.session() as session:
            outcomes.record(session, [asked.failed(error, utc_now())])
        if isinstance(error, UnknownSymbol):
            return None
        raise
    span = klines_span(answer.body, answer.exchange_time_ms)
    kept = asked.keep(lake, answer, span, as_evidence=True)
    opened = None if span.first_open_ms is None else from_ms(span.first_open_ms)
    with warehouse.session() as session:
        outcomes.record(session, [kept])
        if opened is not None:
            (found,) = outcomes.named(session, [kept.object_key or ""])
            symbols.remember_first_open_time(session, name, symbol, opened, found.object_id)
    if opened is None and answer.body.strip() != b"[]":
        raise Unavailable(
            f"expected the first candle of {symbol} or an empty list, got {answer.body[:60]!r}; it is kept, try again"
        ).at(answer.host)
    return opened
