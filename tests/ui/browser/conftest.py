"""A real browser, logged in as somebody, in front of the running platform; an error in its console fails the test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from support.browsers import chromium as open_chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

WIDE, NARROW = 1280, 390
HEIGHT = 900
PATIENCE, EVERY_MILLISECONDS = 200, 100


@dataclass
class Visit:
    """An open page, and what went wrong in it."""

    page: Page
    troubles: list[str] = field(default_factory=list)
    forgiven: tuple[str, ...] = ()

    def watch(self) -> None:
        """Note errors of the console, of scripts, and of requests."""
        self.page.on("console", lambda said: said.type == "error" and self.troubles.append(said.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("response", lambda one: one.status >= 400 and self.troubles.append(f"{one.status} {one.url}"))

    @property
    def unforgiven(self) -> list[str]:
        """What nobody expected."""
        return [one for one in self.troubles if not any(word in one for word in self.forgiven)]

    def until(self, expression: str) -> None:
        """Wait until an expression is true. Playwright's own way compiles text in the page, which its policy forbids."""
        for _ in range(PATIENCE):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(EVERY_MILLISECONDS)
        raise AssertionError(f"expected this to become true: {expression}")

    def is_wider_than_its_window(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))

    def colour(self, of: str = "body") -> str:
        """Return the colour behind an element."""
        return str(self.page.eval_on_selector(of, "one => getComputedStyle(one).backgroundColor"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Not of the session: while it is there, tests beside it can run no loop of their own."""
    with open_chromium() as browser:
        yield browser


@pytest.fixture
def visit(chromium, platform_ui) -> Iterator[Callable[..., Visit]]:
    """Open a path below ``/candlewick``; the theme is Airflow's own choice, the clock on the wall that of New York."""
    visits = []

    def opened(
        path: str, *, user: str | None = "admin", theme: str = "light", width: int = WIDE, forgiven: tuple[str, ...] = (),
        prepare: Callable[[Page], Any] | None = None, touch: bool = False,
    ) -> Visit:  # fmt: skip
        context = chromium.new_context(
            viewport={"width": width, "height": HEIGHT}, timezone_id="America/New_York", locale="en-US",
            has_touch=touch, is_mobile=touch,
        )  # fmt: skip
        context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
        if user:
            context.add_cookies([{"name": "_token", "value": platform_ui.server.token(user), "url": platform_ui.url}])
        visit = Visit(context.new_page(), forgiven=forgiven)
        visit.watch()
        visits.append(visit)
        if prepare:
            prepare(visit.page)
        visit.page.goto(f"{platform_ui.url}/candlewick/{path}")
        return visit

    yield opened
    unforgiven = [trouble for one in visits for trouble in one.unforgiven]
    for one in visits:
        one.page.context.close()
    assert not unforgiven
