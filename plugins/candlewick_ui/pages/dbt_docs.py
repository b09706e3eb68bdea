"""The dbt docs site: our page around it, and its files, behind the login.

The site is one HTML file with its program inside. A policy that forbids inline scripts would stop it, one that allows
them would allow any; so its own scripts are allowed by their hashes, which are computed when it is published anew.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import FileResponse, Response

from candlewick.pipeline.dbt_docs import SITE
from candlewick.settings import settings
from candlewick_ui.pages.frame import PageUser, page, page_router
from candlewick_ui.problems import Problem

if TYPE_CHECKING:
    import os

MEDIA_TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json"}
_SCRIPT = re.compile(rb"<script>(.*?)</script", re.DOTALL)

router = page_router()


def site() -> Path:
    """Return where market_hourly publishes the site."""
    return settings().home / "dbt" / "docs"


@router.get("/dbt/")
def dbt_docs(request: Request, user: PageUser) -> Response:
    """Answer with the page around the site, or with how to have it built."""
    index = site() / "index.html"
    built_at = None
    if index.is_file():
        built_at = datetime.fromtimestamp(index.stat().st_mtime, UTC).replace(tzinfo=None, microsecond=0)
    return page(request, user, "dbt_docs.html", built_at=built_at)


@router.get("/dbt/site/{name}")
def dbt_docs_file(request: Request, name: str) -> Response:
    """Answer with a file of the site.

    Raises:
        Problem: the site has no such file, or was not built yet.
    """
    if name.startswith("{{"):  # its pictures' addresses, which browsers ask for before its program has filled them in
        return Response(status_code=HTTPStatus.NO_CONTENT)
    if name not in SITE:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            f"expected one of {', '.join(SITE)}, got {name[:100]!r}; open {request.scope['root_path']}/dbt/",
        )
    path = site() / name
    try:
        stamp = path.stat()
    except FileNotFoundError:
        raise Problem(HTTPStatus.NOT_FOUND, "the dbt docs are not built yet; market_hourly builds them") from None
    headers = {"Cache-Control": "private, no-cache", "ETag": _etag(stamp)}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if path.suffix == ".html":
        headers["Content-Security-Policy"] = policy(path.resolve(), stamp.st_mtime_ns)
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], headers=headers)


def _etag(stamp: os.stat_result) -> str:
    return f'"{stamp.st_mtime_ns:x}-{stamp.st_size:x}"'


@lru_cache(maxsize=2)
def policy(index: Path, _mtime_ns: int) -> str:
    """Return the Content-Security-Policy under which this edition of the site runs: its own scripts, nothing from elsewhere.

    It compiles its templates while it runs, hence `unsafe-eval`; it writes styles into its elements, hence `unsafe-inline`
    for those.
    """
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
        for script in _SCRIPT.findall(index.read_bytes())
    )
    return (
        f"default-src 'self'; script-src {hashes} 'unsafe-eval'; style-src 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
