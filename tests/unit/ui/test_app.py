"""The app as it is put together: no route can forget the login."""

from __future__ import annotations

import pytest

from candlewick_ui.app import make_app
from candlewick_ui.identity import may_read, page_reader


def calls(dependant):
    """Every dependency of a route, however deep."""
    for one in dependant.dependencies:
        yield one.call
        yield from calls(one)


def test_every_route_asks_for_a_login_and_the_right_to_read():
    routes = make_app().routes
    walls = {route.path: {may_read, page_reader} & set(calls(route.dependant)) for route in routes}

    assert len(walls) > 30
    assert [path for path, wall in walls.items() if not wall] == []


def test_nothing_is_mounted_as_what_is_mounted_has_no_dependencies():
    assert [route.path for route in make_app().routes if not hasattr(route, "dependant")] == []


@pytest.fixture(scope="module")
def operations():
    """Every operation of the API's own description, as (method and path, what it may answer)."""
    paths = make_app().openapi()["paths"]
    return {f"{method} {path}": one["responses"] for path, of_path in paths.items() for method, one in of_path.items()}


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
        if status >= "400" and list(told["content"]) != ["application/problem+json"]
    }
    assert others == {("get /api/v1/health/ready", "503"), ("get /api/v1/health/freshness", "503")}
    stale = operations["get /api/v1/health/freshness"]["503"]["content"]
    assert list(stale) == ["application/json", "application/problem+json"]
