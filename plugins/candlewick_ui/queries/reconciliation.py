"""Whether our hours and days equal the exchange's own, and REST the archive: the mart `reconciliation_daily`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from candlewick_ui.paging import Page, cut

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

COLUMNS = (
    "exchange", "symbol", "date", "check_name", "bucket_count", "match_count", "difference_count", "explained_count",
    "unexplained_count", "first_offending_bucket", "explanation", "compared_at",
)  # fmt: skip
KEY = (str, date, str)


class Check(StrEnum):
    """What is compared."""

    HOURS = "1h"
    DAYS = "1d"
    REST_VS_ARCHIVE = "rest_vs_archive"


class Outcome(StrEnum):
    """Which days: all, those with a difference, those with one nobody can explain."""

    ALL = "all"
    DIFFERENT = "different"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which compared days: UTC days from first to last, inclusive; symbol and check None: any."""

    first: date
    last: date
    symbol: str | None = None
    check: Check | None = None
    outcome: Outcome = Outcome.ALL


_AFTER = "(symbol > :at_symbol OR (symbol = :at_symbol AND (date > :at_date OR (date = :at_date AND check_name > :at_check))))"
_PAGE = f"""
SELECT {", ".join(COLUMNS)} FROM reconciliation_daily
WHERE exchange = :exchange AND date >= :first AND date <= :last {{symbol}}
    AND (:check_name IS NULL OR check_name = :check_name) {{outcome}} AND {_AFTER}
ORDER BY exchange, symbol, date, check_name
LIMIT :most
"""
_OUTCOMES = {
    Outcome.ALL: "",
    Outcome.DIFFERENT: "AND difference_count > 0",
    Outcome.UNEXPLAINED: "AND difference_count > 0 AND unexplained_count > 0",
}
_OF_ALL = {outcome: _PAGE.format(symbol="", outcome=text) for outcome, text in _OUTCOMES.items()}
_OF_ONE = {outcome: _PAGE.format(symbol="AND symbol = :symbol", outcome=text) for outcome, text in _OUTCOMES.items()}
_SUMMARY = """
SELECT
    check_name,
    COUNT(*) AS days,
    CAST(SUM(bucket_count) AS SIGNED) AS bucket_count,
    CAST(SUM(match_count) AS SIGNED) AS match_count,
    CAST(SUM(difference_count) AS SIGNED) AS difference_count,
    CAST(SUM(explained_count) AS SIGNED) AS explained_count,
    CAST(SUM(unexplained_count) AS SIGNED) AS unexplained_count,
    MAX(compared_at) AS compared_at
FROM reconciliation_daily
WHERE exchange = :exchange AND date >= :first AND date <= :last AND (:symbol IS NULL OR symbol = :symbol)
GROUP BY check_name
ORDER BY check_name
"""


def page(
    reader: Reader, exchange: str, filters: Filters, limit: int, after: tuple[str, date, str] | None = None
) -> Page:
    """Return compared days, by symbol, day and check.

    Args:
        reader: the warehouse.
        exchange: name of the exchange.
        filters: which of them.
        limit: most rows.
        after: symbol, day and check after which the page begins.
    """
    at_symbol, at_date, at_check = after or ("", date(1970, 1, 1), "")
    values: dict[str, object] = {"check_name": filters.check, "first": filters.first, "last": filters.last}
    if filters.symbol is not None:
        values["symbol"] = filters.symbol
    statement = (_OF_ALL if filters.symbol is None else _OF_ONE)[filters.outcome]
    rows = reader.rows(
        statement, exchange=exchange, most=limit + 1, at_symbol=at_symbol, at_date=at_date, at_check=at_check, **values
    )
    return cut(rows, limit, "symbol", "date", "check_name")


def summary(reader: Reader, exchange: str, symbol: str | None, first: date, last: date) -> list[dict[str, Any]]:
    """Return the sums of each check over the days from first to last."""
    return reader.rows(_SUMMARY, exchange=exchange, symbol=symbol, first=first, last=last)
