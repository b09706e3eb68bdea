"""Nobody gets anything without a login of Airflow, and nobody changes anything without the right to."""

from __future__ import annotations

import re

import pytest

from candlewick_ui.navigation import PAGES
from support.ports import wait_until

REDIRECT = 303


@pytest.fixture(scope="module")
def operations(platform_ui):
    """Every (method, path template) of the API's own description."""
    document = platform_ui.get("api/openapi.json").json()
    return [
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    ]


def filled(path, value="BTCUSDT"):
    return "/candlewick" + re.sub(r"\{\w+\}", value, path)


def test_every_route_of_the_api_answers_401_without_a_login(platform_ui, operations):
    nobody = platform_ui.client(None)
    found = {(method, path): nobody.request(method, filled(path)).status_code for method, path in operations}

    assert len(found) > 20
    assert {one: status for one, status in found.items() if status != 401} == {}


def test_a_refused_request_is_a_problem_that_says_how_to_log_in(platform_ui):
    answer = platform_ui.get("api/v1/symbols", user=None)

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "POST /auth/token" in answer.json()["detail"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "path", ["api/openapi.json", "api/openapi-3.0.json", "api/docs/swagger-ui.css", "static/x/base.css"]
)
def test_documents_and_static_files_want_a_login_too(platform_ui, path):
    assert platform_ui.get(path, user=None).status_code in (401, REDIRECT)


@pytest.mark.parametrize("page", [path for path, _ in PAGES])
def test_a_page_leads_to_the_login_and_back(platform_ui, page):
    answer = platform_ui.get(page, user=None)

    assert answer.status_code == REDIRECT
    where = answer.headers["location"]
    assert where.startswith(("/auth/login?next=", f"{platform_ui.url}/auth/login?next="))
    assert f"candlewick%2F{page.replace('/', '%2F')}" in where


def test_a_forged_token_is_refused(platform_ui):
    for forged in (f"{platform_ui.server.token('viewer')[:-6]}AAAAAA", "nonsense", "a.b.c"):
        answer = platform_ui.client(None).get(
            "/candlewick/api/v1/symbols", headers={"Authorization": f"Bearer {forged}"}
        )

        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert "or that Airflow did not give" in answer.json()["detail"]


def test_a_token_that_is_logged_out_changes_nothing_from_then_on_and_reads_nothing_a_second_later(platform_ui):
    mine = {"Authorization": f"Bearer {platform_ui.server.token('admin')}"}
    anybody = platform_ui.client(None)
    assert anybody.get("/candlewick/api/v1/jobs", headers=mine).status_code == 200

    assert anybody.get("/api/v2/auth/logout", headers=mine).status_code < 400

    change = anybody.patch("/candlewick/api/v1/jobs/market_minute", headers=mine, json={"is_paused": True})
    assert change.status_code == 401
    assert "got one that was logged out" in change.json()["detail"]
    wait_until(lambda: anybody.get("/candlewick/api/v1/jobs", headers=mine).status_code == 401, "the refusal", 2)


def test_the_cookie_of_the_browser_logs_in_as_well(platform_ui):
    with platform_ui.server.browser("viewer") as browser:
        assert browser.get("/candlewick/api/v1/symbols").status_code == 200


def test_a_viewer_reads_and_changes_nothing(platform_ui, operations):
    viewer = platform_ui.client("viewer")
    bodies = {
        ("POST", "/api/v1/symbols"): {"symbol": "SOLUSDT"},
        ("PATCH", "/api/v1/jobs/{dag_id}"): {"is_paused": True},
        ("PUT", "/api/v1/jobs/{dag_id}/schedule"): {"cron": None},
        ("POST", "/api/v1/jobs/{dag_id}/runs"): {"conf": {}},
        ("POST", "/api/v1/jobs/{dag_id}/runs/{run_id}/cancel"): None,
        ("POST", "/api/v1/backfills/{run_id}/cancel"): None,
        ("DELETE", "/api/v1/symbols/{symbol}"): None,
    }
    before = platform_ui.server.metadata("SELECT COUNT(*) AS n FROM log WHERE event LIKE 'candlewick%'")

    assert platform_ui.get("api/v1/symbols", user="viewer").status_code == 200
    for (method, path), body in bodies.items():
        named = "BTCUSDT" if "symbol" in path else "market_minute"
        answer = viewer.request(method, filled(path, named), json=body)
        assert answer.status_code == 403, (method, path, answer.text)
        assert "viewer does not have it" in answer.json()["detail"]
    assert bodies.keys() == {one for one in operations if one[0] != "GET"}  # a new change belongs into this list
    assert platform_ui.server.metadata("SELECT COUNT(*) AS n FROM log WHERE event LIKE 'candlewick%'") == before
    assert platform_ui.sql("SELECT active FROM {raw}.tracked_symbols WHERE symbol = 'BTCUSDT'") == [{"active": 1}]
