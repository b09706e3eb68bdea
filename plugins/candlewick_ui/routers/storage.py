"""How large the stores are, and the budget of requests."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from candlewick.warehouse.database import utc_now
from candlewick_ui import paging, schemas, times
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.formats import table
from candlewick_ui.parameters import Wanted
from candlewick_ui.queries import storage, weights

router = APIRouter(tags=["operations"])
DAYS, MOST_DAYS, AN_HOUR, LONGEST = 7, 92, timedelta(hours=1), timedelta(days=1)
OneStore = Annotated[storage.Store | None, Query(description="One store.")]


@router.get("/storage", responses=schemas.table(storage.COLUMNS))
def storage_health(
    wanted: Wanted,
    reader: ReaderOfMarts,
    store: OneStore = None,
    first: times.FirstDay = None,
    last: times.LastDay = None,
) -> Response:
    """Return size, growth a day and days until full of each store and table, by UTC day (at most 92), the newest first."""
    since, until = times.days(first, last, DAYS, utc_now(), MOST_DAYS)
    return table(storage.days(reader, store, since, until), storage.COLUMNS, wanted)


@router.get("/storage/events", responses=schemas.table(storage.EVENTS, is_paged=True))
def storage_events(
    wanted: Wanted,
    reader: ReaderOfMarts,
    store: OneStore = None,
    limit: paging.Limit = paging.DEFAULT_ROWS,
    cursor: paging.Cursor = None,
) -> Response:
    """Return what maintenance archived, deleted or cared for, newest first."""
    before = paging.decode(cursor, *storage.EVENTS_KEY)
    page = storage.events(reader, store, limit, before[0] if before else None)
    return paging.answer(page, storage.EVENTS, wanted)


@router.get("/weights", responses=schemas.table(weights.COLUMNS))
def weight_budget(wanted: Wanted, reader: ReaderOfMarts) -> Response:
    """Return what each host was charged in this minute, what it allows, and whether it bans us or rests."""
    return table(weights.hosts(reader, utc_now()), weights.COLUMNS, wanted)


@router.get("/weights/minutes", responses=schemas.table(weights.MINUTES))
def weight_by_minute(wanted: Wanted, reader: ReaderOfMarts, start: times.From = None, end: times.To = None) -> Response:
    """Return requests, weight, failures and latency by minute and host: of the last hour, or of at most a day."""
    since, until = times.span(start, end, AN_HOUR, utc_now(), LONGEST)
    return table(weights.minutes(reader, since, until), weights.MINUTES, wanted)
