"""The API describes itself: its OpenAPI document, and the files of the viewer its page shows it in."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

import swagger_ui_bundle
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from candlewick_ui.identity import may_read
from candlewick_ui.openapi_3_0 import downgraded
from candlewick_ui.pages.frame import base
from candlewick_ui.problems import Problem
from candlewick_ui.response_headers import with_headers

FILES = ("swagger-ui.css", "swagger-ui-bundle.js")
A_DAY = "private, max-age=86400"

router = APIRouter(dependencies=[Depends(may_read)], include_in_schema=False)
_files = StaticFiles(directory=next(Path(swagger_ui_bundle.__file__).parent.glob("vendor/swagger-ui-*")))


@router.get("/api/openapi.json")
def openapi_document(request: Request) -> JSONResponse:
    """Return the OpenAPI 3.1 document."""
    return JSONResponse(described(request))


@router.get("/api/openapi-3.0.json")
def openapi_3_0_document(request: Request) -> JSONResponse:
    """Return the document in the words of OpenAPI 3.0, which the page's viewer understands."""
    return JSONResponse(downgraded(described(request)))


@router.get("/api/docs/{name}")
async def api_docs_file(name: str, request: Request) -> Response:
    """Return one of the viewer's files, out of its Python package."""
    if name not in FILES:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            f"expected one of {', '.join(FILES)}, got {name[:100]!r}; open {base(request)}/api/docs",
        )
    response = await _files.get_response(name, request.scope)
    response.headers["Cache-Control"] = A_DAY
    return response


def described(request: Request) -> dict[str, Any]:
    """Return the OpenAPI document, with the path this app is served under."""
    return {**with_headers(request.app.openapi()), "servers": [{"url": base(request) or "/"}]}
