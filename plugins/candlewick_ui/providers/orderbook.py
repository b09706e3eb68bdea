"""The newest order book: its levels, and what was computed of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from candlewick_ui.analytics.exact import exactly
from candlewick_ui.providers.base import Answer, Asked, Provider, ProviderParameters
from candlewick_ui.queries.candles import BEGINNING, END
from candlewick_ui.queries.orderbook import LEVEL_COLUMNS, levels, metrics

COLUMNS = (*LEVEL_COLUMNS, "cumulative_quantity")
MOST_LEVELS = 5000


class Parameters(ProviderParameters):
    """How deep."""

    limit: int = Field(20, ge=1, le=MOST_LEVELS, description="Levels of each side, from the best on.")


def answer(asked: Asked, parameters: Parameters) -> Answer:
    """Return asks and bids of the newest book, each from the best on; a book is of one moment, whatever the interval."""
    return book(asked, BEGINNING, END, parameters.limit)


def book(asked: Asked, start: datetime, end: datetime, most: int) -> Answer:
    """Return the newest book captured in [start, end), naive UTC; no rows without one."""
    found = metrics(asked.reader, asked.exchange, asked.symbol, start, end, 1)
    if not found:
        return Answer(COLUMNS, [], {"captured_at": None, "metrics": None})
    captured_at = found[0].pop("captured_at")
    rows = levels(asked.reader, asked.exchange, asked.symbol, captured_at, most)
    return Answer(COLUMNS, _summed(rows), {"captured_at": captured_at, "metrics": found[0]})


@exactly()
def _summed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to each level what is offered from the best level to it."""
    so_far: dict[str, Any] = {}
    for row in rows:
        so_far[row["side"]] = so_far.get(row["side"], 0) + row["quantity"]
        row["cumulative_quantity"] = so_far[row["side"]]
    return rows


PROVIDER = Provider(
    "orderbook",
    "The newest order book, asks and bids from the best on, with spread, mid price, imbalance and depth. A book is of one "
    "moment: `interval` is taken as everywhere, and changes nothing.",
    Parameters,
    answer,
)
