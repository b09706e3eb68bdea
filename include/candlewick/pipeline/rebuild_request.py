"""Which objects of the lake a rebuild takes. Whatever makes no sense is refused with one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from candlewick.settings import SYMBOL_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class RebuildRefused(ValueError):
    """A request that cannot be meant; trying again gives the same."""


@dataclass(frozen=True, slots=True)
class RebuildRequest:
    """Symbols (none: all) and days, ``end`` is the first one no longer wanted (None: unbounded).

    An archive file is taken when its period touches the days, an answer when it was captured on one of them.
    """

    symbols: frozenset[str] = frozenset()
    start: date | None = None
    end: date | None = None
    force: bool = False

    @classmethod
    def read(cls, params: Mapping[str, Any], today: date) -> RebuildRequest:
        """Check what was asked for; the last day (``end`` of the params) is wanted, all of it.

        Raises:
            RebuildRefused: with the first thing that is wrong.
        """
        symbols = params.get("symbols") or []
        bad = [name for name in symbols if not SYMBOL_PATTERN.fullmatch(str(name))]
        if bad:
            raise RebuildRefused(f"expected symbols as the exchange writes them (BTCUSDT), got {bad}")
        start, last = (_day(name, params.get(name)) for name in ("start", "end"))
        if start and last and last < start:
            raise RebuildRefused(f"expected an end after the start, got {start} to {last}; swap them")
        if start and start > today:
            raise RebuildRefused(f"expected a start in the past, got {start}; the lake has nothing of the future")
        end = last + timedelta(days=1) if last else None
        return cls(frozenset(symbols), start, end, bool(params.get("force")))

    def wants(self, symbol: str, start: date, end: date) -> bool:
        """Whether it takes an object of this symbol that belongs to the days [start, end)."""
        if self.symbols and symbol not in self.symbols:
            return False
        return (self.end is None or start < self.end) and (self.start is None or end > self.start)

    def days(self) -> Iterator[date]:
        """Yield the days when both ends are given; nothing when one is open."""
        if self.start and self.end:
            for number in range((self.end - self.start).days):
                yield self.start + timedelta(days=number)


def _day(name: str, value: object) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise RebuildRefused(f"expected {name} as a date (2023-01-31), got {value!r}") from None
