"""Candles of any interval, newest or of a range; each by the primary key of its table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick_ui.database import Reader

COLUMNS = (
    "open_time", "open_price", "high_price", "low_price", "close_price", "volume", "close_time", "quote_volume",
    "trade_count", "taker_buy_volume", "taker_buy_quote_volume", "is_final",
)  # fmt: skip


class Interval(StrEnum):
    """Intervals there are candles of."""

    MINUTE_1 = "1m"
    MINUTE_5 = "5m"
    MINUTE_15 = "15m"
    HOUR_1 = "1h"
    HOUR_4 = "4h"
    DAY_1 = "1d"

    @property
    def seconds(self) -> int:
        """Its length."""
        return int(self.value[:-1]) * {"m": 60, "h": 3600, "d": 86400}[self.value[-1]]


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    time: str
    filter: str = ""


_TABLES = {
    Interval.MINUTE_1: _Table("fact_klines", "open_time", "AND interval_code = '1m'"),
    Interval.MINUTE_5: _Table("klines_5m", "open_time"),
    Interval.MINUTE_15: _Table("klines_15m", "open_time"),
    Interval.HOUR_1: _Table("hourly_klines", "hour_start"),
    Interval.HOUR_4: _Table("klines_4h", "open_time"),
    Interval.DAY_1: _Table("daily_klines", "date"),
}


def _statement(table: _Table, order: str) -> str:
    time = f"CAST({table.time} AS DATETIME(3)) AS open_time" if table.time == "date" else f"{table.time} AS open_time"
    columns = ", ".join((time, *COLUMNS[1:]))
    return (
        f"SELECT {columns} FROM {table.name} WHERE exchange = :exchange AND symbol = :symbol {table.filter} "
        f"AND {table.time} >= :start AND {table.time} < :end ORDER BY {table.time} {order} LIMIT :most"
    )


# Made of constants of this file when it is imported; nothing a caller sends is ever part of a statement.
_FORWARD = {interval: _statement(table, "ASC") for interval, table in _TABLES.items()}
_BACKWARD = {interval: _statement(table, "DESC") for interval, table in _TABLES.items()}


def candles(
    reader: Reader,
    exchange: str,
    symbol: str,
    interval: Interval,
    start: datetime,
    end: datetime,
    most: int,
    *,
    newest: bool,
) -> list[dict[str, Any]]:
    """Return candles of [start, end), oldest first.

    Args:
        reader: the warehouse.
        exchange: name of the exchange.
        symbol: as the exchange writes it.
        interval: their length.
        start: naive UTC.
        end: naive UTC, exclusive.
        most: how many at most.
        newest: of more than ``most`` return the newest; otherwise the oldest.
    """
    statement = (_BACKWARD if newest else _FORWARD)[interval]
    rows = reader.rows(statement, exchange=exchange, symbol=symbol, start=start, end=end, most=most)
    for row in rows:
        row["is_final"] = bool(row["is_final"])
    return rows[::-1] if newest else rows
