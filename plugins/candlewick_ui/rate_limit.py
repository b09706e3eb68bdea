"""How often one caller may ask: a bucket of tokens each, as large as a minute's worth, filled evenly."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_CALLERS = 10_000


class RateLimit:
    """At most so many requests a minute of one caller, counted in this process.

    Args:
        per_minute: requests; 0: no limit.
        clock: seconds that never go back.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute, self._clock = per_minute, clock
        self._left: dict[str, tuple[float, float]] = {}  # tokens, and when there were so many

    def wait(self, caller: str) -> float:
        """Count a request; return 0 when it may go on, else the seconds after which it may."""
        if not self.per_minute:
            return 0.0
        now, each = self._clock(), 60.0 / self.per_minute
        tokens, at = self._left.pop(caller, (float(self.per_minute), now))  # put back as the newest
        tokens = min(float(self.per_minute), tokens + (now - at) / each)
        wait = max(0.0, (1 - tokens) * each)
        self._left[caller] = (tokens if wait else tokens - 1, now)
        if len(self._left) > MOST_CALLERS:
            self._forget()
        return wait

    def _forget(self) -> None:
        """Drop the half that asked least recently: seldom enough that it costs a request nothing, however many come."""
        self._left = dict(islice(self._left.items(), len(self._left) // 2, None))
