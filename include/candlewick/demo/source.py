"""Where candles come from: generated, or replayed from recordings. Both answer the same questions."""

from typing import TYPE_CHECKING, Any, Protocol

from candlewick.demo.gaps import Gap
from candlewick.demo.intervals import bucket_start, step
from candlewick.demo.market import candles
from candlewick.demo.minutes import price_at
from candlewick.demo.rows import Row
from candlewick.demo.symbols import Symbol

if TYPE_CHECKING:
    from candlewick.demo.archive import ArchiveFile

_FEWEST_BUCKETS = 512


class Source(Protocol):
    """Candles and prices of any symbol, as they stand at ``now_ms``."""

    def rows(
        self,
        symbol: Symbol,
        gaps: tuple[Gap, ...],
        interval: str,
        start_ms: int,
        end_ms: int,
        now_ms: int,
        offset_ms: int,
    ) -> list[Row]:
        """All rows with start_ms ≤ open time ≤ end_ms, oldest first."""

    def price_ticks(self, symbol: Symbol, at_ms: int) -> int:
        """The price around which the order book stands."""

    def recorded_zip(self, file: "ArchiveFile") -> bytes | None:
        """The archive file exactly as recorded, where there is a recording that may be served as it is."""

    def recorded_book(self, symbol: str) -> dict[str, Any] | None:
        """An order book as recorded."""


class Generated:
    """The simulated market."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def rows(
        self,
        symbol: Symbol,
        gaps: tuple[Gap, ...],
        interval: str,
        start_ms: int,
        end_ms: int,
        now_ms: int,
        offset_ms: int,
    ) -> list[Row]:
        return candles(self._seed, symbol, interval, start_ms, end_ms, now_ms, gaps, offset_ms)

    def price_ticks(self, symbol: Symbol, at_ms: int) -> int:
        return price_at(self._seed, symbol, at_ms)

    def recorded_zip(self, file: "ArchiveFile") -> bytes | None:
        return None

    def recorded_book(self, symbol: str) -> dict[str, Any] | None:
        return None


def page(
    source: Source,
    symbol: Symbol,
    gaps: tuple[Gap, ...],
    interval: str,
    start_ms: int | None,
    end_ms: int | None,
    limit: int,
    now_ms: int,
    offset_ms: int = 0,
) -> list[Row]:
    """One REST answer: the first ``limit`` rows from startTime on, or without it the last ones up to endTime."""
    earliest = bucket_start(interval, symbol.listed_ms, offset_ms)
    last = now_ms if end_ms is None else min(end_ms, now_ms)
    found: list[Row] = []
    if start_ms is not None:
        cursor, wanted = bucket_start(interval, max(start_ms, earliest), offset_ms), limit + 1
        while cursor <= last and len(found) < limit:
            following = step(interval, cursor, wanted, offset_ms)
            until = min(last, following - 1)
            found += source.rows(symbol, gaps, interval, max(cursor, start_ms), until, now_ms, offset_ms)
            cursor, wanted = following, max(limit - len(found), _FEWEST_BUCKETS)
        return found[:limit]
    cursor, wanted = bucket_start(interval, last, offset_ms), limit - 1
    while last >= earliest and len(found) < limit:
        cursor = step(interval, cursor, -wanted, offset_ms)
        found = source.rows(symbol, gaps, interval, max(cursor, earliest), last, now_ms, offset_ms) + found
        last, wanted = cursor - 1, max(limit - len(found), _FEWEST_BUCKETS)
    return found[-limit:]
