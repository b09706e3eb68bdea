"""How complete each day is: the mart `coverage_daily`, and per symbol over all of history `symbol_statistics`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from candlewick_ui.paging import Page, cut

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

COLUMNS = (
    "exchange", "symbol", "date", "expected_minutes", "present_minutes", "final_minutes", "explained_minutes",
    "unexplained_minutes", "completeness", "counted_at",
)  # fmt: skip
SUMMARY = (
    "exchange", "symbol", "interval_code", "first_open_time", "last_open_time", "candle_count", "final_count", "expected_count",
    "completeness", "lowest_price", "highest_price", "gap_count", "missing_explained", "missing_unexplained", "updated_at",
)  # fmt: skip
KEY = (str, date)

_OF_ALL = f"""
SELECT {", ".join(COLUMNS)} FROM coverage_daily
WHERE exchange = :exchange AND symbol >= :symbol AND (symbol > :symbol OR date > :day) AND date >= :first AND date <= :last
ORDER BY exchange, symbol, date
LIMIT :most
"""
_OF_ONE = f"""
SELECT {", ".join(COLUMNS)} FROM coverage_daily
WHERE exchange = :exchange AND symbol = :symbol AND date > :day AND date >= :first AND date <= :last
ORDER BY exchange, symbol, date
LIMIT :most
"""
_SUMMARY = f"""
SELECT {", ".join(SUMMARY)} FROM symbol_statistics
WHERE exchange = :exchange AND (:symbol IS NULL OR symbol = :symbol)
ORDER BY symbol, interval_code
"""


def page(
    reader: Reader,
    exchange: str,
    symbol: str | None,
    first: date,
    last: date,
    limit: int,
    after: tuple[str, date] | None = None,
) -> Page:
    """Return a row per symbol and day, by symbol, then day.

    Args:
        reader: the warehouse.
        exchange: name of the exchange.
        symbol: of one symbol, or None.
        first: UTC day.
        last: UTC day, inclusive.
        limit: most rows.
        after: symbol and day after which the page begins.
    """
    start, day = after or (symbol or "", date(1970, 1, 1))
    rows = reader.rows(
        _OF_ALL if symbol is None else _OF_ONE, exchange=exchange, symbol=symbol or start, day=day, first=first, last=last,
        most=limit + 1,
    )  # fmt: skip
    return cut(rows, limit, "symbol", "date")


def summary(reader: Reader, exchange: str, symbol: str | None = None) -> list[dict[str, Any]]:
    """Return a row per symbol and interval: first and last candle, how many, how complete; empty before the first hourly run."""
    return reader.rows(_SUMMARY, exchange=exchange, symbol=symbol)
