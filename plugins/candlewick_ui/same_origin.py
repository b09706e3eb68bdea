"""Changes come from our own pages only: a browser sends its login's cookie whoever wrote the form.

A browser says itself where a request was made (`Sec-Fetch-Site`, `Origin`), and no page can change that. A program
that sends its token in `Authorization` has no cookie anybody could borrow.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow.configuration import conf
from starlette.datastructures import Headers

from candlewick_ui.problems import answer

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
BODY_TYPE = "application/json"


def refusal(headers: Headers, allowed_origins: Collection[str] = ()) -> tuple[HTTPStatus, str] | None:
    """Return why a request that changes something is refused; None when it may go on.

    Args:
        headers: of the request.
        allowed_origins: other origins whose pages may ask with a login (`[api] access_control_allow_origins`).
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if has_body(headers) and media_type != BODY_TYPE:
        return (
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"expected a body of {BODY_TYPE}, got {media_type or 'none named'!r}; send JSON",
        )
    if bearer_token(headers) or "cookie" not in headers:
        return None
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin in allowed_origins or site == "same-origin":
        return None
    if site is None and origin is not None and urlsplit(origin).netloc == headers.get("host"):
        return None
    came = f"from {origin}" if origin else "from a page that does not say where it is"
    return (
        HTTPStatus.FORBIDDEN,
        f"expected a change asked for by a page of this site, got one {came}; open the page here, or send a token",
    )


def bearer_token(headers: Headers) -> str | None:
    """Return the token that logs the request in; of any other scheme, as a proxy's `Basic`, Airflow takes the cookie."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return (token.strip() or None) if scheme.lower() == "bearer" else None


def has_body(headers: Headers) -> bool:
    """Whether the request brings a body."""
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


class SameOrigin:
    """The middleware: pure ASGI, so that answers that stream are not held up."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        # A wildcard never goes with cookies: browsers refuse such an answer, and so do we.
        self._allowed = {origin for origin in conf.getlist("api", "access_control_allow_origins") if origin != "*"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what reads, and what changes when it may."""
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            refused = refusal(Headers(scope=scope), self._allowed)
            if refused:
                await answer(*refused)(scope, receive, send)
                return
        await self.app(scope, receive, send)
