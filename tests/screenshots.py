"""Pictures of the real pages for the README: `make screenshots`, while the demo runs."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from playwright.sync_api import Error

from candlewick.local.airflow import ADMIN
from candlewick.settings import settings
from support.browsers import NoChromium, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDE, NARROW, HEIGHT = 1280, 390, 900
SLOWEST_MILLISECONDS = 30_000


class NoPicture(Exception):
    """A page does not show what it should; the message says what it shows."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as somebody sees it, and the selector that is there once it has all it shows."""

    page: str
    ready: str
    theme: str = "light"
    width: int = WIDE

    @property
    def name(self) -> str:
        kind = "-narrow" if self.width == NARROW else "-dark" if self.theme == "dark" else ""
        return f"{self.page.strip('/').replace('/', '-')}{kind}.png"


CARDS = "#market .card"
CHARTS = "[data-figure=price][aria-busy=false]"
PICTURES = (
    Picture("market", CARDS),
    Picture("market", CARDS, theme="dark"),
    Picture("market", CARDS, width=NARROW),
    Picture("analytics", CHARTS),
    Picture("analytics", CHARTS, theme="dark"),
    Picture("analytics", CHARTS, width=NARROW),
    Picture("data", "main table"),
    Picture("operations", "#jobs table"),
    Picture("settings", "#tracked table"),
    Picture("lineage", "main svg"),
    Picture("api/docs", ".swagger-ui .info .title"),
)


def take(browser: Browser, url: str, token: str, folder: Path) -> Iterator[Path]:
    """Take every picture, yield the file of each.

    Args:
        browser: a real one.
        url: of Airflow.
        token: of somebody who may see everything.
        folder: where the files go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        context = browser.new_context(viewport={"width": picture.width, "height": HEIGHT}, locale="en-US")
        context.add_init_script(f"localStorage.setItem('theme', '{picture.theme}')")
        context.add_cookies([{"name": "_token", "value": token, "url": url}])
        page = context.new_page()
        yield _taken(page, f"{url}/candlewick/{picture.page}", picture, folder / picture.name)
        context.close()


def _taken(page: Page, address: str, picture: Picture, file: Path) -> Path:
    answer = page.goto(address)
    if answer is None or not answer.ok:
        raise NoPicture(f"{address} answers {answer.status if answer else 'nothing'}")
    page.wait_for_selector(picture.ready, timeout=SLOWEST_MILLISECONDS)
    if trouble := page.locator(".trouble:visible").all_inner_texts():
        raise NoPicture(f"{address} says: {trouble[0]}")
    page.screenshot(path=file, animations="disabled")
    return file


def main() -> int:
    """Take the pictures of the platform that runs here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default=f"http://127.0.0.1:{settings().airflow_port}", help="address of Airflow")
    parser.add_argument("--to", type=Path, default=IMAGES, help="folder of the files")
    asked = parser.parse_args()
    users = settings().home / "secrets" / "airflow_users.json"
    if not users.is_file():
        return _failed(f"expected the logins of a running platform in {users}, got none; `make demo` first")
    login = {"username": ADMIN, "password": json.loads(users.read_text())[ADMIN]}
    try:
        answer = httpx.post(f"{asked.url}/auth/token", json=login, timeout=30, trust_env=False).raise_for_status()
        with chromium() as browser:
            for file in take(browser, asked.url, answer.json()["access_token"], asked.to):
                print(file)  # noqa: T201 -- a command
    except NoChromium as error:
        return _failed(str(error))
    except (httpx.HTTPError, Error, NoPicture) as error:
        return _failed(f"expected the pages of {asked.url}, got: {error}; does `make status` say that all is well?")
    return 0


def _failed(sentence: str) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201 -- a command
    return 1


if __name__ == "__main__":
    sys.exit(main())
