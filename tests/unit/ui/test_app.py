"""The app as it is put together: no route can forget the login."""

from __future__ import annotations

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
