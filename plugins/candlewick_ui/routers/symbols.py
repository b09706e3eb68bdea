"""Tracked symbols: list, add, remove, and what the exchange said of them."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from candlewick.settings import settings
from candlewick_ui import schemas, tracking
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.formats import document, table
from candlewick_ui.identity import ReaderDep
from candlewick_ui.parameters import Etag, PathSymbol, Wanted
from candlewick_ui.problems import Problem
from candlewick_ui.queries import symbols as query

router = APIRouter(tags=["symbols"])


class NewSymbol(BaseModel):
    """What to follow."""

    model_config = ConfigDict(extra="forbid")

    symbol: str = Field(min_length=1, max_length=50, description="As the exchange writes it.", examples=["SOLUSDT"])


class HistoryOffer(BaseModel):
    """A run that would load the history: `POST /jobs/{job}/runs` with this conf."""

    job: str
    conf: dict[str, Any]


class Added(BaseModel):
    """A symbol that is followed from the next cycle on."""

    symbol: str
    history: HistoryOffer


@router.get("/symbols", responses=schemas.table(query.COLUMNS))
def list_symbols(
    wanted: Wanted,
    reader: ReaderOfMarts,
    tracked: Annotated[bool | None, Query(description="Only those that are, or are not, tracked now.")] = None,
) -> Response:
    """Return every symbol that was ever tracked or backfilled."""
    return table(query.symbols(reader, settings().exchange, tracked=tracked), query.COLUMNS, wanted)


@router.post("/symbols", status_code=HTTPStatus.CREATED)
def add_symbol(user: ReaderDep, body: NewSymbol) -> Added:
    """Follow a symbol from the next cycle on, if the exchange trades it now."""
    return Added(**tracking.add(user, body.symbol))


@router.get(
    "/symbols/{symbol}",
    responses=schemas.document(
        **schemas.rows(query.COLUMNS)["items"]["properties"],
        lifecycle=schemas.rows(query.LIFECYCLE),
        history={"type": "object"},
    ),
)
def one_symbol(reader: ReaderOfMarts, symbol: PathSymbol, etag: Etag = None) -> Response:
    """Return one symbol with every state the exchange told of it, and the run that would load its history."""
    rows = query.symbols(reader, settings().exchange, symbol)
    if not rows:
        raise Problem(404, f"expected a symbol that was tracked or backfilled, got {symbol!r}; GET /symbols has them")
    states = query.lifecycle(reader, settings().exchange, symbol)
    content = {**rows[0], "lifecycle": states, "history": tracking.history_offer(symbol, rows[0]["first_open_time"])}
    return document(content, etag)


@router.delete("/symbols/{symbol}", status_code=HTTPStatus.NO_CONTENT)
def remove_symbol(user: ReaderDep, symbol: PathSymbol) -> Response:
    """Stop following a symbol; its data stays."""
    tracking.remove(user, symbol)
    return Response(status_code=HTTPStatus.NO_CONTENT)
