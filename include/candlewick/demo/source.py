"""Where candles come from: generated, or replayed from recordings. Both answer the same questions."""

from dataclasses import dataclass
from typing import Any, Protocol

from candlewick.demo.archive_paths import ArchiveFile
from candlewick.demo.intervals import MINUTE_MS, bucket_start, step
from candlewick.demo.market import rows_of
from candlewick.demo.minutes import price_at
from candlewick.demo.rows import Row
from candlewick.demo.tape import Span, Tape

_FEWEST_BUCKETS = 512


class Source(Protocol):
    """Candles, prices and files of any symbol."""

    def __hash__(self) -> int:
        """Which source it is: files that were made are kept for a while by it."""

    def rows(self, tape: Tape, span: Span) -> list[Row]:
        """All rows of the span, oldest first."""

    def price_ticks(self, tape: Tape, at_ms: int) -> int:
        """The price around which the order book stands."""

    def archive_rows(self, tape: Tape, file: ArchiveFile, now_ms: int) -> list[Row]:
        """The rows of one archive file; none when it has no such file."""

    def recorded_zip(self, file: ArchiveFile) -> bytes | None:
        """The archive file exactly as recorded, where there is a recording that may be served as it is."""

    def recorded_book(self, symbol: str) -> dict[str, Any] | None:
        """An order book as recorded."""


class Generated:
    """The simulated market: a ``Source`` without recordings."""

    def rows(self, tape: Tape, span: Span) -> list[Row]:
        """See ``market.candles``."""
        return rows_of(tape, span)

    def price_ticks(self, tape: Tape, at_ms: int) -> int:
        """The price path at that moment."""
        return price_at(tape, at_ms)

    def archive_rows(self, tape: Tape, file: ArchiveFile, now_ms: int) -> list[Row]:
        """What REST answers for the file's span, without the minutes that only the archive lost."""
        rows = rows_of(tape, Span(file.interval, file.start_ms, file.end_ms - 1, now_ms))
        holes = [gap for gap in tape.gaps if gap.kind == "hole" and file.interval == "1m"]
        return [row for row in rows if not any(hole.start <= row[0] // MINUTE_MS < hole.end for hole in holes)]

    def recorded_zip(self, _file: ArchiveFile) -> None:
        """Nothing is recorded."""

    def recorded_book(self, _symbol: str) -> None:
        """Nothing is recorded."""


@dataclass(frozen=True)
class Page:
    """What one klines request asks for."""

    interval: str
    start_ms: int | None
    end_ms: int | None
    limit: int
    offset_ms: int = 0


def page(source: Source, tape: Tape, wanted: Page, now_ms: int) -> list[Row]:
    """One REST answer: the first ``limit`` rows from startTime on, or without it the last ones up to endTime."""
    interval, offset_ms, limit = wanted.interval, wanted.offset_ms, wanted.limit
    earliest = bucket_start(interval, tape.symbol.listed_ms, offset_ms)
    last = now_ms if wanted.end_ms is None else min(wanted.end_ms, now_ms)
    found: list[Row] = []
    if wanted.start_ms is not None:
        cursor, buckets = bucket_start(interval, max(wanted.start_ms, earliest), offset_ms), limit + 1
        while cursor <= last and len(found) < limit:
            following = step(interval, cursor, buckets, offset_ms)
            begin, until = max(cursor, wanted.start_ms), min(last, following - 1)
            found += source.rows(tape, Span(interval, begin, until, now_ms, offset_ms))
            cursor, buckets = following, _next_window(buckets, limit - len(found))
        return found[:limit]
    cursor, buckets = bucket_start(interval, last, offset_ms), limit - 1
    while last >= earliest and len(found) < limit:
        cursor = step(interval, cursor, -buckets, offset_ms)
        found = source.rows(tape, Span(interval, max(cursor, earliest), last, now_ms, offset_ms)) + found
        last, buckets = cursor - 1, _next_window(buckets, limit - len(found))
    return found[-limit:]


def _next_window(buckets: int, missing: int) -> int:
    """Outages made the page short: look further, the further the longer nothing comes (as after years of nothing)."""
    return max(missing, _FEWEST_BUCKETS, 2 * buckets)
