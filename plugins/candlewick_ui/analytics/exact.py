"""Arithmetic with decimals that loses no digit: a column has 38 at most, a sum of 10,000 rows some more.

Python's own context rounds at 28, and says nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from decimal import Context, localcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGITS = 60


@contextmanager
def exactly() -> Iterator[None]:
    """Compute with so many digits inside of the block, or in the function this decorates; each thread has its own."""
    with localcontext(Context(prec=DIGITS)):
        yield
