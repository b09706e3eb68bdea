"""The market: a card per symbol, which updates by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from candlewick.settings import settings
from candlewick.warehouse.database import utc_now
from candlewick_ui.charts import sparkline
from candlewick_ui.database import NotBuilt, ReaderOfMarts
from candlewick_ui.pages.frame import PageUser, page, page_router
from candlewick_ui.queries import dashboard, market

HOUR, DAY = timedelta(hours=1), timedelta(hours=24)

router = page_router()


class Order(StrEnum):
    """How the cards can be sorted."""

    SYMBOL = "symbol"
    GAIN = "gain"
    LOSS = "loss"
    TURNOVER = "turnover"


ORDERS = {
    Order.SYMBOL: "name", Order.GAIN: "24 h change, gains first", Order.LOSS: "24 h change, losses first",
    Order.TURNOVER: "24 h turnover",
}  # fmt: skip
OrderAsked = Annotated[Order, Query(description="How the cards are sorted.")]


@router.get("/market")
def market_page(request: Request, user: PageUser, reader: ReaderOfMarts, order: OrderAsked = Order.SYMBOL) -> Response:
    """Answer with the page."""
    return page(request, user, "market.html", orders=ORDERS, order=order, **_values(reader, order))


@router.get("/market/cards")
def market_cards(request: Request, user: PageUser, reader: ReaderOfMarts, order: OrderAsked = Order.SYMBOL) -> Response:
    """Answer with the cards alone, which the open page puts in the place of the old ones."""
    return page(request, user, "market_cards.html", order=order, **_values(reader, order))


def _values(reader: ReaderOfMarts, order: Order) -> dict[str, Any]:
    exchange, now = settings().exchange, utc_now()
    try:
        rows = dashboard.cards(reader, exchange, now)
    except NotBuilt as error:  # a platform that just began; the open page asks again by itself
        return {"cards": [], "exchange": exchange, "building": str(error)}
    ends = [row["as_of"] for row in rows if row["as_of"]]
    symbols = [row["symbol"] for row in rows]
    closes = market.hourly_closes(reader, exchange, symbols, max(ends) - DAY) if ends else {}
    cards = [card(row, closes.get(row["symbol"], [])) for row in rows]
    return {"cards": sorted(cards, key=_KEYS[order]), "exchange": exchange, "building": None}


def card(row: dict[str, Any], closes: list[tuple[datetime, Any]]) -> dict[str, Any]:
    """Return a symbol's row of `queries.dashboard.cards` with what is drawn of it.

    Args:
        row: of the symbol.
        closes: start and close of its hours, oldest first; of the unfinished one the newest price stands in.
    """
    as_of, price = row["as_of"], row["last_price"]
    points = [(start + HOUR, close) for start, close in closes if as_of and start + HOUR < as_of]
    change = row["price_change"] or 0
    return {
        **row,
        "line": sparkline.path([*points, (as_of, price)], HOUR) if as_of else "",
        "direction": "up" if change > 0 else "down" if change < 0 else "flat",
    }


def _rank(column: str, sign: int) -> Any:
    """Sort by a column; who has no value comes last, and names decide between equals."""
    return lambda one: (one[column] is None, sign * (one[column] or 0), one["symbol"])


_KEYS: dict[Order, Any] = {
    Order.SYMBOL: lambda one: one["symbol"],
    Order.GAIN: _rank("price_change_percent", -1),
    Order.LOSS: _rank("price_change_percent", 1),
    Order.TURNOVER: _rank("quote_volume", -1),
}
