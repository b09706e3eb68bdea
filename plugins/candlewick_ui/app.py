"""The app: what stands before every route, the routes, and how they describe themselves.

A file of `routers/` with a ``router`` is a part of the API, a file of `pages/` a page; nothing else lists them.
"""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from candlewick_ui import api_docs, guards, heads, identity, pages, parameters, problems, routers, telemetry
from candlewick_ui.same_origin import SAFE_METHODS

API_PREFIX = "/api/v1"
DESCRIPTION = """
Market data of this platform: candles, indicators, order books, and how complete and how fresh they are.

* **Log in** as in Airflow: `POST /auth/token` gives a token for `Authorization: Bearer …`; the browser's login works too.
* **Decimals** are strings, no digit is lost. **Times** are ISO 8601 in UTC.
* **Tables** come as JSON, CSV or Parquet (`?format=` or `Accept`).
* **Errors** are problem details (RFC 9457) with the `request_id` that is in the log.
"""
Responses = dict[int | str, dict[str, Any]]


def _problems(what: dict[int, str]) -> Responses:
    content = {problems.MEDIA_TYPE: {"schema": problems.SCHEMA}}
    return {status: {"description": sentence, "content": content} for status, sentence in what.items()}


REFUSALS = _problems({
    401: "No login.",
    403: "The login lacks the right.",
    404: "What the path names is not known here.",
    406: "None of the formats there are is accepted.",
    422: "The request asks for what cannot be.",
    429: "Too many requests; `Retry-After` says when to come back.",
    500: "Something went wrong that nobody foresaw; the log has it under the `request_id`.",
    503: "The warehouse does not answer, or not in time.",
})  # fmt: skip
REFUSALS_OF_CHANGES = _problems({
    400: "The body cannot be read.",
    409: "It does not fit how things stand now.",
    413: "The body is too large.",
    415: "The body is not said to be JSON.",
})  # fmt: skip


# Airflow's app finds ours by a pattern that no path with a line break fits, and says so itself.
NOT_OURS: dict[str, Any] = {
    "application/json": {
        "schema": {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "string"}}}
    }
}


def _describe_more(route: APIRoute) -> None:
    if not route.methods <= SAFE_METHODS:
        route.responses = {**route.responses, **REFUSALS_OF_CHANGES}
    if route.param_convertors and 404 in route.responses:  # noqa: PLR2004 -- the status itself
        unknown = route.responses[404]
        content = {**unknown["content"], **NOT_OURS}
        told = f"{unknown['description']} A path with a line break in it is none of this API: Airflow answers, in JSON of its own."
        route.responses = {**route.responses, 404: {**unknown, "description": told, "content": content}}


def make_app() -> FastAPI:
    """Return the app, to be mounted by Airflow's api-server."""
    app = FastAPI(
        title="Candlewick", version="1", description=DESCRIPTION, openapi_url=None, docs_url=None, redoc_url=None
    )
    problems.install(app)
    heads.install(app)
    identity.install(app)
    guards.install(app)
    telemetry.install(app)
    before = [Depends(identity.may_read), Depends(parameters.known_only), Depends(parameters.own_name)]
    for router in routers.routers():
        app.include_router(router, prefix=API_PREFIX, dependencies=before, responses=REFUSALS)
    for route in app.routes:
        if isinstance(route, APIRoute):
            _describe_more(route)
    for router in (api_docs.router, *pages.routers()):
        app.include_router(router)
    return app
