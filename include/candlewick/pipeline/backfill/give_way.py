"""Let fresh candles go first: wait a moment while the live lane has work."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from candlewick.warehouse import present

if TYPE_CHECKING:
    from candlewick.warehouse.database import Warehouse

log = logging.getLogger(__name__)

MOST_SECONDS = 30.0
POLL_SECONDS = 0.5


class GiveWay:
    """Waits before each part, but not twice for work that nobody does (a paused DAG, a load that keeps failing)."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._given_up: set[tuple[str, int]] = set()

    def wait(self) -> float:
        """Wait until the live lane has nothing to do, or for ``MOST_SECONDS``; return the seconds waited."""
        started = time.monotonic()
        while work := self._work():
            if time.monotonic() - started > MOST_SECONDS:
                log.info("the live lane has work that does not get done (%s); going on", sorted(work))
                self._given_up |= work
                break
            time.sleep(POLL_SECONDS)
        return time.monotonic() - started

    def _work(self) -> set[tuple[str, int]]:
        with self._warehouse.session() as session:
            return present.oldest_live_work(session) - self._given_up
