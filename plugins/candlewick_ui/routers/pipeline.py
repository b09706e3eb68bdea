"""How the pipeline stands: its series, its queues, what people were told."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from candlewick.settings import settings
from candlewick_ui import paging, schemas
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.formats import table
from candlewick_ui.parameters import OneSymbol, Wanted
from candlewick_ui.queries import status

router = APIRouter(tags=["operations"])


@router.get("/pipeline/status", responses=schemas.table(status.COLUMNS))
def pipeline_status(wanted: Wanted, reader: ReaderOfMarts, symbol: OneSymbol = None) -> Response:
    """Return a row per tracked symbol and series: lag, last request, queue, what was rejected within 24 h."""
    return table(status.series(reader, settings().exchange, symbol), status.COLUMNS, wanted)


@router.get("/pipeline/queues", responses=schemas.table(status.QUEUES))
def pipeline_queues(wanted: Wanted, reader: ReaderOfMarts) -> Response:
    """Return how many loads wait for each dbt model, by lane, and since when."""
    return table(status.queues(reader), status.QUEUES, wanted)


@router.get("/pipeline/events", responses=schemas.table(status.EVENTS, is_paged=True))
def pipeline_events(
    wanted: Wanted,
    reader: ReaderOfMarts,
    kind: Annotated[status.Kind | None, Query(description="What happened.")] = None,
    severity: Annotated[status.Severity | None, Query(description="How much it matters.")] = None,
    subject: Annotated[str | None, Query(min_length=1, max_length=191, description="What it is about.")] = None,
    limit: paging.Limit = paging.DEFAULT_ROWS,
    cursor: paging.Cursor = None,
) -> Response:
    """Return what people were told, newest first."""
    before = paging.decode(cursor, *status.EVENTS_KEY)
    page = status.events(
        reader, limit, kind=kind, severity=severity, subject=subject, before=before[0] if before else None
    )
    return paging.answer(page, status.EVENTS, wanted)
