"""What takes a second or more of the process that answers everybody is done for a few at a time."""

from __future__ import annotations

from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from candlewick_ui.database import DatabaseBusy

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY_BARS, MANY_AT_ONCE = 20_000, 2
_many = BoundedSemaphore(MANY_AT_ONCE)


@contextmanager
def room_for(bars: int) -> Iterator[None]:
    """Read and compute over so many bars inside of the block.

    Raises:
        DatabaseBusy: they are very many, and others compute over as many just now.
    """
    if bars <= MANY_BARS:
        yield
        return
    if not _many.acquire(blocking=False):
        raise DatabaseBusy(
            f"{MANY_AT_ONCE} answers over very many bars are being computed already; ask again in a moment"
        )
    try:
        yield
    finally:
        _many.release()
