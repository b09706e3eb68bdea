"""Parameters many routes have."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Header, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import AfterValidator, BaseModel

from candlewick.settings import settings
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.formats import Format, Wish, wish
from candlewick_ui.problems import Problem
from candlewick_ui.queries.known import demand_symbol

if TYPE_CHECKING:
    from fastapi.dependencies.models import Dependant

FormatWished = Annotated[Format | None, Query(description="json, csv or parquet; else `Accept` says.")]


async def _wanted(request: Request, format: FormatWished = None) -> Wish:  # noqa: A002 -- the API's name
    """Read the wish; not a plain function, which FastAPI would hand to a thread for each request."""
    return wish(request, format)


Wanted = Annotated[Wish, Depends(_wanted)]
# Of what there is as JSON only: a document has no rows to be put into a table.
Etag = Annotated[
    str | None, Header(alias="If-None-Match", max_length=1000, description="`ETag` of the answer one has.")
]
# What a path names: a path with a line break in it never comes here, Airflow's own app answers that it is not found.
ONE_LINE = r"^[^\r\n/]+$"
# Coins have names in any script; nothing that is not seen, such as NUL or a space without width, is part of one.
SYMBOL = r"^[\w.-]+$"
PathSymbol = Annotated[
    str,
    Path(min_length=1, max_length=50, pattern=SYMBOL, description="Symbol as the exchange writes it."),
    AfterValidator(str.upper),
]
OneSymbol = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=50,
        pattern=SYMBOL,
        description="One symbol as the exchange writes it; all if not given.",
    ),
    AfterValidator(lambda symbol: symbol and symbol.upper()),
]
OneInterval = Annotated[
    str | None,
    Query(pattern=r"^\d{1,2}[smhdwM]$", description="Interval of the candles (1m, 1h, ...); all if not given."),
]


async def own_name(request: Request, reader: ReaderOfMarts) -> None:
    """Refuse a symbol the tables would take for another one: they see no difference between `U` and `Ú`.

    Raises:
        Problem: 404.
    """
    symbol = request.path_params.get("symbol") or request.query_params.get("symbol")
    if symbol and not symbol.isascii():
        await run_in_threadpool(demand_symbol, reader, settings().exchange, symbol.upper())


async def known_only(request: Request) -> None:
    """Refuse a query parameter that the route does not have: one that is misspelt would be taken for one not given.

    Raises:
        Problem: 422.
    """
    route = request.scope["route"]
    known = _names(route.dependant) if route.include_in_schema else None
    unknown = sorted(set(request.query_params) - known) if known is not None else []
    if unknown:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"expected parameters among {', '.join(sorted(known or ())) or 'none'}, got {unknown[0][:100]!r}; correct the request",
        )


def _names(dependant: Dependant) -> set[str] | None:
    """Return the query parameters of a route, those of what it depends on included; None where a model checks them itself."""
    names: set[str] = set()
    for field in dependant.query_params:
        if isinstance(field.field_info.annotation, type) and issubclass(field.field_info.annotation, BaseModel):
            return None
        names.add(field.alias)
    for other in dependant.dependencies:
        inner = _names(other)
        if inner is None:
            return None
        names |= inner
    return names
