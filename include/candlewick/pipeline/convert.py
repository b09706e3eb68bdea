"""From a payload to lines for the bulk load: shapes are checked here, what the values say is checked on typed columns.

LOAD DATA LOCAL never fails: it turns "notint" into 0, clips and rounds, even in strict mode. So no text reaches it
that the typed column would not hold digit for digit. An answer as the exchange writes it is checked and converted
whole, in a few passes of C code over its bytes; only one that deviates anywhere is looked at row by row.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from candlewick.market import RejectReason

if TYPE_CHECKING:
    from candlewick.lake.envelope import Envelope

KLINE_FIELDS = 12
_STAMP = rb"\d{13}"  # ms, 2001 to 2286
_PRICE = rb"-?\d{1,12}(?:\.\d{1,8})?"  # DECIMAL(20,8)
_VOLUME = rb"-?\d{1,22}(?:\.\d{1,8})?"  # DECIMAL(30,8)
_COUNT = rb"-?\d{1,18}"  # BIGINT
KLINE_SHAPES = (_STAMP, *[_PRICE] * 4, _VOLUME, _STAMP, _VOLUME, _COUNT, _VOLUME, _VOLUME, rb"[0-9.]*")
_BARE = {0, 6, 8}  # numbers in the exchange's JSON; the other fields are strings
_AS_SENT = rb",".join(shape if place in _BARE else rb'"' + shape + rb'"' for place, shape in enumerate(KLINE_SHAPES))
# Possessive: a body that fits is read once, one that does not is given up at once.
_BODY = re.compile(rb"\[(?:\[%b\](?:,\[%b\])*+)?+\]" % (_AS_SENT, _AS_SENT))
_ROW = re.compile(rb"\t".join(KLINE_SHAPES).decode(), re.ASCII)
_LEVEL = re.compile((_PRICE + rb"\t" + _VOLUME).decode(), re.ASCII)
OFFENDING_LIMIT = 1000
_BIGINT_END = 1 << 63


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that goes to quarantine; row 0 is the whole payload."""

    row_number: int
    reason: RejectReason
    offending: str
    open_ms: int | None = None


@dataclass(slots=True)
class Converted:
    """Lines for the bulk load (``warehouse.staging.COLUMNS``) and what was rejected."""

    lines: bytes = b""
    staged: int = 0
    rejects: list[Reject] = field(default_factory=list)

    @property
    def is_unreadable(self) -> bool:
        """Whether the payload as a whole was rejected."""
        return any(reject.row_number == 0 for reject in self.rejects)

    def row_number(self, staged_number: int) -> int:
        """Turn the number of a staged row into its number in the payload; both count from 1."""
        # A rejected row shifts every staged row behind it by one.
        shifts = sorted(reject.row_number for reject in self.rejects)
        return staged_number + bisect_right(range(len(shifts)), staged_number, key=lambda place: shifts[place] - place)


def unreadable(reason: RejectReason, offending: str) -> Converted:
    """Reject a payload as a whole."""
    return Converted(rejects=[Reject(0, reason, offending[:OFFENDING_LIMIT])])


def convert_klines(envelope: Envelope, object_id: int, rows_before: int) -> Converted:
    """Convert a payload of candles.

    Args:
        envelope: the object.
        object_id: goes into every line.
        rows_before: rows of the load's table that come before this object's; the lines are numbered on from there.
    """
    if envelope.interval is None:
        return unreadable(RejectReason.BAD_ENVELOPE, "interval is missing")
    head = f"\t{object_id}\t{envelope.exchange}\t{envelope.symbol}\t{envelope.interval.value}\t".encode()
    clocks = f"{moment_text(envelope.captured_at)}\t{moment_text(envelope.server_time)}"
    tail = f"\t{envelope.source.value}\t{clocks}\n".encode()
    body = bytes(envelope.data)
    if _BODY.fullmatch(body):
        rows = body[2:-2].replace(b'"', b"").replace(b",", b"\t").split(b"]\t[") if len(body) > len("[]") else []
        return Converted(_lines(rows, rows_before, head, tail), len(rows))
    return _row_by_row(body, rows_before, head, tail)


def _lines(rows: list[bytes], rows_before: int, head: bytes, tail: bytes) -> bytes:
    return b"".join([b"%d%b%b%b" % (number, head, row, tail) for number, row in enumerate(rows, rows_before + 1)])


def _row_by_row(body: bytes, rows_before: int, head: bytes, tail: bytes) -> Converted:
    """Convert an answer of which something deviates: its sound rows are taken, the others named."""
    data = msgspec.json.decode(body)
    if not isinstance(data, list):
        return unreadable(RejectReason.NOT_A_LIST, str(data))
    out = Converted()
    sound = []
    for number, row in enumerate(data, 1):
        reason = RejectReason.FIELD_COUNT
        if isinstance(row, list) and len(row) == KLINE_FIELDS:
            line = "\t".join(map(str, row))
            if _ROW.fullmatch(line) and all(type(row[place]) is int for place in _BARE):
                sound.append(line.encode())
                continue
            reason = RejectReason.NOT_A_NUMBER
        open_ms = row[0] if isinstance(row, list) and row and type(row[0]) is int else None
        out.rejects.append(Reject(number, reason, str(row)[:OFFENDING_LIMIT], open_ms))
    out.lines, out.staged = _lines(sound, rows_before, head, tail), len(sound)
    return out


def convert_book(envelope: Envelope, object_id: int, rows_before: int) -> Converted:
    """Convert an order book: whole or not at all, since a book without some levels is another book."""
    book = msgspec.json.decode(bytes(envelope.data))
    sides = ("bids", "asks")
    if not isinstance(book, dict) or type(book.get("lastUpdateId")) is not int:
        return unreadable(RejectReason.NOT_A_BOOK, str(book))
    if not 0 <= book["lastUpdateId"] < _BIGINT_END:
        return unreadable(RejectReason.NOT_A_NUMBER, f"lastUpdateId {book['lastUpdateId']}")
    if not all(isinstance(book.get(side), list) for side in sides):
        return unreadable(RejectReason.NOT_A_BOOK, str(book))
    fault = _book_fault(book["bids"], book["asks"])
    if fault:
        return unreadable(fault, str(book))
    captured = moment_text(envelope.captured_at)
    head = f"\t{object_id}\t{envelope.exchange}\t{envelope.symbol}\t{captured}\t{book['lastUpdateId']}\t".encode()
    tail = f"\t{envelope.source.value}\t{moment_text(envelope.server_time)}\n".encode()
    levels = [
        f"{name[:3]}\t{level}\t{price}\t{quantity}".encode()
        for name in sides
        for level, (price, quantity) in enumerate(book[name], 1)
    ]
    return Converted(_lines(levels, rows_before, head, tail), len(levels))


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


def moment_text(stamp_ms: int) -> str:
    """Write a stamp as DATETIME(3) text, UTC."""
    return f"{datetime.fromtimestamp(stamp_ms // 1000, UTC):%Y-%m-%d %H:%M:%S}.{stamp_ms % 1000:03d}"
