"""The API's page: its document in a viewer, where everything can be tried out with the browser's login."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from candlewick_ui.pages.frame import PageUser, page, page_router

router = page_router()


@router.get("/api/docs")
def api_docs_page(request: Request, user: PageUser) -> Response:
    """Answer with the page; the viewer is of a Python package, nothing comes from elsewhere."""
    return page(request, user, "api_docs.html")
