"""The parts of *Data*: their tabs, the page they share, and what is said while a table is not built yet."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from candlewick_ui.database import DatabaseBusy, DatabaseDown, NotBuilt
from candlewick_ui.identity import page_reader
from candlewick_ui.pages.data_filters import filled, refused
from candlewick_ui.pages.frame import Entry, PageRoute, base, page, told
from candlewick_ui.pages.tables import query
from candlewick_ui.problems import Problem, request_id

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from fastapi import Request
    from fastapi.responses import Response

    from candlewick_ui.pages.tables import Table
    from candlewick_ui.paging import Page

SECTIONS = (
    Entry("data", "Coverage"),
    Entry("data/gaps", "Gaps"),
    Entry("data/revisions", "Revisions"),
    Entry("data/reconciliation", "Reconciliation"),
    Entry("data/quality", "Quality"),
    Entry("data/ingestion", "Ingestion"),
    Entry("data/deduplication", "Deduplication"),
    Entry("data/weight", "Weight budget"),
    Entry("data/storage", "Storage"),
    Entry("data/pipeline", "Pipeline"),
)


class _InItsPlace(APIRoute):
    """Says what is wrong below the tabs, with the form as it was filled in.

    A table that is not built yet is no error on a new platform: the page says who builds it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            here = request.url.path.removeprefix(base(request)).lstrip("/")
            try:
                return await handler(request)
            except NotBuilt:
                return page(request, None, "data_not_built.html", sections=SECTIONS, section=here)
            except RequestValidationError as error:
                return _refused_page(request, here, error, refused(here, error.errors()))
            except (DatabaseBusy, DatabaseDown) as error:
                return _refused_page(request, here, error)
            except Problem as error:
                if error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                    raise
                return _refused_page(request, here, error)

        return answered


def _refused_page(request: Request, section: str, error: Exception, wrong: Mapping[str, str] | None = None) -> Response:
    status, sentence, headers = told(error)
    given = request.query_params
    answer = page(
        request,
        None,
        "data_refused.html",
        status=status,
        sections=SECTIONS,
        section=section,
        sentences=list(wrong.values()) if wrong else [sentence],
        fields=filled(section, given, wrong or ()),
        newest=query({**given, "cursor": None}) if "cursor" in given else None,
        error=f"{status:d}",
        request_id=request_id(),
    )
    answer.headers.update(headers)
    return answer


class DataRoute(PageRoute, _InItsPlace):
    """A page of *Data*: other errors than those are pages as everywhere."""


def data_router() -> APIRouter:
    """Return a router for pages of *Data*."""
    return APIRouter(route_class=DataRoute, dependencies=[Depends(page_reader)], include_in_schema=False)


def data_page(
    request: Request,
    user: BaseUser,
    section: str,
    *,
    intro: str,
    tables: Sequence[Table],
    values: Mapping[str, Any] | None = None,
    found: Page | None = None,
    cursor: str | None = None,
) -> Response:
    """Answer with a part of *Data*.

    Args:
        request: it answers.
        user: who is logged in.
        section: path of the part.
        intro: what it shows, in a sentence.
        tables: in their order.
        values: of the fields of its filter, by their names.
        found: the page of the list that is leafed through, None when there is none.
        cursor: of that page; None for the newest.
    """
    fields = filled(section, values or {})
    wanted = {field.name: field.text for field in fields}
    return page(
        request,
        user,
        "data.html",
        sections=SECTIONS,
        section=section,
        intro=intro,
        tables=tables,
        fields=fields,
        newest=query(wanted) if cursor else None,
        older=query(wanted, cursor=found.next) if found and found.next else None,
    )
