"""What a store holds, summed up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from candlewick.spans import as_datetime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Holding:
    """Objects of a store: how many, their bytes, captures of the oldest and the newest (naive UTC; None: there is none)."""

    objects: int = 0
    bytes: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None

    @classmethod
    def of(cls, row: Sequence[Any] | None) -> Holding:
        """Read count, bytes, oldest and newest off a row; the ends may be dates."""
        objects, size, oldest, newest = row or (0, 0, None, None)
        return cls(int(objects or 0), int(size), as_datetime(oldest), as_datetime(newest))

    def __add__(self, other: Holding) -> Holding:
        stamps = [moment for one in (self, other) for moment in (one.oldest, one.newest) if moment]
        return Holding(
            self.objects + other.objects,
            self.bytes + other.bytes,
            min(stamps, default=None),
            max(stamps, default=None),
        )

    def __sub__(self, gone: Holding) -> Holding:
        """Take objects away; nothing is ever less than empty, and the ends stay."""
        return replace(self, objects=max(self.objects - gone.objects, 0), bytes=max(self.bytes - gone.bytes, 0))
