"""The rolling 24 hours of each symbol, as the mart of the minute path holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

COLUMNS = (
    "symbol", "as_of", "window_start", "open_price", "last_price", "price_change", "price_change_percent",
    "high_price", "low_price", "volume", "quote_volume", "trade_count", "vwap", "candle_count", "is_final",
    "updated_at",
)  # fmt: skip

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM market_stats_24h WHERE exchange = :exchange "
_ONE = f"{_SELECT}AND symbol = :symbol"
_PAGE = f"{_SELECT}AND symbol > :after ORDER BY exchange, symbol LIMIT :most"


def statistics(reader: Reader, exchange: str, after: str, most: int) -> list[dict[str, Any]]:
    """Return the 24 hours of the symbols whose names come after ``after``, by name."""
    return [_told(row) for row in reader.rows(_PAGE, exchange=exchange, after=after, most=most)]


def statistics_of(reader: Reader, exchange: str, symbol: str) -> list[dict[str, Any]]:
    """Return the 24 hours of a symbol: one row, or none when it has no candle."""
    return [_told(row) for row in reader.rows(_ONE, exchange=exchange, symbol=symbol)]


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "is_final": bool(row["is_final"])}
