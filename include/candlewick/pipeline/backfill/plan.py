"""Cut a request into parts: months, days, REST spans. Pure: the clock and the symbols' first candles come as arguments."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from candlewick.archive_file import ArchiveFile
from candlewick.pipeline.backfill.request import BackfillSource
from candlewick.warehouse.backfills import Method, Part, PartState
from candlewick.warehouse.database import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from candlewick.market import Interval
    from candlewick.pipeline.backfill.request import BackfillRequest

REST_PAGES = 20
"""Most pages of a REST part: what a killed task asks for again."""
MOST_CHUNKS = 1000
"""Most mapped tasks of a run; Airflow's own limit is 1024."""
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Published:
    """When the archive has a file: some hours after its period."""

    now_ms: int
    delay_hours: int

    def has(self, file: ArchiveFile) -> bool:
        """Whether the file can be asked for."""
        return file.end_ms + self.delay_hours * HOUR_MS <= self.now_ms


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span [start, end) in ms and how to get it; None: no file covers it."""

    method: Method | None
    start_ms: int
    end_ms: int


def plan_parts(
    request: BackfillRequest, first_opens_ms: Mapping[str, int | None], published: Published, page_limit: int
) -> list[Part]:
    """Return the parts of a request, by symbol and time.

    Args:
        request: what was asked for; not of source ``files``.
        first_opens_ms: open time of each symbol's first 1m candle; None where it is not known.
        published: what the archive has, and the clock.
        page_limit: candles of one REST answer.
    """
    numbers = count(1)
    found = []
    for symbol in request.symbols:
        opened = first_opens_ms.get(symbol)
        listed_ms = 0 if opened is None else request.interval.floor(opened)
        for stretch in _stretches(request, symbol, listed_ms, published):
            if stretch.method is None:
                found.append(_missing(next(numbers), symbol, request.interval, stretch, published))
            elif stretch.method is Method.REST:
                cut = _pages(stretch, request.interval.milliseconds * page_limit * REST_PAGES)
                found += [_part(next(numbers), symbol, request.interval, span) for span in cut]
            else:
                found.append(_part(next(numbers), symbol, request.interval, stretch))
    return found


def plan_files(request: BackfillRequest, now_ms: int) -> list[Part]:
    """Return a part for each symbol; which span it really has is known when the folder was read."""
    start_ms, end_ms = to_ms(request.start), min(to_ms(request.end), request.interval.floor(now_ms))
    return [
        Part(number, symbol, request.interval, Method.FILES, start_ms, end_ms)
        for number, symbol in enumerate(request.symbols, 1)
    ]


def chunks(parts: list[Part], parts_per_task: int) -> list[tuple[Part, Part]]:
    """Share the parts that are pending among tasks; return the first and last part of each.

    A task gets ``parts_per_task``, or as many as keep the number of tasks in bounds; a folder is read by one task.
    """
    pending = [part for part in parts if part.state is PartState.PENDING]
    size = max(parts_per_task, -(-len(pending) // MOST_CHUNKS))
    if any(part.method is Method.FILES for part in pending):
        size = len(pending)
    return [(pending[at], pending[min(at + size, len(pending)) - 1]) for at in range(0, len(pending), size)]


def chunk_name(first: Part, last: Part) -> str:
    """Name a task by what it brings, so that people find a symbol and a span in it."""
    begin, end = from_ms(first.start_ms), from_ms(last.end_ms - 1)
    other = f"{last.symbol} " if last.symbol != first.symbol else ""
    return f"{first.symbol} {first.interval.value} {begin:%Y-%m-%d} … {other}{end:%Y-%m-%d}"


def _stretches(request: BackfillRequest, symbol: str, listed_ms: int, published: Published) -> Iterator[Stretch]:
    """Yield what to get from where, neighbours of one kind without a file in one piece."""
    start_ms, end_ms = to_ms(request.start), to_ms(request.end)
    closed_ms = request.interval.floor(published.now_ms)
    if request.source is BackfillSource.REST:
        walked: Iterable[Stretch] = [Stretch(Method.REST, start_ms, end_ms)]
    elif request.source is BackfillSource.ARCHIVE:
        walked = _files_only(symbol, request.interval, start_ms, end_ms, published)
    else:
        walked = _files_then_rest(symbol, request.interval, start_ms, end_ms, published)
    for stretch in _joined(walked):
        if stretch.method in (Method.ARCHIVE_MONTHLY, Method.ARCHIVE_DAILY):
            if stretch.end_ms > listed_ms:
                yield stretch
            continue
        clipped = Stretch(stretch.method, max(stretch.start_ms, listed_ms), min(stretch.end_ms, closed_ms))
        if clipped.start_ms < clipped.end_ms:
            yield clipped


def _files_then_rest(
    symbol: str, interval: Interval, start_ms: int, end_ms: int, published: Published
) -> Iterator[Stretch]:
    """Whole months and days from the archive as far as they are published, REST in between and after."""
    at = start_ms
    while at < end_ms:
        for file in _files_at(symbol, interval, at):
            if file.start_ms == at and file.end_ms <= end_ms and published.has(file):
                yield Stretch(_method(file), at, file.end_ms)
                at = file.end_ms
                break
        else:
            until = min(ArchiveFile.of_day(symbol, interval, from_ms(at).date()).end_ms, end_ms)
            yield Stretch(Method.REST, at, until)
            at = until


def _files_only(symbol: str, interval: Interval, start_ms: int, end_ms: int, published: Published) -> Iterator[Stretch]:
    """Whole months, and the files of all days the request touches; a file brings its whole day."""
    at = ArchiveFile.of_day(symbol, interval, from_ms(start_ms).date()).start_ms
    while at < end_ms:
        month, day = _files_at(symbol, interval, at)
        file = month if month.start_ms == at and month.end_ms <= end_ms and published.has(month) else day
        yield Stretch(_method(file) if published.has(file) else None, at, file.end_ms)
        at = file.end_ms


def _files_at(symbol: str, interval: Interval, at: int) -> tuple[ArchiveFile, ArchiveFile]:
    """Return the month and the day that hold a moment."""
    date = from_ms(at).date()
    return ArchiveFile.of_month(symbol, interval, date), ArchiveFile.of_day(symbol, interval, date)


def _method(file: ArchiveFile) -> Method:
    return Method(file.granularity.source.value)


def _joined(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Join neighbours that no file covers; a file stays a part of its own."""
    held: Stretch | None = None
    for stretch in stretches:
        if held and held.method is stretch.method and stretch.method in (Method.REST, None):
            held = Stretch(held.method, held.start_ms, stretch.end_ms)
            continue
        if held:
            yield held
        held = stretch
    if held:
        yield held


def _pages(stretch: Stretch, length_ms: int) -> Iterator[Stretch]:
    for at in range(stretch.start_ms, stretch.end_ms, length_ms):
        yield Stretch(stretch.method, at, min(at + length_ms, stretch.end_ms))


def _part(number: int, symbol: str, interval: Interval, stretch: Stretch) -> Part:
    return Part(number, symbol, interval, stretch.method or Method.REST, stretch.start_ms, stretch.end_ms)


def _missing(number: int, symbol: str, interval: Interval, stretch: Stretch, published: Published) -> Part:
    """A span that source archive cannot give yet."""
    reason = (
        f"no archive file covers it yet; files are asked for {published.delay_hours} h after their day is over, "
        "source auto asks REST for it"
    )
    return Part(
        number, symbol, interval, Method.ARCHIVE_DAILY, stretch.start_ms, stretch.end_ms, PartState.MISSING, reason
    )
