"""From a payload to lines for the bulk load: shape and stamps are checked here, values by the database on typed columns.

LOAD DATA LOCAL never fails: it turns "notint" into 0, clips and rounds, even in strict mode. So no text reaches it
that the typed column would not hold digit for digit: one regular expression per line is the gate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from candlewick.market import MILLISECONDS_PER_MINUTE, Interval, RejectReason

if TYPE_CHECKING:
    from candlewick.lake.envelope import Envelope

KLINE_FIELDS = 12
_PRICE = r"-?\d{1,12}(?:\.\d{1,8})?"  # DECIMAL(20,8)
_VOLUME = r"-?\d{1,22}(?:\.\d{1,8})?"  # DECIMAL(30,8)
_COUNT = r"-?\d{1,18}"  # BIGINT
_VALUES = re.compile("\t".join([_PRICE] * 4 + [_VOLUME, _VOLUME, _COUNT, _VOLUME, _VOLUME]), re.ASCII)
_LEVEL = re.compile(rf"{_PRICE}\t{_VOLUME}", re.ASCII)
_OFFENDING_LIMIT = 1000
_MINUTE_TEXTS_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that goes to quarantine; row 0 is the whole payload."""

    row_number: int
    reason: RejectReason
    offending: str
    open_ms: int | None = None


@dataclass(slots=True)
class Converted:
    """Lines for the bulk load (tab separated, without load_id), what was rejected, and how far the series reaches."""

    lines: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    rows: int = 0
    reached_ms: int | None = None

    @property
    def is_unreadable(self) -> bool:
        """Whether the payload as a whole was rejected."""
        return any(reject.row_number == 0 for reject in self.rejects)


def unreadable(reason: RejectReason, offending: str) -> Converted:
    """Reject a payload as a whole."""
    return Converted(rejects=[Reject(0, reason, offending[:_OFFENDING_LIMIT])])


def convert_klines(envelope: Envelope, object_id: int, first_row_number: int) -> Converted:
    """Convert a payload of candles.

    Args:
        envelope: the object.
        object_id: goes into every line.
        first_row_number: ``row_number_in_load`` of the payload's first row; rejected rows use up their number.
    """
    interval = envelope.interval
    if interval is None:
        return unreadable(RejectReason.BAD_ENVELOPE, "interval is missing")
    if not isinstance(envelope.data, list):
        return unreadable(RejectReason.NOT_A_LIST, str(envelope.data))
    out = Converted(rows=len(envelope.data))
    head = f"{object_id}\t{envelope.exchange}\t{envelope.symbol}\t{interval.value}\t"
    tail = f"\t{envelope.source.value}\t{moment_text(envelope.captured_at)}\t{moment_text(envelope.server_time)}"
    step, clock = interval.milliseconds, envelope.server_time
    reached = -1
    for number, row in enumerate(envelope.data, 1):
        reason = _row_fault(row, step, clock)
        if reason:
            out.rejects.append(_rejected_row(number, reason, row))
            continue
        open_ms = row[0]
        if open_ms > reached and open_ms + step <= clock:
            reached = open_ms
        values = "\t".join(map(str, (*row[1:6], moment_text(row[6]), *row[7:11])))
        out.lines.append(f"{first_row_number + number - 1}\t{head}{moment_text(open_ms)}\t{values}{tail}\n")
    reached = max([reached, *_reached_by_rejects(out.rejects, interval, clock)])
    out.reached_ms = None if reached < 0 else reached
    return out


