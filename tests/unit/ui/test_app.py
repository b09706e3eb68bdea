"""The app as it is put together: no route can forget the login."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from candlewick_ui import database
from candlewick_ui.app import make_app
from candlewick_ui.identity import may_read, page_login, page_reader

LOGIN_ALONE = ["/static/{version}/{name}"]


def calls(dependant):
    """Every dependency of a route, however deep."""
    for one in dependant.dependencies:
        yield one.call
        yield from calls(one)


def test_every_route_asks_for_a_login_and_the_right_to_read():
    walls = [(route.path, route.methods, set(calls(route.dependant))) for route in make_app().routes]
    unwalled = [(path, methods) for path, methods, wall in walls if not wall & {may_read, page_reader}]
    style = next(wall for path, _, wall in walls if path in LOGIN_ALONE)

    assert len(walls) > 30
    assert [path for path, _ in unwalled] == LOGIN_ALONE
    assert page_login in style


def test_nothing_is_mounted_as_what_is_mounted_has_no_dependencies():
    assert [route.path for route in make_app().routes if not hasattr(route, "dependant")] == []


@pytest.fixture(scope="module")
def operations():
    """Every operation of the API's own description, as (method and path, what it may answer)."""
    return {name: one["responses"] for name, one in described().items()}


def described():
    paths = make_app().openapi()["paths"]
    return {f"{method} {path}": one for path, of_path in paths.items() for method, one in of_path.items()}


def test_every_refusal_there_can_be_is_described(operations):
    usual = {"401", "403", "404", "406", "422", "429", "500", "503"}
    assert [name for name, answers in operations.items() if not usual <= answers.keys()] == []
    changes = {name: answers for name, answers in operations.items() if not name.startswith("get ")}
    assert len(changes) >= 7
    assert [name for name, answers in changes.items() if not {"409", "413", "415"} <= answers.keys()] == []


def test_every_error_is_described_as_a_problem_but_where_a_monitor_wants_the_whole_answer(operations):
    others = {
        (name, status)
        for name, answers in operations.items()
        for status, told in answers.items()
        if status >= "400"
        and list(told["content"]) != ["application/problem+json"]
        and (status != "404" or "{" not in name)
    }
    assert others == {("get /api/v1/health/ready", "503"), ("get /api/v1/health/freshness", "503")}
    stale = operations["get /api/v1/health/freshness"]["503"]["content"]
    assert list(stale) == ["application/json", "application/problem+json"]


def test_a_format_is_offered_where_there_is_more_than_one():
    for name, one in described().items():
        offered = {parameter["name"] for parameter in one.get("parameters", ())}
        formats = one["responses"].get("200", {}).get("content", {})
        assert ("format" in offered) == ("text/csv" in formats), name


@pytest.fixture(scope="module")
def client():
    """The app without a login, and without a warehouse: what is refused is refused before either is asked."""

    class Empty:
        """Stands where the reader of the warehouse does."""

        def rows(self, _statement, **_values):
            return []

        def one(self, _statement, **_values):
            return None

    app = make_app()
    app.dependency_overrides[may_read] = lambda: None
    app.dependency_overrides[database._shared] = Empty
    return TestClient(app)


@pytest.mark.parametrize(
    ("path", "among", "got"),
    [
        ("candles/BTCUSDT?start=2024-01-01", "cursor, format, from, interval, limit, to", "'start'"),
        ("gaps?symbols=BTCUSDT", "symbol, to", "'symbols'"),
        ("health/live?verbose=1", "none", "'verbose'"),
    ],
)
def test_a_parameter_nobody_knows_is_not_taken_for_one_not_given(client, path, among, got):
    answer = client.get(f"/api/v1/{path}")

    assert answer.status_code == 422
    assert f"{among}, got {got}" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    ["gaps?status=open&from=2024-01-01&cursor=WzFd&limit=5&format=json", "statistics?limit=1", "analytics/providers"],
)
def test_a_parameter_that_is_known_is_heard(client, path):
    assert client.get(f"/api/v1/{path}").status_code == 200


def test_what_a_provider_does_not_know_it_says_itself(client):
    answer = client.get("/api/v1/analytics/data/rsi/BTCUSDT?perid=21")

    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "query.perid")


def test_no_more_days_of_storage_are_told_at_once_than_a_quarter_has(client):
    span = "from=2026-01-01&to=2026-04-0"
    assert client.get(f"/api/v1/storage?{span}2").status_code == 200
    refused = client.get(f"/api/v1/storage?{span}3")
    assert (refused.status_code, "at most 92 days" in refused.json()["detail"]) == (422, True)


def test_a_path_with_a_line_break_is_none_of_ours_and_the_description_says_so(operations):
    airflow = FastAPI()
    airflow.mount("/candlewick", make_app())
    answer = TestClient(airflow).get("/candlewick/api/v1/candles/BTC%0AUSDT")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    of_paths = {name: list(answers["404"]["content"]) for name, answers in operations.items() if "{" in name}
    assert len(of_paths) > 20
    assert {tuple(kinds) for kinds in of_paths.values()} == {("application/problem+json", "application/json")}


@pytest.mark.parametrize("symbol", ["BTC%0A", "BTC USDT", "BTC%5CUSDT"])
def test_a_symbol_is_one_word(client, symbol):
    assert client.get(f"/api/v1/candles/{symbol}").status_code == 422
