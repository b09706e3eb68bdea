"""Which days have still to be compared with the exchange's own candles and with the archive, and which disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.warehouse import tables

if TYPE_CHECKING:
    from datetime import date, datetime

    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session

DAYS, TABLE = "daily_klines", "reconciliation_daily"
# Every row is one look-up by its whole key. A day is ours to compare when nothing of it is still to come and all its
# minutes were asked for: the same rule as in the dbt macro `comparable`.
_TO_COMPARE = """
    SELECT built.date, {hours}, {day}, COALESCE(daily.path, monthly.path) IS NULL
    FROM {marts}.daily_klines AS built FORCE INDEX (PRIMARY)
    {compared}
    LEFT JOIN coverage_counts AS counts
        ON counts.exchange = built.exchange AND counts.symbol = built.symbol AND counts.date = built.date
    LEFT JOIN tracked_symbols AS symbols ON symbols.exchange = built.exchange AND symbols.symbol = built.symbol
    LEFT JOIN archive_files AS daily
        ON daily.exchange = built.exchange AND daily.symbol = built.symbol AND daily.interval_code = '1m'
        AND daily.granularity = 'daily' AND daily.period_start = built.date
    LEFT JOIN archive_files AS monthly
        ON monthly.exchange = built.exchange AND monthly.symbol = built.symbol AND monthly.interval_code = '1m'
        AND monthly.granularity = 'monthly' AND monthly.period_start = built.date - INTERVAL DAYOFMONTH(built.date) - 1 DAY
        AND monthly.state IN ('stored', 'loaded')
    WHERE built.exchange = %s AND built.symbol = %s AND built.date >= %s AND built.date <= %s
        AND (built.is_final = 1 OR built.date < DATE(%s) - INTERVAL 1 DAY)
        AND (counts.expected_minutes IS NULL OR symbols.status = 'NOT_LISTED'
             OR counts.expected_minutes >= TIMESTAMPDIFF(
                 MINUTE, GREATEST(built.date, COALESCE(symbols.first_open_time, built.date)), built.date + INTERVAL 1 DAY))
    ORDER BY built.date DESC
"""
_COMPARED = """
    LEFT JOIN {marts}.reconciliation_daily AS {alias}
        ON {alias}.exchange = built.exchange AND {alias}.symbol = built.symbol AND {alias}.date = built.date
        AND {alias}.check_name = '{check}'"""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a symbol with what it lacks: the exchange's own hours, its own day, the archive's file of its minutes.

    What differs without an explanation is asked for anew: the exchange may have mended it, or not all of it was asked for.
    """

    date: date
    needs_hours: bool
    needs_day: bool
    needs_file: bool
    is_compared: bool


def symbols(session: Session, config: Settings) -> list[tuple[str, bool]]:
    """Return every known symbol, and whether it is followed."""
    rows = session.all(
        "SELECT symbol, active FROM tracked_symbols WHERE exchange = %s ORDER BY symbol", (config.exchange,)
    )
    return [(symbol, bool(active)) for symbol, active in rows]


def days(session: Session, config: Settings, symbol: str, first: date, last: date, now: datetime) -> list[Day]:
    """Return a symbol's days that have minutes, newest first; those of which something is still to come are left out.

    Args:
        session: reads both schemas.
        config: names of the schemas and of the exchange.
        symbol: as the exchange writes it.
        first: first day.
        last: last day.
        now: the present, naive UTC.
    """
    if not tables.exist(session, config.marts_schema, DAYS):
        return []
    aliases = {"hours": "1h", "day": "1d"} if tables.exist(session, config.marts_schema, TABLE) else {}
    compared = "".join(
        _COMPARED.format(marts=config.marts_schema, alias=alias, check=check) for alias, check in aliases.items()
    )
    marks = {alias: f"{alias}.unexplained_count" if aliases else "NULL" for alias in ("hours", "day")}
    query = _TO_COMPARE.format(marts=config.marts_schema, compared=compared, **marks)
    rows = session.all(query, (config.exchange, symbol, first, last, now))
    return [
        Day(day, hours != 0, own != 0, bool(file), hours is not None and own is not None)
        for day, hours, own, file in rows
    ]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What nobody can explain of a symbol; ``first`` is the start of its oldest such bucket."""

    symbol: str
    check: str
    days: int
    differences: int
    first: datetime


def unexplained(session: Session, config: Settings) -> list[Disagreement]:
    """Return the disagreements there are now."""
    if not tables.exist(session, config.marts_schema, TABLE):
        return []
    rows = session.all(
        "SELECT symbol, check_name, COUNT(*), CAST(SUM(unexplained_count) AS SIGNED), MIN(first_offending_bucket) "
        f"FROM {config.marts_schema}.{TABLE} "
        "WHERE difference_count > 0 AND unexplained_count > 0 AND exchange = %s "
        "GROUP BY symbol, check_name ORDER BY symbol, check_name",
        (config.exchange,),
    )
    return [Disagreement(*row) for row in rows]


def newest(session: Session, config: Settings) -> tuple[date, datetime] | None:
    """Return the newest day whose hours were compared, and when anything was compared last; None before that."""
    if not tables.exist(session, config.marts_schema, TABLE):
        return None
    row = session.one(
        f"SELECT MAX(date), MAX(compared_at) FROM {config.marts_schema}.{TABLE} WHERE exchange = %s AND check_name = '1h'",
        (config.exchange,),
    )
    return (row[0], row[1]) if row and row[0] else None
