"""What a person sees while the platform starts: one line a step, with its time."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

console = Console(highlight=False)
error_console = Console(stderr=True, highlight=False)


class Step:
    """A step under way; :meth:`now` tells what it is doing."""

    def __init__(self, title: str, update: Callable[[str], None]) -> None:
        self.title, self._update = title, update
        self.result = ""

    def now(self, text: str) -> None:
        """Show what is being waited for."""
        self._update(f"{self.title}: {text}")


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Show a step: a spinner in a terminal, a line when it is done, its seconds, and what it set ``result`` to."""
    started = time.monotonic()
    shown: list[str] = []

    def plain(text: str) -> None:
        # Without a terminal nothing can be overwritten: a line each time the text changes.
        if not shown or shown[-1] != text:
            shown.append(text)
            console.print(f"  … {text}", markup=False)

    if console.is_terminal:
        with console.status(title) as status:
            current = Step(title, status.update)
            yield current
    else:
        current = Step(title, plain)
        yield current
    seconds = time.monotonic() - started
    result = f": {current.result}" if current.result else ""
    console.print(f"[green]✓[/] {title}{result} [dim]{seconds:.1f} s[/]", soft_wrap=True)
