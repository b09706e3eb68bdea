"""What the first page shows: a card per tracked symbol, and the state of the whole in few numbers.

Each statement reads a row or a day per symbol, so the cost follows the symbols, not the history.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from candlewick.warehouse.symbols import TRACKED_SINCE
from candlewick_ui.queries.symbols import LOOK_AHEAD, LOOK_BACK, NEWEST_FINAL, is_stale

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from candlewick_ui.database import Reader

COLUMNS = (
    "symbol", "symbol_status", "last_price", "price_change", "price_change_percent", "open_price", "high_price", "low_price", "volume",
    "quote_volume", "trade_count", "vwap", "candle_count", "as_of", "is_final", "final_until", "lag_seconds", "is_stale", "base_asset",
    "quote_asset", "added_at",
)  # fmt: skip
MINUTE = timedelta(minutes=1)
SPARK_HOURS = 24

_CARDS = f"""
SELECT
    s.symbol, s.status AS symbol_status, s.base_asset, s.quote_asset, s.added_at,
    stats.last_price, stats.price_change, stats.price_change_percent, stats.open_price, stats.high_price, stats.low_price,
    stats.volume, stats.quote_volume, stats.trade_count, stats.vwap, stats.candle_count, stats.as_of, stats.is_final,
    {NEWEST_FINAL} AS newest_final, {TRACKED_SINCE} AS tracked_since
FROM {{raw}}.tracked_symbols AS s
LEFT JOIN market_stats_24h AS stats ON s.exchange = stats.exchange AND s.symbol = stats.symbol
WHERE s.exchange = :exchange AND s.active = 1
ORDER BY s.symbol
"""
# A row a symbol: a value a row would cost the reader more than all else of the document.
_SPARKS = """
SELECT symbol, GROUP_CONCAT(close_price ORDER BY hour_start) AS closes FROM hourly_klines FORCE INDEX (PRIMARY)
WHERE exchange = :exchange AND symbol IN :symbols AND hour_start >= :since
GROUP BY exchange, symbol
"""
_GAPS = """
SELECT data_type, status, COUNT(*) AS gaps, CAST(SUM(minutes) AS SIGNED) AS minutes
FROM {raw}.gap_ledger
WHERE exchange = :exchange AND status IN ('open', 'unexplained')
GROUP BY data_type, status
ORDER BY data_type, status
"""


def cards(reader: Reader, exchange: str, now: datetime) -> list[dict[str, Any]]:
    """Return a row per tracked symbol: its rolling 24 hours, and until when its final candles reach.

    ``lag_seconds`` is the time since the newest final candle closed, None without one in the last two days; what is
    stale :func:`is_stale` says.

    Args:
        reader: the warehouse.
        exchange: name of the exchange.
        now: naive UTC.
    """
    # What is older is stale anyhow.
    rows = reader.rows(_CARDS, exchange=exchange, recent=now - LOOK_BACK, soon=now + LOOK_AHEAD)
    for row in rows:
        newest = row.pop("newest_final")
        row["final_until"] = None if newest is None else newest + MINUTE
        row["lag_seconds"] = None if newest is None else int((now - newest - MINUTE).total_seconds())
        row["is_final"] = None if row["is_final"] is None else bool(row["is_final"])
        row["is_stale"] = is_stale(row["symbol_status"], row["final_until"], row.pop("tracked_since"), now)
    return rows


def sparklines(reader: Reader, exchange: str, symbols: Iterable[str], now: datetime) -> dict[str, list[str]]:
    """Return the closes of the last 24 hours of each symbol as text, oldest first (the last hour may be unfinished)."""
    found: dict[str, list[str]] = {symbol: [] for symbol in symbols}
    if found:
        since = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=SPARK_HOURS - 1)
        for row in reader.rows(_SPARKS, exchange=exchange, symbols=list(found), since=since):
            found[row["symbol"]] = row["closes"].split(",")
    return found


def gaps(reader: Reader, exchange: str) -> list[dict[str, Any]]:
    """Return how many gaps are open or unexplained, and of how many minutes, by data type and status."""
    return reader.rows(_GAPS, exchange=exchange)
