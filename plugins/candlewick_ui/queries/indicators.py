"""Indicators at the close of final bars, as the marts hold them: `indicators_1m`, `indicators_1h`, `indicators_1d`."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from candlewick_ui.database import VALUES
from candlewick_ui.queries.vars import mart_vars

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick_ui.database import Reader, Reading
    from candlewick_ui.queries.candles import Interval


class MartInterval(StrEnum):
    """Intervals whose indicators a mart holds."""

    MINUTE_1 = "1m"
    HOUR_1 = "1h"
    DAY_1 = "1d"


TABLES = {interval.value: f"indicators_{interval.value}" for interval in MartInterval}


class Kind(StrEnum):
    """Indicators that are asked for by themselves."""

    RSI = "rsi"
    MACD = "macd"
    BOLLINGER = "bollinger"
    ATR = "atr"


COLUMNS = {
    Kind.RSI: ("rsi",),
    Kind.MACD: ("macd", "macd_signal", "macd_histogram"),
    Kind.BOLLINGER: ("bollinger_upper", "bollinger_middle", "bollinger_lower"),
    Kind.ATR: ("atr",),
}


@lru_cache(maxsize=1)
def all_columns() -> tuple[str, ...]:
    """Return the columns of a mart's row: those of averages are named after their periods."""
    averages = [f"{name}_{int(period)}" for name in ("sma", "ema") for period in mart_vars()[f"{name}_periods"]]
    single = [column for columns in COLUMNS.values() for column in columns]
    return ("open_time", "close_price", *single, *averages, "obv", "vwap")


def numbers() -> frozenset[str]:
    """Return the columns that hold doubles."""
    return frozenset(all_columns()) - {"open_time", "close_price"}


@lru_cache(maxsize=64)
def _statement(table: str, columns: tuple[str, ...], where: str, order: str, *, is_settled: bool = False) -> str:
    """Return a SELECT that finds rows only where they were made with the periods :periods stands for.

    With ``is_settled`` also only where no bar is new or changed whose row has yet to be computed.
    """
    settled = " AND pending_from IS NULL AND claimed_from IS NULL" if is_settled else ""
    asked = ", ".join(f"bars.{name}" for name in columns)
    by = ", ".join(f"bars.{name} {order}" for name in ("exchange", "symbol", "open_time"))
    return (
        f"SELECT {asked} FROM {table} AS bars WHERE bars.exchange = :exchange AND bars.symbol = :symbol {where}"
        f"AND EXISTS (SELECT 1 FROM indicator_progress WHERE model = '{table}' AND exchange = :exchange "
        f"AND symbol = :symbol AND periods = :periods{settled}) ORDER BY {by} LIMIT :most"
    )


def newest(
    reader: Reader, exchange: str, symbol: str, interval: Interval, kind: Kind, most: int
) -> list[dict[str, Any]]:
    """Return the newest rows of one indicator, oldest first: open_time, close_price and `COLUMNS` of the kind.

    Empty where no mart holds this interval, the rows there are were made with other periods than the vars say, or some of
    them follow from values that have changed. Bars it has not got to at all are not seen here: compare the newest one.
    """
    if interval.value not in TABLES:
        return []
    columns = ("open_time", "close_price", *COLUMNS[kind])
    statement = _statement(TABLES[interval.value], columns, "", "DESC", is_settled=True)
    return reader.rows(statement, exchange=exchange, symbol=symbol, most=most, periods=mart_vars().periods_checksum)[
        ::-1
    ]


def indicators(
    reader: Reader,
    exchange: str,
    symbol: str,
    interval: Interval | MartInterval,
    start: datetime,
    end: datetime,
    most: int,
    *,
    from_newest: bool,
    is_settled: bool = False,
    reading: Reading = VALUES,
) -> list[dict[str, Any]]:
    """Return rows of `all_columns` of [start, end), oldest first; of more than ``most`` the oldest or the newest.

    Args:
        reader: the warehouse.
        exchange: name of the exchange.
        symbol: as the exchange writes it.
        interval: length of a bar, one of `TABLES`.
        start: naive UTC.
        end: naive UTC, exclusive.
        most: how many at most.
        from_newest: of more than ``most`` return the newest; otherwise the oldest.
        is_settled: nothing while some rows of the symbol follow from values that have changed.
        reading: what decimals and times are.
    """
    rows = reader.rows(
        _statement(
            TABLES[interval.value],
            all_columns(),
            "AND bars.open_time >= :start AND bars.open_time < :end ",
            "DESC" if from_newest else "ASC",
            is_settled=is_settled,
        ),
        reading,
        exchange=exchange,
        symbol=symbol,
        start=start,
        end=end,
        most=most,
        periods=mart_vars().periods_checksum,
    )
    return rows[::-1] if from_newest else rows
