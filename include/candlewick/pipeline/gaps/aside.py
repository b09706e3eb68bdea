"""Questions whose answers are evidence and nothing else: kept in the lake, not loaded, since nobody asked for the minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from candlewick.exchange.errors import BudgetExhausted, ExchangeError, IpBanned, Unavailable
from candlewick.lake.envelope import UNREADABLE
from candlewick.market import DataType, Interval, Lane
from candlewick.pipeline.asked import Asked
from candlewick.pipeline.payload import klines_span
from candlewick.warehouse import outcomes
from candlewick.warehouse.database import utc_now

if TYPE_CHECKING:
    from candlewick.pipeline.backfill.tools import Tools

LABEL = "evidence"


@dataclass(frozen=True, slots=True)
class Aside:
    """What an answer says: the open times (ms) of its candles."""

    open_times_ms: tuple[int, ...]
    object_key: str


def ask_aside(tools: Tools, symbol: str, interval: Interval, start_ms: int, end_ms: int) -> Aside:
    """Ask for one page of candles that open in [start_ms, end_ms) and keep the answer.

    Raises:
        ExchangeError: no answer, or nobody can read it; a failed outcome says so.
    """
    page = start_ms // interval.milliseconds
    exchange = tools.warehouse.config.exchange
    asked = Asked(exchange, symbol, DataType.KLINES, interval, page, tools.run_id, LABEL, Lane.BACKFILL)
    try:
        answer = tools.exchange.klines(
            symbol, interval, start_ms, tools.exchange.capabilities.klines_page_limit, end_ms - 1
        )
    except ExchangeError as error:
        if not isinstance(error, IpBanned | BudgetExhausted):
            with tools.warehouse.session() as session:
                outcomes.record(session, [asked.failed(error, utc_now())])
        raise
    span = klines_span(answer.body, answer.exchange_time_ms)
    kept = asked.keep(tools.lake, answer, span, as_evidence=True)
    with tools.warehouse.session() as session:
        outcomes.record(session, [kept])
    try:
        rows = msgspec.json.decode(answer.body, type=list[list[object]])
    except UNREADABLE as error:
        raise Unavailable(f"expected candles of {symbol}, got {answer.body[:60]!r}; it is kept, try again") from error
    opened = tuple(row[0] for row in rows if row and isinstance(row[0], int))
    return Aside(opened, kept.object_key or "")
