"""Replay: recorded candles as the market, optionally moved by whole days.

REST answers official higher candles where they were recorded and rolls up recorded minutes elsewhere; missing rows stay
missing. The clock rules: rows that open after it do not exist yet. A recorded candle that has not closed yet is served
without what is still to come: a higher one made of its closed minutes, any other flat at its open with no volume.
The archive has the recorded files and no others: byte for byte when nothing is moved, else packed anew under the new
date (days only: a month does not stay a month when it is moved).
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from candlewick.demo.archive_paths import ArchiveFile
from candlewick.demo.gaps import Gap
from candlewick.demo.intervals import DAY_MS, MINUTE_MS, bucket_start, step
from candlewick.demo.recordings import Recordings
from candlewick.demo.rows import Row, decimal
from candlewick.demo.symbols import Symbol
from candlewick.demo.tape import Span, Tape

_UNIT = 10**8
_MOST_DECIMALS = 8


@dataclass(frozen=True, eq=False)
class Recorded:
    """A ``Source`` made of recordings, moved ``shift_days`` into the future."""

    recordings: Recordings
    shift_days: int = 0

    def symbols(self) -> list[Symbol]:
        """The recorded symbols, listed when their first recording begins; precision as their numbers show."""
        return [_described(name, self.recordings, self.shift_days * DAY_MS) for name in self.recordings.symbols]

    def rows(self, tape: Tape, span: Span) -> list[Row]:
        """See ``Source``."""
        shift = self.shift_days * DAY_MS
        moved = replace(
            span,
            start_ms=span.start_ms - shift,
            end_ms=min(span.end_ms, span.now_ms) - shift,
            now_ms=span.now_ms - shift,
        )
        gaps = tuple(Gap(gap.start - shift // MINUTE_MS, gap.end - shift // MINUTE_MS, gap.kind) for gap in tape.gaps)
        outages = [gap for gap in gaps if gap.kind == "outage"]
        return [_moved(row, shift) for row in self._rows(tape.symbol.name, moved, outages)]

    def price_ticks(self, tape: Tape, at_ms: int) -> int:
        """The last recorded close before that time, or the first open."""
        name, at = tape.symbol.name, at_ms - self.shift_days * DAY_MS
        intervals = [interval for symbol, interval in self.recordings.rows if symbol == name]
        rows = self.recordings.rows[name, "1m" if "1m" in intervals else intervals[0]]
        times = list(rows)
        index = bisect_right(times, at) - 1
        price = rows[times[index]][4] if index >= 0 else rows[times[0]][1]
        return max(2, int(_units(price) // 10 ** (8 - tape.symbol.price_decimals)))

    def recorded_book(self, symbol: str) -> dict[str, Any] | None:
        """The recorded book as it was."""
        return self.recordings.books.get(symbol)

    def recorded_zip(self, file: ArchiveFile) -> bytes | None:
        """The published bytes, unless moved."""
        path = None if self.shift_days else self.recordings.files.get(file.name)
        return path.read_bytes() if path else None

    def archive_rows(self, _tape: Tape, file: ArchiveFile, _now_ms: int) -> list[Row]:
        """The rows of the recorded file which was moved to this name."""
        prefix, day = file.name[:-10], file.name[-10:]
        try:
            original = date.fromisoformat(day) - timedelta(days=self.shift_days)
        except ValueError:
            return []
        rows = self.recordings.rows_of_file.get(f"{prefix}{original}", [])
        return [_moved(row, self.shift_days * DAY_MS) for row in rows]

    def _rows(self, name: str, span: Span, outages: list[Gap]) -> list[Row]:
        official = _within(self.recordings.rows.get((name, span.interval), {}), span.start_ms, span.end_ms)
        if span.interval == "1m":
            rows = [row for row in official if not _missing(row, outages)]
            return [row if row[6] < span.now_ms else _opening(row) for row in rows]
        minutes = self._closed_minutes(name, span, outages)
        found = {opened: _rolled(span, opened, rows) for opened, rows in minutes.items()}
        for row in official:
            if any(gap.start * MINUTE_MS <= row[6] and row[0] < gap.end * MINUTE_MS for gap in outages):
                continue  # What an outage on demand touches is no longer the official candle.
            if row[6] < span.now_ms:
                found[row[0]] = row
            else:
                found.setdefault(row[0], _opening(row))
        return [found[opened] for opened in sorted(found)]

    def _closed_minutes(self, name: str, span: Span, outages: list[Gap]) -> dict[int, list[Row]]:
        """Recorded minutes grouped by the open time of their bucket, for buckets that open within the span."""
        end = step(span.interval, bucket_start(span.interval, span.end_ms, span.offset_ms), 1, span.offset_ms) - 1
        grouped: dict[int, list[Row]] = {}
        for row in _within(self.recordings.rows.get((name, "1m"), {}), span.start_ms, end):
            opened = bucket_start(span.interval, row[0], span.offset_ms)
            if row[6] < span.now_ms and opened >= span.start_ms and not _missing(row, outages):
                grouped.setdefault(opened, []).append(row)
        return grouped


def days_to_end_today(recordings: Recordings) -> int:
    """Whole days by which to move the recordings so that the last recorded minute falls on today (UTC)."""
    minutes = [times for (_, interval), times in recordings.rows.items() if interval == "1m"]
    last = max(max(times) for times in minutes or recordings.rows.values())
    return int(datetime.now(UTC).timestamp() * 1000) // DAY_MS - last // DAY_MS


def _within(rows: dict[int, Row], start_ms: int, end_ms: int) -> list[Row]:
    times = list(rows)
    return [rows[time] for time in times[bisect_left(times, start_ms) : bisect_right(times, end_ms)]]


def _missing(row: Row, outages: list[Gap]) -> bool:
    return any(gap.start <= row[0] // MINUTE_MS < gap.end for gap in outages)


def _moved(row: Row, shift_ms: int) -> Row:
    return [row[0] + shift_ms, *row[1:6], row[6] + shift_ms, *row[7:]]


def _opening(row: Row) -> Row:
    nothing = decimal(0)
    return [row[0], *[row[1]] * 4, nothing, row[6], nothing, 0, nothing, nothing, row[11]]


def _rolled(span: Span, opened: int, minutes: list[Row]) -> Row:
    """Binance's rule: prices from the minutes with trades; without any, flat at the last close."""
    traded = [row for row in minutes if row[8]]
    prices = (
        [
            traded[0][1],
            max((row[2] for row in traded), key=_units),
            min((row[3] for row in traded), key=_units),
            traded[-1][4],
        ]
        if traded
        else [minutes[-1][4]] * 4
    )
    volume, quote, taker, taker_quote = (decimal(sum(_units(row[index]) for row in minutes)) for index in (5, 7, 9, 10))
    closed = step(span.interval, opened, 1, span.offset_ms) - 1
    return [opened, *prices, volume, closed, quote, sum(row[8] for row in minutes), taker, taker_quote, "0"]


def _units(text: str) -> int:
    whole, _, rest = text.partition(".")
    return int(whole) * _UNIT + int(rest[:8].ljust(8, "0"))


def _described(name: str, recordings: Recordings, shift_ms: int) -> Symbol:
    series = {interval: list(rows.values()) for (symbol, interval), rows in recordings.rows.items() if symbol == name}
    rows = series.get("1m") or next(iter(series.values()))
    price_decimals = max(_decimals(row[4]) for row in rows)
    return Symbol(
        name,
        min(each[0][0] for each in series.values()) + shift_ms,
        price=float(rows[-1][4]),
        price_decimals=price_decimals,
        quantity_decimals=min(max(_decimals(row[5]) for row in rows), _MOST_DECIMALS - price_decimals),
        turnover=1 + sum(float(row[7]) for row in rows) / len(rows),
    )


def _decimals(text: str) -> int:
    return len(text.partition(".")[2].rstrip("0"))
