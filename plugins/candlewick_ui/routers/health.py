"""Health: whether the process lives, whether it can answer, whether the data is fresh. For monitors, with a login."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from airflow.utils.session import create_session
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from candlewick.settings import settings
from candlewick.warehouse.database import utc_now
from candlewick_ui import problems, schemas
from candlewick_ui.database import DatabaseBusy, DatabaseDown, Reader, ReaderOfMarts
from candlewick_ui.queries import symbols
from candlewick_ui.told import plain

router = APIRouter(tags=["health"])
FINE = "ok"


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """What this process stands on; `ok`, or why not."""

    status: Literal["ok", "not ready"]
    warehouse: str
    airflow: str


@router.get("/health/live")
async def live() -> Alive:
    """Return that the process answers; nothing else is asked."""
    return Alive()


@router.get("/health/ready", response_model=Ready, responses={503: {"model": Ready, "description": "Not ready."}})
def ready(reader: ReaderOfMarts) -> Response:
    """Return whether the warehouse and Airflow's own database answer; 503 when one does not."""
    said = {"warehouse": _warehouse(reader), "airflow": _airflow()}
    is_ready = all(word == FINE for word in said.values())
    answer = Ready(status="ok" if is_ready else "not ready", **said)
    return JSONResponse(answer.model_dump(), HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)


FRESHNESS = schemas.document(
    is_cached=False,  # its `as_of` is of each answer
    status={"type": "string", "enum": ["fresh", "stale"]},
    as_of=schemas.TIME,
    allowed_minutes={"type": "integer"},
    data=schemas.rows(symbols.FRESHNESS),
)
STALE: dict[str, Any] = {
    "description": "A symbol is late, and `fail_when_stale` was asked for; or a problem: the warehouse does not answer.",
    "content": {**FRESHNESS[200]["content"], problems.MEDIA_TYPE: {"schema": problems.SCHEMA}},
}


@router.get("/health/freshness", responses={**FRESHNESS, 503: STALE})
def freshness(
    reader: ReaderOfMarts,
    fail_when_stale: Annotated[bool, Query(description="Answer 503 when a symbol is late, for monitors.")] = False,
) -> Response:
    """Return how old the newest final candle of each tracked symbol is, and whether one is late."""
    now = utc_now()
    rows = symbols.freshness(reader, settings().exchange, now)
    is_stale = any(row["is_stale"] for row in rows)
    content: dict[str, Any] = {
        "status": "stale" if is_stale else "fresh",
        "as_of": now,
        "allowed_minutes": settings().stale_after_minutes,
        "data": [{name: row[name] for name in symbols.FRESHNESS} for row in rows],
    }
    failed = is_stale and fail_when_stale
    return JSONResponse(plain(content), HTTPStatus.SERVICE_UNAVAILABLE if failed else HTTPStatus.OK)


def _warehouse(reader: Reader) -> str:
    try:
        reader.rows("SELECT 1")
    except (DatabaseBusy, DatabaseDown) as error:
        return str(error)
    return FINE


def _airflow() -> str:
    try:
        with create_session() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return f"Airflow's database does not answer ({type(error).__name__}); see the log of the api-server"
    return FINE
