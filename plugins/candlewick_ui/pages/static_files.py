"""Style sheets and scripts, behind the login as everything else; a page that says what one may not see has them too."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from candlewick_ui.identity import page_login
from candlewick_ui.problems import Problem
from candlewick_ui.static import asset

YEAR_SECONDS = 31_536_000

router = APIRouter(dependencies=[Depends(page_login)], include_in_schema=False)


@router.get("/static/{version}/{name}")
def static_file(request: Request, version: str, name: str) -> Response:
    """Answer with a file; its address never means another one, so it may be kept for ever, by this browser."""
    found = asset(version, name)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"expected a file of this version, got {name[:100]!r}; reload the page")
    headers = {"Cache-Control": f"private, max-age={YEAR_SECONDS}, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.compressed, media_type=found.media_type, headers=headers | {"Content-Encoding": "gzip"})
    return Response(found.plain, media_type=found.media_type, headers=headers)
