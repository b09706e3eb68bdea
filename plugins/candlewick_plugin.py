"""Candlewick in Airflow's web UI: one app below /candlewick and its pages among the navigation's entries.

Every component of Airflow loads this file, the scheduler and each worker too; the app is made only when the api-server
asks for it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

from candlewick_ui.navigation import PAGES

PREFIX = "/candlewick"
CATEGORY = "Candlewick"


def address(page: str) -> str:
    """Return where a page is, below the path Airflow is served under."""
    return f"{urlsplit(conf.get('api', 'base_url', fallback='')).path.rstrip('/')}{PREFIX}/{page}"


class CandlewickPlugin(AirflowPlugin):
    """What Airflow is told of."""

    name = "candlewick"
    external_views = [  # noqa: RUF012 -- Airflow's way to declare them
        {
            "name": name,
            "href": address(page),
            "destination": "nav",
            "category": CATEGORY,
            "url_route": f"candlewick-{page.strip('/').replace('/', '-')}",
        }
        for page, name in PAGES
    ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The app, made when it is asked for first."""
        from candlewick_ui.app import make_app

        return [{"app": make_app(), "url_prefix": PREFIX, "name": "Candlewick"}]
