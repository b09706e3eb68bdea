"""The plugin as Airflow sees it, and the page of the API."""

from __future__ import annotations

import subprocess
import sys

import pytest

from candlewick_ui.navigation import PAGES
from support.html_page import Page


def test_airflow_loads_the_plugin_without_an_error_and_lists_its_pages(platform_ui):
    plugins = platform_ui.client().get("/api/v2/plugins").json()["plugins"]
    ours = next(plugin for plugin in plugins if plugin["name"] == "candlewick")

    assert [view["name"] for view in ours["external_views"]] == [label for _, label in PAGES]
    assert {view["category"] for view in ours["external_views"]} == {"Candlewick"}
    assert platform_ui.client().get("/api/v2/plugins/importErrors").json()["total_entries"] == 0


@pytest.mark.parametrize("page", [path for path, _ in PAGES])
def test_every_page_of_the_navigation_is_there(platform_ui, page):
    answer = platform_ui.get(page, user="viewer")

    assert answer.status_code == 200, answer.text[-500:]
    assert answer.headers["content-type"].startswith("text/html")


def test_a_component_that_is_no_api_server_does_not_make_the_app(platform_ui):
    program = (
        "import sys; from airflow import plugins_manager as m; m.ensure_plugins_loaded(); "
        "print([p.name for p in m._get_plugins()[0]], m._get_plugins()[1], 'candlewick_ui.app' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=platform_ui.server.environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "candlewick" in done.stdout
    assert done.stdout.strip().splitlines()[-1].endswith("{} False")


def test_the_page_of_the_api_fetches_nothing_from_elsewhere_and_what_it_fetches_is_there(platform_ui):
    page = Page(platform_ui.get("api/docs").text)
    viewer = page.one("api-docs").attributes["data-document"]
    links = [*page.attribute("link", "href"), *page.attribute("script", "src"), viewer]

    assert len(links) == 9
    for link in links:
        assert link.startswith("/candlewick/")
        assert platform_ui.client().get(link).status_code == 200, link


def test_the_document_names_where_the_api_is_and_every_route_has_a_description(platform_ui):
    document = platform_ui.get("api/openapi.json").json()

    assert document["servers"] == [{"url": "/candlewick"}]
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        assert path.startswith("/api/v1/")
        for operation in methods.values():
            assert operation["description"], path
            assert {"401", "403", "429"} <= set(operation["responses"]), path


def test_the_viewer_of_the_page_gets_words_it_knows(platform_ui):
    told = platform_ui.get("api/openapi-3.0.json")

    assert told.json()["openapi"] == "3.0.3"
    assert '"type":"null"' not in told.text
