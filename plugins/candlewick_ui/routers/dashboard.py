"""What the first page shows, as one document."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from candlewick.settings import settings
from candlewick.warehouse.database import utc_now
from candlewick_ui import schemas
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.formats import document
from candlewick_ui.parameters import Etag
from candlewick_ui.queries import dashboard, status, weights

router = APIRouter(tags=["market"])
A_DAY = timedelta(days=1)
GAPS = ("data_type", "status", "gaps", "minutes")
HOST = ("host", "used_weight", "weight_limit", "allowed_weight", "is_banned", "breaker_state")
NUMBER: schemas.Schema = {"type": "integer"}
_CARDS = schemas.rows(dashboard.COLUMNS)
_CARDS["items"]["properties"]["sparkline"] = {"type": "array", "items": {"type": "string"}}


@router.get(
    "/dashboard/metrics",
    responses=schemas.document(
        as_of={"type": "string", "format": "date-time"},
        symbols=_CARDS,
        totals={"type": "object", "additionalProperties": NUMBER},
        loads_24h=schemas.rows(status.LOADS),
        events_24h={"type": "object", "additionalProperties": NUMBER},
        gaps=schemas.rows(GAPS),
        queues=schemas.rows(status.QUEUES),
        hosts=schemas.rows(HOST),
    ),
)
def dashboard_metrics(
    reader: ReaderOfMarts,
    sparklines: Annotated[bool, Query(description="With the closes of the last 24 hours.")] = True,
    etag: Etag = None,
) -> Response:
    """Return a card per tracked symbol (price, 24 h change, high, low, volume, freshness) and the state of the whole."""
    return document(metrics(reader, sparklines=sparklines), etag, _lasting)


def _lasting(told: dict[str, Any]) -> dict[str, Any]:
    # When it was asked, and how long ago `final_until` was: with these two no answer would ever be the one before.
    return {**told, "as_of": None, "symbols": [{**card, "lag_seconds": None} for card in told["symbols"]]}


def metrics(reader: ReaderOfMarts, *, sparklines: bool) -> dict[str, Any]:
    """Return the document."""
    now, exchange = utc_now(), settings().exchange
    cards = dashboard.cards(reader, exchange, now)
    if sparklines:
        closes = dashboard.sparklines(reader, exchange, [card["symbol"] for card in cards], now)
        for card in cards:
            card["sparkline"] = closes[card["symbol"]]
    loads = status.loads(reader, now - A_DAY)
    return {
        "as_of": now,
        "symbols": cards,
        "totals": {
            "symbols": len(cards),
            "stale_symbols": sum(card["is_stale"] for card in cards),
            "trades_24h": sum(int(card["trade_count"] or 0) for card in cards),
            "rows_loaded_24h": sum(int(lane["rows_staged"]) for lane in loads),
            "rows_rejected_24h": sum(int(lane["rows_rejected"]) for lane in loads),
        },
        "loads_24h": loads,
        "events_24h": status.events_since(reader, now - A_DAY),
        "gaps": dashboard.gaps(reader, exchange),
        "queues": status.queues(reader),
        "hosts": [{name: host[name] for name in HOST} for host in weights.hosts(reader, now)],
    }
