"""The parts of *Data*: their tabs, the page they share, and what is said while a table is not built yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute

from candlewick_ui.database import NotBuilt
from candlewick_ui.identity import page_reader
from candlewick_ui.pages.frame import Entry, PageRoute, base, page
from candlewick_ui.pages.tables import query

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from fastapi import Request
    from fastapi.responses import Response

    from candlewick_ui.pages.tables import Field, Table
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


class _UntilBuilt(APIRoute):
    """Answers with a page that says who builds the table that is not there: on a new platform that is no error."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except NotBuilt:
                here = request.url.path.removeprefix(base(request)).lstrip("/")
                return page(request, None, "data_not_built.html", sections=SECTIONS, section=here)

        return answered


class DataRoute(PageRoute, _UntilBuilt):
    """A page of *Data*: other errors than that are pages as everywhere."""


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
    fields: Sequence[Field] = (),
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
        fields: of the filter.
        found: the page of the list that is leafed through, None when there is none.
        cursor: of that page; None for the newest.
    """
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
