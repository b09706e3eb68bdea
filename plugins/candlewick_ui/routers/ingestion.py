"""Requests to the exchange and the archive, and what of their rows is stored."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from candlewick.settings import settings
from candlewick.warehouse.database import utc_now
from candlewick_ui import paging, schemas, times
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.formats import table
from candlewick_ui.parameters import OneSymbol, Wanted
from candlewick_ui.queries import deduplication, ingestion

router = APIRouter(tags=["ingestion"])
A_DAY, AN_HOUR, DAYS = timedelta(days=1), timedelta(hours=1), 30
OUTCOMES = ("symbol", "data_type", "interval_code", "status", "error_kind", "requests")


@router.get("/ingestion/logs", responses=schemas.table(ingestion.COLUMNS, is_paged=True))
def ingestion_logs(
    wanted: Wanted,
    reader: ReaderOfMarts,
    symbol: OneSymbol = None,
    data_type: Annotated[ingestion.Kind | None, Query(description="Candles or order books.")] = None,
    status: Annotated[ingestion.Status | None, Query(description="What became of the request.")] = None,
    load_state: Annotated[ingestion.LoadState | None, Query(description="What became of its payload.")] = None,
    source: Annotated[ingestion.Source | None, Query(description="Who was asked.")] = None,
    start: times.From = None,
    end: times.To = None,
    limit: paging.Limit = paging.DEFAULT_ROWS,
    cursor: paging.Cursor = None,
) -> Response:
    """Return requests, newest first: of the last day, or of the span from … to.

    A filter that hardly anything matches may give a short page, or an empty one, whose `next` goes on.
    """
    since, until = times.span(start, end, A_DAY, utc_now())
    before = paging.decode(cursor, *ingestion.KEY)
    filters = ingestion.Filters(symbol, data_type, status, load_state, source)
    page = ingestion.page(reader, settings().exchange, filters, since, until, limit, before)
    return paging.answer(page, ingestion.COLUMNS, wanted)


@router.get("/ingestion/outcomes", responses=schemas.table(OUTCOMES))
def ingestion_outcomes(
    wanted: Wanted,
    reader: ReaderOfMarts,
    minutes: Annotated[int, Query(ge=1, le=1440, description="How far back, in minutes.")] = 60,
) -> Response:
    """Return how many requests of the last minutes ended how, by series and kind of failure."""
    rows = ingestion.outcomes(reader, settings().exchange, utc_now() - timedelta(minutes=minutes))
    return table(rows, OUTCOMES, wanted)


@router.get("/deduplication", responses=schemas.table(deduplication.COLUMNS, is_paged=True))
def deduplication_statistics(
    wanted: Wanted,
    reader: ReaderOfMarts,
    symbol: OneSymbol = None,
    first: times.FirstDay = None,
    last: times.LastDay = None,
    limit: paging.Limit = paging.DEFAULT_ROWS,
    cursor: paging.Cursor = None,
) -> Response:
    """Return what was received and what of it is stored, by day of load and series; the newest day first."""
    since, until = times.days(first, last, DAYS, utc_now())
    after = paging.decode(cursor, *deduplication.KEY)
    page = deduplication.page(reader, settings().exchange, symbol, since, until, limit, after)
    return paging.answer(page, deduplication.COLUMNS, wanted)


@router.get("/deduplication/totals", responses=schemas.table(deduplication.TOTALS))
def deduplication_totals(
    wanted: Wanted,
    reader: ReaderOfMarts,
    symbol: OneSymbol = None,
    first: times.FirstDay = None,
    last: times.LastDay = None,
) -> Response:
    """Return the sums of each day of load, newest first."""
    since, until = times.days(first, last, DAYS, utc_now())
    rows = deduplication.totals(reader, settings().exchange, symbol, since, until)
    return table(rows, deduplication.TOTALS, wanted)
