"""Order books: the newest one of a symbol with its levels, and what was computed of each."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from candlewick_ui.queries.vars import mart_vars

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick_ui.database import Reader

LEVEL_COLUMNS = ("side", "level", "price", "quantity")

_LEVELS = """
SELECT side, level, price, quantity FROM fact_orderbook
WHERE exchange = :exchange AND symbol = :symbol AND captured_at = :captured_at AND side IN ('ask', 'bid') AND level <= :levels
ORDER BY exchange, symbol, captured_at, side, level
"""


@lru_cache(maxsize=1)
def metric_columns() -> tuple[str, ...]:
    """Return the columns of `orderbook_metrics`: those of depths are named after their distances in basis points."""
    distances = [int(distance) for distance in mart_vars()["depth_basis_points"]]
    return (
        "captured_at", "best_bid_price", "best_bid_quantity", "best_ask_price", "best_ask_quantity", "spread",
        "spread_basis_points", "mid_price", "microprice", "top_imbalance", "book_imbalance",
        *(f"{side}_depth_{distance}bp" for distance in distances for side in ("bid", "ask")),
        "reaches_bid_basis_points", "reaches_ask_basis_points", "bid_levels", "ask_levels", "last_update_id",
    )  # fmt: skip


@lru_cache(maxsize=1)
def _metrics() -> tuple[str, str]:
    of_span = (
        f"SELECT {', '.join(metric_columns())} FROM orderbook_metrics WHERE exchange = :exchange AND symbol = :symbol "
        "AND captured_at >= :start AND captured_at < :end "
    )
    return (
        f"{of_span}ORDER BY exchange, symbol, captured_at LIMIT :most",
        f"{of_span}ORDER BY exchange DESC, symbol DESC, captured_at DESC LIMIT :most",
    )


def metrics(
    reader: Reader, exchange: str, symbol: str, start: datetime, end: datetime, most: int, *, newest: bool = True
) -> list[dict[str, Any]]:
    """Return `metric_columns` of the books captured in [start, end), oldest first; times are naive UTC.

    Of more than ``most`` the newest, or else the oldest.
    """
    rows = reader.rows(_metrics()[newest], exchange=exchange, symbol=symbol, start=start, end=end, most=most)
    return rows[::-1] if newest else rows


def levels(reader: Reader, exchange: str, symbol: str, captured_at: datetime, most: int) -> list[dict[str, Any]]:
    """Return the levels of a book, the best ``most`` of each side: asks, then bids, each from the best on."""
    return reader.rows(_LEVELS, exchange=exchange, symbol=symbol, captured_at=captured_at, levels=most)
