"""Debian's Chromium, steered by Playwright."""

from __future__ import annotations

import shutil
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

# As root in a container it has no sandbox of its own, and /dev/shm is small there.
ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage")


class NoChromium(Exception):
    """It is not installed."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser. While it is there no other event loop runs in its thread.

    Raises:
        NoChromium: there is none on PATH.
    """
    path = shutil.which("chromium")
    if path is None:
        raise NoChromium("expected Debian's chromium, got none; install it (`apt-get install chromium`)")
    with (
        sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=path, args=ARGUMENTS)) as browser,
    ):
        yield browser
