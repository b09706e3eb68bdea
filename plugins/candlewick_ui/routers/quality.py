"""Violations of the quality rules."""

from fastapi import APIRouter
from fastapi.responses import Response

from candlewick.settings import settings
from candlewick_ui import paging, schemas
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.formats import table
from candlewick_ui.parameters import Wanted
from candlewick_ui.queries import quality

router = APIRouter(tags=["data"])


@router.get("/quality", responses=schemas.table(quality.SUMMARY))
def quality_summary(wanted: Wanted, reader: ReaderOfMarts) -> Response:
    """Return a row per rule: how many violations there are, the newest, how serious one is, where it is explained."""
    return table(quality.summary(reader), quality.SUMMARY, wanted)


@router.get("/quality/{rule}", responses=schemas.listing())
def quality_findings(
    rule: quality.Rule,
    wanted: Wanted,
    reader: ReaderOfMarts,
    limit: paging.Limit = paging.DEFAULT_ROWS,
    cursor: paging.Cursor = None,
) -> Response:
    """Return what a rule lists; the columns are the rule's own (`column_names` names them)."""
    after = paging.decode(cursor, *quality.key(rule))
    page = quality.findings(reader, settings().exchange, rule, limit, after)
    columns = tuple(page.rows[0]) if page.rows else ()
    return paging.answer(page, columns, wanted, column_names=columns)
