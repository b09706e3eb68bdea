"""Coverage as a calendar: some symbols, some days, how each day is."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from candlewick_ui.database import Reader

MINUTES_OF_A_DAY = 1440

_SYMBOLS = """
SELECT symbol FROM {raw}.tracked_symbols
WHERE exchange = :exchange AND symbol > :after AND symbol LIKE :pattern
ORDER BY exchange, symbol
LIMIT :most
"""
_DAYS = """
SELECT symbol, date, expected_minutes, present_minutes, final_minutes, explained_minutes, unexplained_minutes, counted_at
FROM coverage_daily
WHERE exchange = :exchange AND symbol IN :symbols AND date >= :first AND date <= :last
ORDER BY exchange, symbol, date
"""


class Look(StrEnum):
    """How a day is; what is worst wins."""

    GAP = "gap"
    """Minutes are missing and nothing says why."""
    EXPLAINED = "explained"
    """Minutes are missing, each for a reason with evidence."""
    OPEN = "open"
    """Every minute is there, some are not final yet."""
    COMPLETE = "complete"
    NOTHING = "nothing"
    """No minute is expected: before the listing, after the delisting."""


def look(day: Mapping[str, Any]) -> Look:
    """Return how a row of `coverage_daily` is."""
    if day["unexplained_minutes"] > 0:
        return Look.GAP
    if not day["expected_minutes"]:
        return Look.NOTHING
    if day["present_minutes"] < day["expected_minutes"]:
        return Look.EXPLAINED
    return Look.COMPLETE if day["final_minutes"] >= day["expected_minutes"] else Look.OPEN


class Part(StrEnum):
    """Why less than a whole day is expected."""

    NOT_OVER = "not over"
    """It was counted before its end."""
    NOT_EXPECTED = "not expected"
    """The symbol began or ended that day, or only so much of its history was asked for."""


def part(day: Mapping[str, Any]) -> Part | None:
    """Return why a row of `coverage_daily` is about a part of its day; None: it is about all of it, or nothing is expected."""
    if not 0 < day["expected_minutes"] < MINUTES_OF_A_DAY:
        return None
    end = datetime.combine(day["date"], time()) + timedelta(days=1)
    return Part.NOT_OVER if day["counted_at"] < end else Part.NOT_EXPECTED


def symbols(reader: Reader, exchange: str, most: int, after: str = "", containing: str = "") -> list[str]:
    """Return known symbols by name, tracked now or not: those after one, those whose name contains a text."""
    pattern = "%" + containing.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = reader.rows(_SYMBOLS, exchange=exchange, after=after, pattern=pattern, most=most)
    return [row["symbol"] for row in rows]


def days(
    reader: Reader, exchange: str, names: list[str], first: date, last: date
) -> dict[str, dict[date, dict[str, Any]]]:
    """Return the days (UTC, both inclusive) that were counted, by symbol and day."""
    found: dict[str, dict[date, dict[str, Any]]] = {name: {} for name in names}
    if names:
        for row in reader.rows(_DAYS, exchange=exchange, symbols=names, first=first, last=last):
            found[row["symbol"]][row["date"]] = {**row, "look": look(row), "part": part(row)}
    return found
