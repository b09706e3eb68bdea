"""Symbols: which are tracked, what the exchange says and said of them, and how fresh their candles are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from candlewick.settings import settings
from candlewick.warehouse.database import utc_now
from candlewick.warehouse.symbols import TRACKED_SINCE, is_late
from candlewick_ui.database import NotBuilt
from candlewick_ui.queries.candles import BEGINNING

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick_ui.database import Reader

COLUMNS = (
    "symbol", "is_tracked", "status", "status_since", "base_asset", "quote_asset", "first_open_time", "added_at", "removed_at",
    "newest_open_time", "tracked_since",
)  # fmt: skip
LIFECYCLE = ("symbol", "valid_from", "valid_to", "is_current", "status", "base_asset", "quote_asset")
FRESHNESS = ("symbol", "status", "newest_open_time", "lag_seconds", "is_stale")
MINUTE = timedelta(minutes=1)

# The newest final minute is looked for so far back first, and no further ahead than clocks may differ: that prunes the
# partitions of history, and those made ahead of time, of which there are hundreds.
LOOK_BACK, LOOK_AHEAD = timedelta(days=2), timedelta(days=1)

# The newest final minute of the symbol `s`: one step backwards in the key; MAX would read all of its history.
NEWEST_FINAL = """(
    SELECT f.open_time FROM fact_klines AS f FORCE INDEX (PRIMARY)
    WHERE f.exchange = s.exchange AND f.symbol = s.symbol AND f.interval_code = '1m' AND f.is_final = 1
        AND f.open_time >= :recent AND f.open_time < :soon
    ORDER BY f.exchange DESC, f.symbol DESC, f.interval_code DESC, f.open_time DESC LIMIT 1
)"""
_SYMBOLS = f"""
SELECT
    s.symbol, s.active AS is_tracked, s.status, s.status_since, s.base_asset, s.quote_asset, s.first_open_time, s.added_at,
    s.removed_at, {{newest}} AS newest_open_time, IF(s.active = 1, {TRACKED_SINCE}, NULL) AS tracked_since
FROM {{raw}}.tracked_symbols AS s
WHERE s.exchange = :exchange AND (:symbol IS NULL OR s.symbol = :symbol) AND (:tracked IS NULL OR s.active = :tracked)
ORDER BY s.exchange, s.symbol
"""
_OF_OLD = f"""
SELECT s.symbol, {NEWEST_FINAL} AS newest_open_time FROM {{raw}}.tracked_symbols AS s WHERE s.exchange = :exchange AND s.symbol IN :symbols
"""
_WITH_FACTS, _WITHOUT_FACTS = _SYMBOLS.replace("{newest}", NEWEST_FINAL), _SYMBOLS.replace("{newest}", "NULL")
_LIFECYCLE = f"""
SELECT {", ".join(LIFECYCLE[:3])}, valid_to IS NULL AS is_current, {", ".join(LIFECYCLE[4:])} FROM {{raw}}.symbol_states
WHERE exchange = :exchange AND symbol = :symbol
ORDER BY exchange, symbol, valid_from
"""


def symbols(
    reader: Reader,
    exchange: str,
    symbol: str | None = None,
    *,
    tracked: bool | None = None,
    now: datetime | None = None,
) -> list[dict[str, Any]]:
    """Return every symbol that was ever tracked or backfilled.

    ``status`` is the exchange's word, None until it was asked; ``newest_open_time`` is of the newest final 1m candle;
    ``tracked_since`` is when it was added, or added again after it had been removed, None of one that is not tracked.

    Args:
        reader: the warehouse.
        exchange: name of the exchange.
        symbol: this one only.
        tracked: only those that are, or are not, tracked now.
        now: naive UTC; candles of the two days before it are found at once, older ones by a second look. None: this moment.
    """
    asked = {"exchange": exchange, "symbol": symbol, "tracked": tracked}
    try:
        now = now or utc_now()
        soon = now + LOOK_AHEAD
        rows = reader.rows(_WITH_FACTS, **asked, recent=now - LOOK_BACK, soon=soon)
        silent = [row["symbol"] for row in rows if row["newest_open_time"] is None]
        older = reader.rows(_OF_OLD, exchange=exchange, symbols=silent, recent=BEGINNING, soon=soon) if silent else []
    except NotBuilt:  # before dbt has built the facts there are symbols all the same
        rows, older = reader.rows(_WITHOUT_FACTS, **asked), []
    newest = {row["symbol"]: row["newest_open_time"] for row in older}
    for row in rows:
        row["is_tracked"] = bool(row["is_tracked"])
        row["newest_open_time"] = row["newest_open_time"] or newest.get(row["symbol"])
    return rows


def lifecycle(reader: Reader, exchange: str, symbol: str) -> list[dict[str, Any]]:
    """Return the states of a symbol, oldest first, each with the time it was heard first and the time another one was."""
    rows = reader.rows(_LIFECYCLE, exchange=exchange, symbol=symbol)
    for row in rows:
        row["is_current"] = bool(row["is_current"])
    return rows


def freshness(reader: Reader, exchange: str, now: datetime) -> list[dict[str, Any]]:
    """Return how old the newest final candle of each tracked symbol is.

    ``lag_seconds`` is the time since it closed, or since the symbol is tracked where there is none; what is stale
    :func:`is_stale` says.

    Args:
        reader: the warehouse.
        exchange: name of the exchange.
        now: naive UTC.
    """
    found = []
    for row in symbols(reader, exchange, tracked=True, now=now):
        closed = row["newest_open_time"] + MINUTE if row["newest_open_time"] else row["tracked_since"]
        lag_seconds = int((now - closed).total_seconds())
        found.append(
            {**row, "lag_seconds": lag_seconds, "is_stale": is_stale(row["status"], closed, row["tracked_since"], now)}
        )
    return found


def is_stale(status: str | None, final_until: datetime | None, tracked_since: datetime, now: datetime) -> bool:
    """Tell whether a tracked symbol is late, as the alerts do: by :func:`is_late` and the setting `stale_after_minutes`."""
    return is_late(status, final_until, tracked_since, now, timedelta(minutes=settings().stale_after_minutes))
