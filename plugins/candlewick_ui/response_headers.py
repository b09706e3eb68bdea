"""What stands in the headers of answers, for the API's own description; what puts them there is the same for all routes."""

from __future__ import annotations

from typing import Any

from candlewick_ui.formats import MEDIA_TYPES, Format
from candlewick_ui.paging import NEXT_HEADER
from candlewick_ui.problems import HEADER

Document = dict[str, Any]
METHODS = {"get", "post", "put", "patch", "delete"}
CACHED, WALL, NO_SUCH = "304", "401", "404"
WAIT = ("429", "503")
ALWAYS = {HEADER, "ETag", "WWW-Authenticate"}
HEADERS = {
    HEADER: "Number of the request, also in the log: the caller's own, or one of ours.",
    "ETag": "Of this answer; as `If-None-Match` it asks whether there is another one by now.",
    NEXT_HEADER: "`cursor` of the next page, in every format; the last page has none.",
    "Retry-After": "Seconds after which to come back.",
    "WWW-Authenticate": 'How to log in; with `error="invalid_token"` of a token that is none, has expired or was logged out.',
}


def with_headers(document: Document) -> Document:
    """Return a copy of an OpenAPI document whose answers say which headers they have.

    Where there is one format only, nothing that is said of formats is refused, and no 406 is told of.
    """
    paths = {path: _path(operations) for path, operations in document["paths"].items()}
    components = {
        **document.get("components", {}),
        "headers": {
            name: {"description": told, "required": name in ALWAYS, "schema": {"type": "string"}}
            for name, told in HEADERS.items()
        },
    }
    return {**document, "paths": paths, "components": components}


def _path(operations: Document) -> Document:
    return {name: _operation(told) if name in METHODS else told for name, told in operations.items()}


def _operation(operation: Document) -> Document:
    answers: Document = operation["responses"]
    content = answers.get("200", {}).get("content", {})
    has_formats = MEDIA_TYPES[Format.CSV] in content
    properties = content.get(MEDIA_TYPES[Format.JSON], {}).get("schema", {}).get("properties", {})
    told = {
        status: _answer(status, answer, is_cached=CACHED in answers, is_paged="next" in properties)
        for status, answer in answers.items()
        if has_formats or status != "406"
    }
    return {**operation, "responses": told}


def _answer(status: str, answer: Document, *, is_cached: bool, is_paged: bool) -> Document:
    names = []
    if status != NO_SUCH:  # a path with a line break in it Airflow answers, without a number
        names.append(HEADER)
    if is_cached and status in ("200", CACHED):
        names.append("ETag")
    if is_paged and status == "200":
        names.append(NEXT_HEADER)
    if status in WAIT:
        names.append("Retry-After")
    if status == WALL:
        names.append("WWW-Authenticate")
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {**answer, "headers": headers} if headers else answer
