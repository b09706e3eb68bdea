"""What the pages of the market need beside the cards of `dashboard`: the closes of hours with their times, and names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick_ui.database import Reader

_HOURS = """
SELECT symbol, hour_start, close_price FROM hourly_klines FORCE INDEX (PRIMARY)
WHERE exchange = :exchange AND symbol IN :symbols AND hour_start >= :start
ORDER BY exchange, symbol, hour_start
"""
_TRACKED = "SELECT symbol FROM {raw}.tracked_symbols WHERE exchange = :exchange AND active = 1 ORDER BY symbol"


def hourly_closes(
    reader: Reader, exchange: str, symbols: list[str], start: datetime
) -> dict[str, list[tuple[datetime, Any]]]:
    """Return (start of the hour, close) by symbol, of hours that begin at ``start`` (naive UTC) or later, oldest first."""
    closes: dict[str, list[tuple[datetime, Any]]] = {symbol: [] for symbol in symbols}
    rows = reader.rows(_HOURS, exchange=exchange, symbols=symbols, start=start) if symbols else []
    for row in rows:
        closes[row["symbol"]].append((row["hour_start"], row["close_price"]))
    return closes


def tracked_symbols(reader: Reader, exchange: str) -> list[str]:
    """Return the symbols the minute path follows, by name."""
    return [row["symbol"] for row in reader.rows(_TRACKED, exchange=exchange)]
