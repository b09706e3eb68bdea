"""What is there and what is missing: coverage by day, gaps with their reasons, revisions, agreement with the exchange."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from candlewick.settings import settings
from candlewick.warehouse.database import utc_now
from candlewick_ui import paging, schemas, times
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.formats import table
from candlewick_ui.parameters import OneInterval, OneSymbol, Wanted
from candlewick_ui.queries import coverage, gaps, reconciliation, revisions
from candlewick_ui.queries.ingestion import Kind

router = APIRouter(tags=["data"])
DAYS, TEN_YEARS = 30, timedelta(days=3653)
GAP_COUNTS = ("data_type", "status", "reason", "gaps", "minutes")
CHECKS = (
    "check_name", "days", "bucket_count", "match_count", "difference_count", "explained_count", "unexplained_count", "compared_at",
)  # fmt: skip


@router.get("/coverage", responses=schemas.table(coverage.COLUMNS, is_paged=True))
def coverage_by_day(
    wanted: Wanted,
    reader: ReaderOfMarts,
    symbol: OneSymbol = None,
    first: times.FirstDay = None,
    last: times.LastDay = None,
    limit: paging.Limit = paging.DEFAULT_ROWS,
    cursor: paging.Cursor = None,
) -> Response:
    """Return the 1m candles that are expected, there, final and explained, by symbol and UTC day."""
    since, until = times.days(first, last, DAYS, utc_now())
    after = paging.decode(cursor, *coverage.KEY)
    page = coverage.page(reader, settings().exchange, symbol, since, until, limit, after)
    return paging.answer(page, coverage.COLUMNS, wanted)


@router.get("/coverage/summary", responses=schemas.table(coverage.SUMMARY))
def coverage_summary(wanted: Wanted, reader: ReaderOfMarts, symbol: OneSymbol = None) -> Response:
    """Return first and last candle, how many and how complete, by symbol and interval, over all of history."""
    return table(coverage.summary(reader, settings().exchange, symbol), coverage.SUMMARY, wanted)


@router.get("/gaps", responses=schemas.table(gaps.COLUMNS, is_paged=True))
def gap_ledger(
    wanted: Wanted,
    reader: ReaderOfMarts,
    symbol: OneSymbol = None,
    status: Annotated[gaps.Status | None, Query(description="How the gap stands.")] = None,
    reason: Annotated[gaps.Reason | None, Query(description="Why minutes are missing.")] = None,
    data_type: Annotated[Kind | None, Query(description="Candles or order books.")] = None,
    start: times.From = None,
    end: times.To = None,
    limit: paging.Limit = paging.DEFAULT_ROWS,
    cursor: paging.Cursor = None,
) -> Response:
    """Return gaps with reason and evidence, the one noticed last first; of a span those that overlap it."""
    if start and end:
        times.refuse_backward(start, end)
    since = None if start is None else times.naive_utc(start)
    until = None if end is None else times.naive_utc(end)
    filters = gaps.Filters(symbol, status, reason, data_type, since, until)
    before = paging.decode(cursor, *gaps.KEY)
    page = gaps.page(reader, settings().exchange, filters, limit, before[0] if before else None)
    return paging.answer(page, gaps.COLUMNS, wanted)


@router.get("/gaps/counts", responses=schemas.table(GAP_COUNTS))
def gap_counts(wanted: Wanted, reader: ReaderOfMarts) -> Response:
    """Return how many gaps are not closed, and of how many minutes, by data type, status and reason."""
    return table(gaps.counts(reader, settings().exchange), GAP_COUNTS, wanted)


@router.get("/revisions", responses=schemas.table(revisions.COLUMNS, is_paged=True))
def kline_revisions(
    wanted: Wanted,
    reader: ReaderOfMarts,
    symbol: OneSymbol = None,
    interval: OneInterval = None,
    start: times.From = None,
    end: times.To = None,
    limit: paging.Limit = paging.DEFAULT_ROWS,
    cursor: paging.Cursor = None,
) -> Response:
    """Return final candles whose values changed, or of which two sources disagree: what was lost and what stands."""
    since, until = times.span(start, end, TEN_YEARS, utc_now())
    before = paging.decode(cursor, *revisions.KEY)
    page = revisions.page(reader, settings().exchange, symbol, interval, since, until, limit, before)
    return paging.answer(page, revisions.COLUMNS, wanted)


@router.get("/reconciliation", responses=schemas.table(reconciliation.COLUMNS, is_paged=True))
def reconciliation_by_day(
    wanted: Wanted,
    reader: ReaderOfMarts,
    symbol: OneSymbol = None,
    check: Annotated[reconciliation.Check | None, Query(description="What is compared.")] = None,
    outcome: Annotated[
        reconciliation.Outcome, Query(description="All days, or only different ones.")
    ] = reconciliation.Outcome.ALL,
    first: times.FirstDay = None,
    last: times.LastDay = None,
    limit: paging.Limit = paging.DEFAULT_ROWS,
    cursor: paging.Cursor = None,
) -> Response:
    """Return whether our hours and days equal the exchange's own, and REST the archive, by symbol, day and check."""
    since, until = times.days(first, last, DAYS, utc_now())
    filters = reconciliation.Filters(since, until, symbol, check, outcome)
    after = paging.decode(cursor, *reconciliation.KEY)
    page = reconciliation.page(reader, settings().exchange, filters, limit, after)
    return paging.answer(page, reconciliation.COLUMNS, wanted)


@router.get("/reconciliation/summary", responses=schemas.table(CHECKS))
def reconciliation_summary(
    wanted: Wanted,
    reader: ReaderOfMarts,
    symbol: OneSymbol = None,
    first: times.FirstDay = None,
    last: times.LastDay = None,
) -> Response:
    """Return the sums of each check over the days."""
    since, until = times.days(first, last, DAYS, utc_now())
    return table(reconciliation.summary(reader, settings().exchange, symbol, since, until), CHECKS, wanted)