def convert_book(envelope: Envelope, object_id: int, first_row_number: int) -> Converted:
    """Convert an order book: whole or not at all, since a book without some levels is another book."""
    book = envelope.data
    sides = ("bids", "asks")
    if not isinstance(book, dict) or type(book.get("lastUpdateId")) is not int:
        return unreadable(RejectReason.NOT_A_BOOK, str(book))
    if not all(isinstance(book.get(side), list) for side in sides):
        return unreadable(RejectReason.NOT_A_BOOK, str(book))
    fault = _book_fault(book["bids"], book["asks"])
    if fault:
        return unreadable(fault, str(book))
    head = f"{object_id}\t{envelope.exchange}\t{envelope.symbol}\t{moment_text(envelope.captured_at)}\t{book['lastUpdateId']}"
    tail = f"\t{envelope.source.value}\t{moment_text(envelope.server_time)}\n"
    out = Converted(reached_ms=envelope.captured_at)
    for name in sides:
        for level, (price, quantity) in enumerate(book[name], 1):
            out.lines.append(f"{first_row_number + out.rows}\t{head}\t{name[:3]}\t{level}\t{price}\t{quantity}{tail}")
            out.rows += 1
    return out


def _row_fault(row: Any, step: int, clock: int) -> RejectReason | None:
    """Name what is wrong with a candle's shape or stamps, None when nothing is."""
    if type(row) is not list or len(row) != KLINE_FIELDS:
        return RejectReason.FIELD_COUNT
    open_ms, close_ms = row[0], row[6]
    is_numeric = _VALUES.fullmatch("\t".join(map(str, (*row[1:6], *row[7:11]))))
    if not is_numeric or type(open_ms) is not int or type(close_ms) is not int:
        return RejectReason.NOT_A_NUMBER
    if open_ms > clock:
        return RejectReason.IN_THE_FUTURE
    if open_ms % step or open_ms < 0:
        return RejectReason.OFF_GRID
    return None if open_ms < close_ms < open_ms + step else RejectReason.CLOSE_TIME_OUTSIDE


def _book_fault(bids: list[Any], asks: list[Any]) -> RejectReason | None:
    """Name what is wrong with a book, None when nothing is."""
    if not bids or not asks:
        return RejectReason.EMPTY_BOOK
    for level in (*bids, *asks):
        if type(level) is not list or len(level) != 2:  # noqa: PLR2004 -- price and quantity
            return RejectReason.FIELD_COUNT
        if not _LEVEL.fullmatch(f"{level[0]}\t{level[1]}"):
            return RejectReason.NOT_A_NUMBER
    prices = [[Decimal(price) for price, _ in side] for side in (bids, asks)]
    if any(price <= 0 for side in prices for price in side) or any(Decimal(size) <= 0 for _, size in (*bids, *asks)):
        return RejectReason.BOOK_NOT_POSITIVE
    falling = all(a > b for a, b in zip(prices[0], prices[0][1:], strict=False))
    rising = all(a < b for a, b in zip(prices[1], prices[1][1:], strict=False))
    if not (falling and rising):
        return RejectReason.BOOK_UNSORTED
    return RejectReason.BOOK_CROSSED if prices[0][0] >= prices[1][0] else None


def _rejected_row(number: int, reason: RejectReason, row: object) -> Reject:
    open_ms = row[0] if type(row) is list and row and type(row[0]) is int else None
    return Reject(number, reason, str(row)[:_OFFENDING_LIMIT], open_ms)


def _reached_by_rejects(rejects: list[Reject], interval: Interval, clock: int) -> list[int]:
    """Open times that the watermark passes although the row is in quarantine: asking for them again would not help."""
    stamps = [reject.open_ms for reject in rejects if reject.open_ms is not None and reject.open_ms >= 0]
    return [interval.floor(stamp) for stamp in stamps if interval.floor(stamp) + interval.milliseconds <= clock]


_minute_texts: dict[int, str] = {}


def moment_text(stamp_ms: int) -> str:
    """Write a stamp as DATETIME(3) text, UTC; the minute's text is remembered, candles share them."""
    minute, rest = divmod(stamp_ms, MILLISECONDS_PER_MINUTE)
    text = _minute_texts.get(minute)
    if text is None:
        if len(_minute_texts) >= _MINUTE_TEXTS_LIMIT:
            _minute_texts.clear()
        text = datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%d %H:%M:")
        _minute_texts[minute] = text
    return f"{text}{rest // 1000:02d}.{rest % 1000:03d}"
