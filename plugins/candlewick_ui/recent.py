"""Who was let pass a moment ago: a page asks twenty things at once, and to know a token each time costs Airflow a query."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

SECONDS = 1.0
MOST = 1000


class Recent:
    """Users by token, each for a second after Airflow knew the token and found the right.

    So long may read who logs out, or whose right is taken, at most; a change is never let pass from here.

    Args:
        seconds: for so long.
        now: a clock that never goes back, in seconds.
    """

    def __init__(self, seconds: float = SECONDS, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._now = seconds, now
        self._passed: dict[str, tuple[float, BaseUser]] = {}

    def user(self, token: str) -> BaseUser | None:
        """Return who had this token a moment ago."""
        until, user = self._passed.get(token, (0.0, None))
        return user if self._now() < until else None

    def keep(self, token: str, user: BaseUser) -> None:
        """Remember who was let pass just now."""
        if len(self._passed) >= MOST:  # none of them is worth more than a second
            self._passed.clear()
        self._passed[token] = (self._now() + self._seconds, user)
