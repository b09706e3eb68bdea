"""History on demand: how far each backfill is. One is begun by `POST /jobs/market_backfill/runs`."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from candlewick.warehouse.backfills import PartState
from candlewick_ui import paging, schemas
from candlewick_ui.database import Reader, ReaderOfMarts
from candlewick_ui.formats import document
from candlewick_ui.identity import ReaderDep
from candlewick_ui.jobs import changes, listing
from candlewick_ui.parameters import ONE_LINE, Etag, Wanted
from candlewick_ui.problems import Problem
from candlewick_ui.queries import backfills as query

DAG_ID = "market_backfill"
router = APIRouter(tags=["operations"])
RunId = Annotated[str, Path(max_length=250, pattern=ONE_LINE, description="Name of the run of market_backfill.")]
ROW = schemas.rows(query.COLUMNS)["items"]["properties"]


@router.get("/backfills", responses=schemas.table(query.COLUMNS, is_paged=True))
def backfills(
    wanted: Wanted, reader: ReaderOfMarts, limit: paging.Limit = 20, cursor: paging.Cursor = None
) -> Response:
    """Return the backfills, newest first, with their progress and the seconds that are left at the present pace."""
    before = paging.decode(cursor, *query.KEY)
    return paging.answer(query.newest(reader, limit, before[0] if before else None), query.COLUMNS, wanted)


@router.get("/backfills/{run_id}", responses=schemas.document(**ROW))
def backfill(reader: ReaderOfMarts, run_id: RunId, etag: Etag = None) -> Response:
    """Return one backfill."""
    return document(_of_run(reader, run_id), etag)


@router.get(
    "/backfills/{run_id}/parts", responses=schemas.table(query.PARTS, is_paged=True, numbers=query.NUMBERS_OF_PARTS)
)
def backfill_parts(
    wanted: Wanted,
    reader: ReaderOfMarts,
    run_id: RunId,
    state: Annotated[PartState | None, Query(description="How far the part is.")] = None,
    limit: paging.Limit = paging.DEFAULT_ROWS,
    cursor: paging.Cursor = None,
) -> Response:
    """Return the parts of a backfill: months, days or spans of one symbol."""
    after = paging.decode(cursor, *query.PARTS_KEY)
    backfill_id = _of_run(reader, run_id)["backfill_id"]
    page = query.parts(reader, backfill_id, limit, after[0] if after else None, state.value if state else None)
    return paging.answer(page, query.PARTS, wanted, numbers=query.NUMBERS_OF_PARTS)


@router.post("/backfills/{run_id}/cancel")
def cancel_backfill(user: ReaderDep, run_id: RunId) -> listing.Run:
    """Cancel a backfill that runs or waits. What it has brought stays; triggered again it does only what is left."""
    return changes.cancel(user, DAG_ID, run_id)


def _of_run(reader: Reader, run_id: str) -> dict[str, Any]:
    found = query.of_run(reader, run_id)
    if found is None:
        raise Problem(
            404, f"expected a run of {DAG_ID} that has planned its parts, got {run_id[:100]!r}; GET /backfills has them"
        )
    return found
