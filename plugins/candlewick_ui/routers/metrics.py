"""Measures for a monitoring system."""

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from candlewick.settings import settings
from candlewick.warehouse.database import utc_now
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.exposition import exposition
from candlewick_ui.queries.metrics import measure
from candlewick_ui.routers.stream import HubDep

router = APIRouter(tags=["operations"])


@router.get(
    "/metrics",
    responses={
        200: {"description": "Prometheus' text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    },
    response_class=Response,
)
def metrics(reader: ReaderOfMarts, hub: HubDep) -> Response:
    """Return freshness by symbol, rows loaded, gaps, weight, failures, queues; counts are of the last hour."""
    measures = measure(reader, settings().exchange, utc_now())
    return Response(exposition(measures, hub.listeners), media_type=CONTENT_TYPE_LATEST)
