"""Who was let pass a moment ago: a program asks many times a second, and to know its token each time costs Airflow a query."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

SECONDS = 1.0


class Recent:
    """Users by token, each for a second after Airflow knew the token and found the right.

    So long may read who logs out, or whose right is taken, at most; a change is never let pass from here. Tokens of browsers
    are not in it: Airflow looks at each cookie by itself, before it asks us.

    Args:
        seconds: for so long.
        now: a clock that never goes back, in seconds.
    """

    def __init__(self, seconds: float = SECONDS, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._now = seconds, now
        self._passed: dict[bytes, tuple[float, BaseUser]] = {}  # by what a token is known by, and not by itself

    def user(self, token: str) -> BaseUser | None:
        """Return who had this token a moment ago."""
        until, user = self._passed.get(_mark(token), (0.0, None))
        return user if self._now() < until else None

    def keep(self, token: str, user: BaseUser) -> None:
        """Remember who was let pass just now, and forget those whose second is over."""
        now = self._now()
        self._passed = {mark: (until, one) for mark, (until, one) in self._passed.items() if now < until}
        self._passed[_mark(token)] = (now + self._seconds, user)


def _mark(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
