"""Value types and rules of the market, pure: no clock, no I/O.

All stamps are integer milliseconds since 1970-01-01 UTC unless a name says otherwise.
"""

from __future__ import annotations

from enum import StrEnum

MILLISECONDS_PER_MINUTE = 60_000


class DataType(StrEnum):
    """What a payload holds."""

    KLINES = "klines"
    DEPTH = "depth"


class Interval(StrEnum):
    """Candle intervals the platform stores, by the exchange's own code."""

    MINUTE_1 = "1m"
    MINUTE_5 = "5m"
    MINUTE_15 = "15m"
    HOUR_1 = "1h"
    HOUR_4 = "4h"
    DAY_1 = "1d"

    @property
    def milliseconds(self) -> int:
        """Length of a candle; every open time is a multiple of it."""
        unit = {"m": 1, "h": 60, "d": 1440}[self.value[-1]]
        return int(self.value[:-1]) * unit * MILLISECONDS_PER_MINUTE

    def floor(self, stamp_ms: int) -> int:
        """Open time of the candle that contains the stamp."""
        return stamp_ms - stamp_ms % self.milliseconds


class Source(StrEnum):
    """Where a row came from; the winner rule ranks these (dbt macro ``winner_rank``)."""

    REST = "rest"
    ARCHIVE_DAILY = "archive_daily"
    ARCHIVE_MONTHLY = "archive_monthly"

    @property
    def is_archive(self) -> bool:
        """Whether it is a file of the archive, whose checksum was verified."""
        return self is not Source.REST


class Lane(StrEnum):
    """Which road a load takes: backfills have one of their own, so that they never make fresh candles late."""

    LIVE = "live"
    BACKFILL = "backfill"


class GapReason(StrEnum):
    """Why rows are not there. All but ``fetch_failed`` and ``unknown`` need evidence, and explain the gap."""

    EXCHANGE_OUTAGE = "exchange_outage"
    ARCHIVE_HOLE = "archive_hole"
    NOT_LISTED = "not_listed"
    DELISTED = "delisted"
    SYMBOL_HALTED = "symbol_halted"
    REJECTED = "rejected"
    RETENTION_EXPIRED = "retention_expired"
    NOT_CAPTURED = "not_captured"
    """Of order books: nobody asked in that minute, and a book cannot be had later."""
    FETCH_FAILED = "fetch_failed"
    UNKNOWN = "unknown"

    @property
    def explains(self) -> bool:
        """Whether a gap with this reason counts as explained."""
        return self not in (GapReason.FETCH_FAILED, GapReason.UNKNOWN)


class RejectReason(StrEnum):
    """Why a payload or a row is in quarantine."""

    OBJECT_MISSING = "object_missing"
    BAD_ENVELOPE = "bad_envelope"
    REFUSED_BY_WAREHOUSE = "refused_by_warehouse"
    CHECKSUM_MISMATCH = "checksum_mismatch"
    BAD_ARCHIVE = "bad_archive"
    NOT_A_LIST = "not_a_list"
    NOT_A_BOOK = "not_a_book"
    FIELD_COUNT = "field_count"
    NOT_A_NUMBER = "not_a_number"
    OFF_GRID = "off_grid"
    CLOSE_TIME_OUTSIDE = "close_time_outside"
    IN_THE_FUTURE = "in_the_future"
    OUTSIDE_FILE = "outside_file"
    LOW_NOT_POSITIVE = "low_not_positive"
    HIGH_BELOW_BODY = "high_below_body"
    LOW_ABOVE_BODY = "low_above_body"
    NEGATIVE_VOLUME = "negative_volume"
    TAKER_ABOVE_VOLUME = "taker_above_volume"
    EMPTY_BOOK = "empty_book"
    BOOK_NOT_POSITIVE = "book_not_positive"
    BOOK_UNSORTED = "book_unsorted"
    BOOK_CROSSED = "book_crossed"

    @property
    def sentence(self) -> str:
        """What was expected, for people."""
        return _SENTENCES[self]


_SENTENCES = {
    RejectReason.OBJECT_MISSING: "expected the object in the lake, but it is not there",
    RejectReason.BAD_ENVELOPE: "expected a JSON envelope with exchange, symbol, type, interval, captured_at, server_time and data",
    RejectReason.REFUSED_BY_WAREHOUSE: "expected the warehouse to take every row as it is",
    RejectReason.CHECKSUM_MISMATCH: "expected an archive file with the sha256 its .CHECKSUM names",
    RejectReason.BAD_ARCHIVE: "expected a zip with one CSV of twelve columns",
    RejectReason.NOT_A_LIST: "expected a list of candles",
    RejectReason.NOT_A_BOOK: "expected lastUpdateId, bids and asks",
    RejectReason.FIELD_COUNT: "expected 12 fields in a candle, 2 in a book level",
    RejectReason.NOT_A_NUMBER: "expected plain decimals (at most 12 digits before and 8 after the point; 22 for volumes) and whole stamps",
    RejectReason.OFF_GRID: "expected an open time on the interval's grid",
    RejectReason.CLOSE_TIME_OUTSIDE: "expected a close time after the open time and before the next candle",
    RejectReason.IN_THE_FUTURE: "expected no candle that opens later than one interval after the exchange's clock",
    RejectReason.OUTSIDE_FILE: "expected an open time inside the day or month of the archive file",
    RejectReason.LOW_NOT_POSITIVE: "expected a low above zero",
    RejectReason.HIGH_BELOW_BODY: "expected a high of at least open and close",
    RejectReason.LOW_ABOVE_BODY: "expected a low of at most open and close",
    RejectReason.NEGATIVE_VOLUME: "expected volumes and trade counts of at least zero",
    RejectReason.TAKER_ABOVE_VOLUME: "expected taker volumes of at most the volumes",
    RejectReason.EMPTY_BOOK: "expected at least one bid and one ask",
    RejectReason.BOOK_NOT_POSITIVE: "expected prices and quantities above zero",
    RejectReason.BOOK_UNSORTED: "expected bids falling and asks rising",
    RejectReason.BOOK_CROSSED: "expected the best bid below the best ask",
}
