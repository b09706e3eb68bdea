"""The description says of each answer which headers it has, and tells of no answer there is not."""

from __future__ import annotations

import pytest

from candlewick_ui.app import make_app
from candlewick_ui.openapi_3_0 import downgraded
from candlewick_ui.response_headers import with_headers


@pytest.fixture(scope="module")
def document():
    return with_headers(make_app().openapi())


def headers(document, path, status, method="get"):
    return set(document["paths"][f"/api/v1/{path}"][method]["responses"][status].get("headers", ()))


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("candles/{symbol}", "200", {"X-Request-ID", "ETag", "X-Next-Cursor"}),
        ("candles/{symbol}", "304", {"X-Request-ID", "ETag"}),
        ("symbols", "200", {"X-Request-ID", "ETag"}),
        ("symbols", "401", {"X-Request-ID", "WWW-Authenticate"}),
        ("symbols", "429", {"X-Request-ID", "Retry-After"}),
        ("symbols", "503", {"X-Request-ID", "Retry-After"}),
        ("orderbook/{symbol}/metrics", "200", {"X-Request-ID", "ETag", "X-Next-Cursor"}),
        ("health/freshness", "200", {"X-Request-ID"}),
        ("jobs", "200", {"X-Request-ID"}),
    ],
)
def test_an_answer_says_which_headers_it_has(document, path, status, told):
    assert headers(document, path, status) == told


def test_every_header_that_is_named_is_described_in_the_words_of_both_versions(document):
    for one in (document, downgraded(document)):
        described = one["components"]["headers"]
        named = {
            name
            for operations in one["paths"].values()
            for operation in operations.values()
            for answer in operation["responses"].values()
            for name in answer.get("headers", ())
        }
        assert named == described.keys()
        assert all(header["description"] and header["schema"] == {"type": "string"} for header in described.values())


def test_what_has_no_etag_is_never_said_to_be_there_already(document):
    silent = {
        path
        for path, operations in document["paths"].items()
        if "get" in operations and "304" not in operations["get"]["responses"]
    }
    assert silent == {
        "/api/v1/health/live", "/api/v1/health/ready", "/api/v1/health/freshness", "/api/v1/jobs", "/api/v1/jobs/{dag_id}",
        "/api/v1/jobs/{dag_id}/runs", "/api/v1/metrics", "/api/v1/stream",
    }  # fmt: skip


def test_where_there_is_one_format_only_none_is_refused(document):
    for path, operations in document["paths"].items():
        for operation in operations.values():
            formats = operation["responses"].get("200", {}).get("content", {})
            assert ("406" in operation["responses"]) == ("text/csv" in formats), path
