"""Final candles whose values changed, or of which two sources disagree: the mart `kline_revisions`, lost and kept values."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from candlewick_ui.paging import Page, cut

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

_VALUES = (
    "source", "open_price", "high_price", "low_price", "close_price", "volume", "close_time", "quote_volume", "trade_count",
    "taker_buy_volume", "taker_buy_quote_volume", "captured_at", "load_id",
)  # fmt: skip
COLUMNS = (
    "exchange", "symbol", "interval_code", "open_time", *(f"lost_{name}" for name in _VALUES), *(f"kept_{name}" for name in _VALUES),
    "recorded_at", "is_current", "lost_fingerprint",
)  # fmt: skip
ORDER = ("symbol", "interval_code", "open_time", "lost_source", "lost_fingerprint")
KEY = (str, str, datetime, str, str)

_START = """
SELECT {columns} FROM kline_revisions
WHERE exchange = :exchange {symbol}
    AND open_time >= :start AND open_time < :end AND (:interval IS NULL OR interval_code = :interval) {after}
ORDER BY exchange DESC, symbol DESC, interval_code DESC, open_time DESC, lost_source DESC, lost_fingerprint DESC
LIMIT :most
"""
_AFTER = """
    AND (symbol < :at_symbol OR (symbol = :at_symbol AND (interval_code < :at_interval OR (interval_code = :at_interval
        AND (open_time < :at_time OR (open_time = :at_time AND (lost_source < :at_source OR (lost_source = :at_source
        AND lost_fingerprint < :at_fingerprint))))))))
"""
# By whether it is of one symbol, and whether it is the first page.
_PAGE = {
    (is_one, is_first): _START.format(
        columns=", ".join(COLUMNS), symbol="AND symbol = :symbol" if is_one else "", after="" if is_first else _AFTER
    )
    for is_one in (False, True)
    for is_first in (False, True)
}
_AT = ("at_symbol", "at_interval", "at_time", "at_source", "at_fingerprint")


def page(
    reader: Reader,
    exchange: str,
    symbol: str | None,
    interval: str | None,
    start: datetime,
    end: datetime,
    limit: int,
    before: tuple[str, str, datetime, str, str] | None = None,
) -> Page:
    """Return revisions of candles that open in [start, end): by symbol, then interval, then open time, all descending.

    Args:
        reader: the warehouse.
        exchange: name of the exchange.
        symbol: of one symbol, or None.
        interval: of one interval (1m, 1h, ...), or None.
        start: naive UTC.
        end: naive UTC, exclusive.
        limit: most rows.
        before: the key after which the page begins.
    """
    at: dict[str, object] = dict(zip(_AT, before, strict=True)) if before else {}
    if symbol is not None:
        at["symbol"] = symbol
    rows = reader.rows(
        _PAGE[symbol is not None, before is None],
        exchange=exchange,
        interval=interval,
        start=start,
        end=end,
        most=limit + 1,
        **at,
    )
    for row in rows:
        row["is_current"] = bool(row["is_current"])
    return cut(rows, limit, *ORDER)
