"""What all pages share: the login wall, the template around them, and errors a person can read.

A page is a file beside this one::

    router = page_router()

    @router.get("/market")
    def market(request: Request, user: PageUser, reader: ReaderOfMarts) -> Response:
        return page(request, user, "market.html", rows=...)
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

from candlewick_ui.database import DatabaseBusy, DatabaseDown
from candlewick_ui.identity import LoginNeeded, page_reader
from candlewick_ui.navigation import PAGES
from candlewick_ui.pages import text
from candlewick_ui.problems import Problem, request_id
from candlewick_ui.static import address

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).parent / "templates"
PageUser = Annotated[BaseUser, Depends(page_reader)]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the navigation: where below the app's address, and what it says."""

    path: str
    label: str


NAVIGATION = tuple(Entry(path, label) for path, label in PAGES)


class PageRoute(APIRoute):
    """A route whose errors are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except LoginNeeded:
                raise  # the app leads to the login
            except Exception as error:  # noqa: BLE001 -- the last place that can still answer with a page
                return error_page(request, error)

        return answered


def page_router() -> APIRouter:
    """Return a router for pages: behind the login, not part of the API's document."""
    return APIRouter(route_class=PageRoute, dependencies=[Depends(page_reader)], include_in_schema=False)


def page(request: Request, user: BaseUser | None, template: str, *, status: int = 200, **values: Any) -> Response:
    """Answer with a page.

    Args:
        request: it answers.
        user: who is logged in; None on pages about errors, where it is whoever was let in before.
        template: file of `templates/`, which extends `base.html`.
        status: of the answer.
        values: what the template is filled with.
    """
    known = user or getattr(request.state, "user", None)
    body = (
        _environment()
        .get_template(template)
        .render(
            base=base(request),
            airflow=base(request).rpartition("/")[0],
            static=lambda name: address(base(request), name),
            navigation=NAVIGATION,
            here=request.url.path.removeprefix(base(request)).lstrip("/"),
            user_name=known.get_name() if known else None,
            **values,
        )
    )
    return HTMLResponse(body, status, headers={"Cache-Control": "private, no-cache"})


def base(request: Request) -> str:
    """Return where the app is mounted, without a slash at its end: `/candlewick`."""
    return str(request.scope.get("root_path", "")).rstrip("/")


def error_page(request: Request, error: Exception) -> Response:
    """Answer with a page that says what went wrong, and what to do."""
    status, detail, headers = told(error)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("unexpected error", exc_info=error)
    answer = page(
        request, None, "error.html", status=status, problem=HTTPStatus(status), detail=detail, request_id=request_id()
    )
    answer.headers.update(headers)
    return answer


def told(error: Exception) -> tuple[int, str, dict[str, str]]:
    """Return status, sentence and headers of an error."""
    match error:
        case Problem():
            return error.status, error.detail, dict(error.headers or {})
        case HTTPException():
            return error.status_code, str(error.detail), dict(error.headers or {})
        case RequestValidationError():
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"][1:])) or "the request"
            sentence = f"{where}: {first['msg'].lower()}, got {first.get('input')!r}; correct the address of this page"
            return HTTPStatus.UNPROCESSABLE_ENTITY, sentence, {}
        case DatabaseBusy():
            return HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "2"}
        case DatabaseDown():
            return HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "10"}
    unforeseen = "something here went wrong that nobody foresaw; the log of the api-server has it under this number"
    return HTTPStatus.INTERNAL_SERVER_ERROR, unforeseen, {}


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(text.FILTERS)
    return environment
