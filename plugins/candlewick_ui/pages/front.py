"""The app's own address: who types it means the first page."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from candlewick_ui.navigation import PAGES
from candlewick_ui.pages.frame import base, page_router

router = page_router()


@router.get("/")
def front(request: Request) -> Response:
    """Lead to the first page."""
    return RedirectResponse(f"{base(request)}/{PAGES[0][0]}", HTTPStatus.SEE_OTHER)
