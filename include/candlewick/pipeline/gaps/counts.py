"""How many of a symbol's requested minutes the facts hold, day by day, and which they do not.

A month at a time: one partition, in the order of the primary key; days that have all their minutes are not looked into.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from candlewick.market import Interval
from candlewick.spans import MINUTE, Span, days, joined, months
from candlewick.warehouse.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from candlewick.warehouse.database import Session


_DAY_0_OF_ORDINALS = 365  # TO_DAYS of a date less its ordinal in Python
_OF_SERIES = "exchange = %s AND symbol = %s AND interval_code = %s AND open_time >= %s AND open_time < %s"


class DayCount(NamedTuple):
    """Minutes of a day."""

    expected: int = 0
    present: int = 0
    final: int = 0


@dataclass
class Found:
    """What a look at the facts found: counts by day, and the spans without final candles."""

    days: dict[date, DayCount] = field(default_factory=dict)
    missing: list[Span] = field(default_factory=list)


def look(session: Session, marts: str, exchange: str, symbol: str, expected: Iterable[Span]) -> Found:
    """Count the minutes the facts hold of the expected ones, and find those of which they hold no final candle."""
    found, partly = Found(), []
    for span in expected:
        for month in months(span):
            counted = _by_day(session, marts, exchange, symbol, month)
            for day, piece in days(month):
                present, final = counted.get(day, (0, 0))
                before = found.days.get(day, DayCount())
                found.days[day] = DayCount(
                    before.expected + piece.minutes, before.present + present, before.final + final
                )
                if final == 0:
                    found.missing.append(piece)
                elif final < piece.minutes:
                    partly.append(piece)
    for span in joined(partly):
        found.missing += _holes(session, marts, exchange, symbol, span)
    found.missing = joined(found.missing)
    return found


def expected_by_day(expected: Iterable[Span]) -> dict[date, int]:
    """Count expected minutes by day."""
    found: dict[date, int] = {}
    for span in expected:
        for day, piece in days(span):
            found[day] = found.get(day, 0) + piece.minutes
    return found


def stored(session: Session, exchange: str, symbol: str, only: Collection[date] | None = None) -> dict[date, DayCount]:
    """Return the counts as they were written last, of some days or of all."""
    query = (
        "SELECT date, expected_minutes, present_minutes, final_minutes FROM coverage_counts "
        "WHERE exchange = %s AND symbol = %s"
    )
    if only is None:
        rows = session.all(query, (exchange, symbol))
    else:
        rows = session.all(f"{query} AND date BETWEEN %s AND %s", (exchange, symbol, min(only), max(only)))
    return {day: DayCount(*counts) for day, *counts in rows if only is None or day in only}


def recent(session: Session, exchange: str, since: date) -> dict[str, dict[date, DayCount]]:
    """Return the counts of every symbol from a day on, as they were written last."""
    rows = session.all(
        "SELECT symbol, date, expected_minutes, present_minutes, final_minutes FROM coverage_counts "
        "WHERE exchange = %s AND date >= %s",
        (exchange, since),
    )
    found: dict[str, dict[date, DayCount]] = {}
    for symbol, day, *counts in rows:
        found.setdefault(symbol, {})[day] = DayCount(*counts)
    return found


def write(
    session: Session,
    exchange: str,
    symbol: str,
    counted: dict[date, DayCount],
    before: dict[date, DayCount],
    now: datetime,
) -> None:
    """Write the counts of days that are not what they were; a day nobody asks for any more loses its row.

    ``before`` holds the rows of the days that were looked at.
    """
    changed = [(day, count) for day, count in counted.items() if before.get(day) != count]
    session.run_many(
        "INSERT INTO coverage_counts (exchange, symbol, date, expected_minutes, present_minutes, final_minutes, counted_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE expected_minutes = VALUES(expected_minutes), "
        "present_minutes = VALUES(present_minutes), final_minutes = VALUES(final_minutes), counted_at = VALUES(counted_at)",
        [(exchange, symbol, day, *count, now) for day, count in changed],
    )
    for day in set(before) - set(counted):
        session.run(
            "DELETE FROM coverage_counts WHERE exchange = %s AND symbol = %s AND date = %s", (exchange, symbol, day)
        )


def _by_day(session: Session, marts: str, exchange: str, symbol: str, span: Span) -> dict[date, tuple[int, int]]:
    rows = session.all(
        f"SELECT TO_DAYS(open_time) AS day, COUNT(*), SUM(is_final) FROM {marts}.{FACTS} FORCE INDEX (PRIMARY) "
        f"WHERE {_OF_SERIES} GROUP BY day",
        _series(exchange, symbol, span),
    )
    return {date.fromordinal(day - _DAY_0_OF_ORDINALS): (int(n), int(final)) for day, n, final in rows}


def _holes(session: Session, marts: str, exchange: str, symbol: str, span: Span) -> list[Span]:
    """Return what the facts lack of a span of which they have something final."""
    series = _series(exchange, symbol, span)
    last = session.one(
        f"SELECT MAX(open_time) FROM {marts}.{FACTS} FORCE INDEX (PRIMARY) WHERE {_OF_SERIES} AND is_final = 1", series
    )
    rows = session.all(
        "SELECT before_it, open_time FROM (SELECT open_time, LAG(open_time) OVER (ORDER BY open_time) AS before_it "
        f"FROM {marts}.{FACTS} FORCE INDEX (PRIMARY) WHERE {_OF_SERIES} AND is_final = 1) AS minutes "
        "WHERE before_it IS NULL OR open_time > before_it + INTERVAL 1 MINUTE",
        series,
    )
    holes = [Span(before + MINUTE if before else span.start, opened) for before, opened in rows]
    end = last[0] + timedelta(minutes=1) if last and last[0] else span.start
    return joined([*holes, Span(end, span.end)])


def _series(exchange: str, symbol: str, span: Span) -> tuple[str, str, str, datetime, datetime]:
    return exchange, symbol, Interval.MINUTE_1.value, span.start, span.end
