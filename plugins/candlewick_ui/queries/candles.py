"""Candles of any interval, newest or of a range; each by the primary key of its table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from candlewick_ui.database import VALUES, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from candlewick_ui.database import Reader

COLUMNS = (
    "open_time", "open_price", "high_price", "low_price", "close_price", "volume", "close_time", "quote_volume",
    "trade_count", "taker_buy_volume", "taker_buy_quote_volume", "is_final",
)  # fmt: skip
BEGINNING, END = datetime(1970, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 -- naive UTC, as the tables hold it
BAR_COLUMNS = ("open_time", "high_price", "low_price", "close_price", "volume")


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
class Table:
    """Where the candles of an interval are."""

    name: str
    time: str = "open_time"
    has_intervals: bool = False  # of several intervals, told apart by interval_code

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of its primary key."""
        return ("exchange", "symbol", *(["interval_code"] if self.has_intervals else []), self.time)

    def select(self, columns: tuple[str, ...], where: str, order: str) -> str:
        """Return a SELECT of this table's candles; ordered by all columns of the key, else MySQL sorts a symbol's history."""
        asked = ", ".join(self._column(name) for name in columns)
        code = "AND interval_code = '1m' " if self.has_intervals else ""
        by = ", ".join(f"{name} {order}" for name in self.key)
        return (
            f"SELECT {asked} FROM {self.name} WHERE exchange = :exchange AND symbol = :symbol {code}{where} "
            f"ORDER BY {by} LIMIT :most"
        )

    def _column(self, name: str) -> str:
        if name != "open_time" or self.time == "open_time":
            return name
        return f"CAST({self.time} AS DATETIME(3)) AS open_time" if self.time == "date" else f"{self.time} AS open_time"


TABLES = {
    Interval.MINUTE_1: Table("fact_klines", has_intervals=True),
    Interval.MINUTE_5: Table("klines_5m"),
    Interval.MINUTE_15: Table("klines_15m"),
    Interval.HOUR_1: Table("hourly_klines", "hour_start"),
    Interval.HOUR_4: Table("klines_4h"),
    Interval.DAY_1: Table("daily_klines", "date"),
}


# Made of constants of this file when it is imported; nothing a caller sends is ever part of a statement.
def _ranges(columns: tuple[str, ...], order: str) -> dict[Interval, str]:
    return {
        interval: table.select(columns, f"AND {table.time} >= :start AND {table.time} < :end", order)
        for interval, table in TABLES.items()
    }


_FORWARD, _BACKWARD = _ranges(COLUMNS, "ASC"), _ranges(COLUMNS, "DESC")
_NEWEST = {interval: table.select(COLUMNS, "", "DESC") for interval, table in TABLES.items()}
_FINAL = {interval: table.select(BAR_COLUMNS, "AND is_final = 1", "DESC") for interval, table in TABLES.items()}
_FINAL_BEFORE = {
    interval: table.select(BAR_COLUMNS, f"AND is_final = 1 AND {table.time} < :before", "DESC")
    for interval, table in TABLES.items()
}
_EXPIRED = """
SELECT 1 AS is_there FROM {raw}.expired_spans
WHERE exchange = :exchange AND symbol = :symbol AND data_type = 'klines' AND interval_code = '1m' LIMIT 1
"""


def candles(
    reader: Reader,
    exchange: str,
    symbol: str,
    interval: Interval,
    start: datetime,
    end: datetime,
    most: int,
    *,
    from_newest: bool,
    reading: Reading = VALUES,
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
        from_newest: of more than ``most`` return the newest; otherwise the oldest.
        reading: what decimals and times are.
    """
    statement = (_BACKWARD if from_newest else _FORWARD)[interval]
    rows = reader.rows(statement, reading, exchange=exchange, symbol=symbol, start=start, end=end, most=most)
    return _told(rows[::-1] if from_newest else rows)


def newest_candles(
    reader: Reader, exchange: str, symbol: str, interval: Interval, most: int, reading: Reading = VALUES
) -> list[dict[str, Any]]:
    """Return the newest candles, oldest first, the one in progress included; ``reading`` says what decimals and times are."""
    return _told(reader.rows(_NEWEST[interval], reading, exchange=exchange, symbol=symbol, most=most)[::-1])


def final_bars(
    reader: Reader,
    exchange: str,
    symbol: str,
    interval: Interval,
    most: int,
    before: datetime | None = None,
    *,
    decimals: Callable[[str], Any] = Decimal,
) -> list[dict[str, Any]]:
    """Return the newest bars that are final, oldest first, with `BAR_COLUMNS`: what indicators are made of.

    With ``before`` (naive UTC) those that open before it. Prices and volumes are ``decimals``: ``float`` is that nearest to
    the decimal, ``str`` its digits.
    """
    asked = {"exchange": exchange, "symbol": symbol, "most": most}
    reading = Reading(decimals)
    if before is None:
        return reader.rows(_FINAL[interval], reading, **asked)[::-1]
    return reader.rows(_FINAL_BEFORE[interval], reading, **asked, before=before)[::-1]


def has_expired(reader: Reader, exchange: str, symbol: str) -> bool:
    """Whether minutes of this symbol were deleted because they were old."""
    return reader.one(_EXPIRED, exchange=exchange, symbol=symbol) is not None


def final_window(
    reader: Reader,
    exchange: str,
    symbol: str,
    interval: Interval,
    length: int,
    *,
    decimals: Callable[[str], Any] = Decimal,
) -> list[dict[str, Any]]:
    """Return the final bars of the window of ``length`` bars that ends with the newest one, those missing not made up."""
    bars = final_bars(reader, exchange, symbol, interval, length, decimals=decimals)
    if not bars:
        return []
    after = bars[-1]["open_time"] - timedelta(seconds=length * interval.seconds)
    return [bar for bar in bars if bar["open_time"] > after]


def _told(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in rows:
        row["is_final"] = bool(row["is_final"])
    return rows
