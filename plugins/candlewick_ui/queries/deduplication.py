"""What was received and what of it is stored, by day of load: the mart `deduplication_daily`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from candlewick_ui.paging import Page, cut

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

COLUMNS = (
    "date", "exchange", "symbol", "data_type", "interval_code", "object_count", "rows_received", "rows_rejected", "rows_kept",
    "rows_replaced", "updated_at",
)  # fmt: skip
TOTALS = ("date", "object_count", "rows_received", "rows_rejected", "rows_kept", "rows_replaced")
KEY = (date, str, str, str)
ORDER = ("date", "symbol", "data_type", "interval_code")

_PAGE = f"""
SELECT {", ".join(COLUMNS)} FROM deduplication_daily
WHERE date >= :first AND date <= :last AND date <= :day AND exchange = :exchange
    AND (:symbol IS NULL OR symbol = :symbol)
    AND (date < :day OR symbol < :after_symbol OR (symbol = :after_symbol AND (data_type < :after_type
        OR (data_type = :after_type AND interval_code < :after_interval))))
ORDER BY date DESC, exchange DESC, symbol DESC, data_type DESC, interval_code DESC
LIMIT :most
"""
_TOTALS = f"""
SELECT date, {", ".join(f"CAST(SUM({name}) AS SIGNED) AS {name}" for name in TOTALS[1:])}
FROM deduplication_daily
WHERE date >= :first AND date <= :last AND exchange = :exchange AND (:symbol IS NULL OR symbol = :symbol)
GROUP BY date
ORDER BY date DESC
"""


def page(
    reader: Reader,
    exchange: str,
    symbol: str | None,
    first: date,
    last: date,
    limit: int,
    after: tuple[date, str, str, str] | None = None,
) -> Page:
    """Return the rows of the days from first to last, the newest day first (keys descending).

    Args:
        reader: the warehouse.
        exchange: name of the exchange.
        symbol: of one symbol, or None.
        first: UTC day of load.
        last: UTC day of load, inclusive.
        limit: most rows.
        after: date, symbol, data type and interval after which the page begins.
    """
    # Behind the first page stands a key that is greater than every other.
    day, after_symbol, after_type, after_interval = after or (date(9999, 1, 1), "", "", "")
    rows = reader.rows(
        _PAGE, exchange=exchange, symbol=symbol, first=first, last=last, most=limit + 1, day=day,
        after_symbol=after_symbol, after_type=after_type, after_interval=after_interval,
    )  # fmt: skip
    return cut(rows, limit, *ORDER)


def totals(reader: Reader, exchange: str, symbol: str | None, first: date, last: date) -> list[dict[str, Any]]:
    """Return the sums of each day, newest first."""
    return reader.rows(_TOTALS, exchange=exchange, symbol=symbol, first=first, last=last)
