"""A person with a real browser before a running platform: logs in, and goes from page to page by Airflow's navigation."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from support.browsers import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

SLOW_MILLISECONDS = 60_000
OF_THE_LOGIN = "/ui/config"  # Airflow's own page asks for it before anybody is logged in


class Person:
    """Somebody who is logged in, and what the browser's console complained of."""

    def __init__(self, page: Page) -> None:
        self.page, self.complaints = page, []  # type: ignore[var-annotated]
        page.on("console", lambda line: line.type == "error" and self._note(line.location["url"], line.text))
        page.on("pageerror", lambda error: self._note("", str(error)))

    def log_in(self, url: str, user: str, password: str) -> None:
        self.page.goto(url)
        self.page.get_by_label("Username").fill(user)
        self.page.locator("input[type=password]").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def go_to(self, name: str) -> str:
        """Choose a page under Plugins, Candlewick; return the heading of what Airflow shows then."""
        self.page.get_by_role("button", name="Plugins").click()
        self.page.get_by_role("menuitem", name="Candlewick").click()
        self.page.get_by_role("menuitem", name=name, exact=True).click()
        heading = self.page.frame_locator("iframe").locator("h1").first
        expect(heading).to_have_text(name, timeout=SLOW_MILLISECONDS)
        return str(heading.inner_text())

    def _note(self, address: str, sentence: str) -> None:
        if not address.endswith(OF_THE_LOGIN):
            self.complaints.append((address, sentence))


@contextmanager
def person() -> Iterator[Person]:
    """Open a browser."""
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(SLOW_MILLISECONDS)
        yield Person(page)
