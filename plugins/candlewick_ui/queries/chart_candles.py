"""Candles as the charts draw them: with how many minutes each is made of, which the API does not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from candlewick_ui.queries.candles import BEGINNING, COLUMNS, TABLES, Interval

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick_ui.database import Reader

# Of these lengths the exchange's own candle wins over the minutes, and is whole whatever minutes there are.
_WITH_SOURCE = (Interval.MINUTE_5, Interval.MINUTE_15, Interval.HOUR_4)
_OF_MINUTES = "rollup"


def _columns(interval: Interval) -> tuple[str, ...]:
    if interval is Interval.MINUTE_1:
        return COLUMNS
    return (*COLUMNS, "candle_count", *(["source"] if interval in _WITH_SOURCE else []))


_BEFORE = {
    interval: table.select(_columns(interval), f"AND {table.time} >= :start AND {table.time} < :end", "DESC")
    for interval, table in TABLES.items()
}


def newest_before(
    reader: Reader, exchange: str, symbol: str, interval: Interval, end: datetime, most: int
) -> list[dict[str, Any]]:
    """Return the newest candles that open before ``end`` (naive UTC), oldest first, with `COLUMNS` and `minutes`.

    `minutes` is how many 1m candles each is made of; None where it is one itself, or the exchange's own.
    """
    rows = reader.rows(_BEFORE[interval], exchange=exchange, symbol=symbol, start=BEGINNING, end=end, most=most)[::-1]
    for row in rows:
        count, source = row.pop("candle_count", None), row.pop("source", _OF_MINUTES)
        row["minutes"] = count if source == _OF_MINUTES else None
        row["is_final"] = bool(row["is_final"])
    return rows
