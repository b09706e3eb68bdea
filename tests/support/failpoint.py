"""A place at which something dies as in a power cut: just before or just after the nth time a process does a thing."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Failpoint:
    """Counts what a process does, and ends it there, or the server whose pid is given; ``nth`` 0 only counts.

    Only the standard library is used here: dbt's virtualenv runs it too.
    """

    what: str = ""
    nth: int = 0
    side: str = "before"
    pid: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def around(self, *names: str) -> Iterator[None]:
        """Do a thing that goes by these names."""
        with self._turn:
            self.seen.update(names)
            here = self.what in names and self.seen[self.what] == self.nth
        if here and self.side == "before":
            self._strike()
        yield
        if here and self.side == "after":
            self._strike()

    def _strike(self) -> None:
        """Kill, and go on only when no thread of the victim is left; being a child of the test, it stays a zombie."""
        os.kill(self.pid or os.getpid(), signal.SIGKILL)
        while len(list(Path(f"/proc/{self.pid}/task").iterdir())) > 1 or not self._is_zombie():
            time.sleep(0.001)

    def _is_zombie(self) -> bool:
        return Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].startswith("Z")
