"""A place at which a process kills itself as a power cut would: just before or just after the nth time it does a thing."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Failpoint:
    """Counts what a process does, and ends it there; ``nth`` 0 only counts.

    Only the standard library is used here: dbt's virtualenv runs it too.
    """

    what: str = ""
    nth: int = 0
    side: str = "before"
    seen: Counter[str] = field(default_factory=Counter)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def around(self, *names: str) -> Iterator[None]:
        """Do a thing that goes by these names."""
        with self._turn:
            self.seen.update(names)
            here = self.what in names and self.seen[self.what] == self.nth
        if here and self.side == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        yield
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
