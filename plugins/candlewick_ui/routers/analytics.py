"""The analytics providers: what there are, and a route for each, made of its own parameters."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import create_model

from candlewick.settings import settings
from candlewick_ui import schemas
from candlewick_ui.database import ReaderOfMarts
from candlewick_ui.formats import Format, document, table, wish
from candlewick_ui.parameters import PathSymbol
from candlewick_ui.problems import Problem
from candlewick_ui.providers import registry
from candlewick_ui.providers.base import Asked, Provider
from candlewick_ui.queries.known import demand_symbol

router = APIRouter(tags=["analytics"])
NAMED: dict[str, Any] = {name: {"type": "string"} for name in ("provider", "exchange", "symbol")}
ANSWER = schemas.table((), **NAMED, parameters={"type": "object"}, data={"type": "array", "items": {"type": "object"}})
PROVIDERS = schemas.document(providers={"type": "array", "items": {"type": "object"}})


@router.get("/analytics/providers", responses=PROVIDERS)
def providers(request: Request) -> Response:
    """Return what can be asked: each provider with its parameters, their types, defaults and bounds."""
    return document(
        {"providers": [provider.describe() for provider in registry().values()]}, request.headers.get("if-none-match")
    )


def answering(provider: Provider) -> Callable[..., Response]:
    """Return the function of a provider's route.

    Its parameters and the format stand in one model, since what the model does not know is refused.
    """
    form: Any = (Format | None, Query(None, description="json, csv or parquet; else `Accept` says."))
    model: Any = create_model(f"{provider.name}_query", __base__=provider.parameters, format=form)

    def answer(symbol: PathSymbol, request: Request, reader: ReaderOfMarts, asked: Any) -> Response:
        wanted = wish(request, asked.format)
        given = asked.model_dump(exclude={"format"})
        exchange = settings().exchange
        made = provider.answer(Asked(reader, exchange, symbol, wanted.reading), provider.parameters(**given))
        if not made.rows:
            demand_symbol(reader, exchange, symbol)
        told = {"provider": provider.name, "exchange": exchange, "symbol": symbol, "parameters": given}
        return table(made.rows, made.columns, wanted, made.numbers, **told, **made.more)

    answer.__annotations__["asked"] = Annotated[model, Query()]
    answer.__doc__ = provider.description
    return answer


for _provider in registry().values():
    router.add_api_route(
        f"/analytics/data/{_provider.name}/{{symbol}}",
        answering(_provider),
        methods=["GET"],
        name=f"analytics {_provider.name}",
        responses=ANSWER,
    )


@router.get("/analytics/data/{provider}/{symbol}", include_in_schema=False)
def unknown_provider(provider: Annotated[str, Path(max_length=100)], symbol: PathSymbol) -> Response:
    """Say which providers there are."""
    raise Problem(
        HTTPStatus.NOT_FOUND,
        f"expected a provider among {', '.join(registry())}, got {provider!r}; analytics/providers describes them",
        symbol=symbol,
    )
