"""How alike the returns of symbols are, as the hourly task `correlations` wrote it last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

COLUMNS = ("other_symbol", "correlation", "observations")

# Of the mart's view: it holds a triangle of pairs, by the first symbol's name. So of one symbol there are those after
# it, and of each one before it the pair that names it second.
_AFTER = """
SELECT symbol_b AS other_symbol, correlation, observations, window_start, window_end, computed_at
FROM {raw}.correlation_pairs WHERE exchange = :exchange AND window_name = :window AND symbol_a = :symbol
"""
_BEFORE = """
SELECT pairs.symbol_a AS other_symbol, pairs.correlation, pairs.observations, pairs.window_start, pairs.window_end,
    pairs.computed_at
FROM {raw}.tracked_symbols AS others STRAIGHT_JOIN {raw}.correlation_pairs AS pairs ON pairs.exchange = others.exchange
    AND pairs.window_name = :window AND pairs.symbol_a = others.symbol AND pairs.symbol_b = :symbol
WHERE others.exchange = :exchange AND others.symbol < :symbol
"""
_MATRIX = """
SELECT symbol_a AS symbol, symbol_b AS other_symbol, correlation, observations, window_start, window_end, computed_at
FROM {raw}.correlation_pairs
WHERE exchange = :exchange AND window_name = :window AND symbol_a IN :symbols AND symbol_b IN :symbols
"""
_LARGEST = """
SELECT stats.symbol FROM {raw}.tracked_symbols AS tracked
INNER JOIN market_stats_24h AS stats ON stats.exchange = tracked.exchange AND stats.symbol = tracked.symbol
WHERE tracked.exchange = :exchange AND tracked.active = 1 ORDER BY stats.quote_volume DESC, stats.symbol LIMIT :most
"""


def of_symbol(reader: Reader, exchange: str, symbol: str, window: str) -> list[dict[str, Any]]:
    """Return a symbol's correlation with every symbol of a window, by name, itself included.

    Each row has `COLUMNS` and window_start, window_end, computed_at (naive UTC).
    """
    asked = {"exchange": exchange, "symbol": symbol, "window": window}
    rows = [*reader.rows(_BEFORE, **asked), *reader.rows(_AFTER, **asked)]
    return sorted(rows, key=lambda row: row["other_symbol"])


def matrix(reader: Reader, exchange: str, symbols: list[str], window: str) -> list[dict[str, Any]]:
    """Return the pairs among these symbols, one triangle with its diagonal: symbol, and as `of_symbol`."""
    return reader.rows(_MATRIX, exchange=exchange, symbols=symbols, window=window) if symbols else []


def largest_symbols(reader: Reader, exchange: str, most: int) -> list[str]:
    """Return the tracked symbols with the largest turnover of 24 hours, largest first."""
    return [row["symbol"] for row in reader.rows(_LARGEST, exchange=exchange, most=most)]
