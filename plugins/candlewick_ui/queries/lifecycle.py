"""The symbols the platform knows, and what the exchange said of each over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

COLUMNS = (
    "symbol", "active", "status", "status_at", "status_since", "base_asset", "quote_asset", "added_at", "removed_at", "first_open_time",
)  # fmt: skip
STATES = ("symbol", "valid_from", "valid_to", "is_current", "status", "first_open_time", "delisted_at")

_KNOWN = f"""
SELECT {", ".join(COLUMNS)} FROM {{raw}}.tracked_symbols
WHERE exchange = :exchange
ORDER BY exchange, symbol
"""
_STATES = f"""
SELECT {", ".join(STATES)} FROM symbol_lifecycle
WHERE exchange = :exchange AND symbol = :symbol
ORDER BY valid_from DESC
"""


def known(reader: Reader, exchange: str) -> list[dict[str, Any]]:
    """Return every symbol that is or was tracked, or backfilled, by name; ``active`` tells whether it is tracked now."""
    rows = reader.rows(_KNOWN, exchange=exchange)
    for row in rows:
        row["active"] = bool(row["active"])
    return rows


def states(reader: Reader, exchange: str, symbol: str) -> list[dict[str, Any]]:
    """Return the states of a symbol as the exchange named them, the newest first; times naive UTC."""
    return reader.rows(_STATES, exchange=exchange, symbol=symbol)
