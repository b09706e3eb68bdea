"""The envelope of the system this one replaces: ``{"symbol", "captured_at", "type", "interval", "data"}``.

It does not say which clock the exchange showed. ``captured_at`` stands for it: a candle counts as final only when it
had closed before.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from candlewick.lake.envelope import UNREADABLE, wrap
from candlewick.market import DataType, Interval, Source

_EARLIEST_MS = 10**11
"""1973: a smaller number is seconds, not ms."""


class _Older(msgspec.Struct, kw_only=True):
    symbol: str
    captured_at: int | str
    type: DataType
    data: msgspec.Raw
    interval: str | None = None
    exchange: object = None
    server_time: object = None
    schema_version: object = None


_DECODER = msgspec.json.Decoder(_Older)


def is_older(payload: bytes) -> bool:
    """Whether it is such an envelope: ours names exchange, server time and version."""
    try:
        found = _DECODER.decode(payload)
    except UNREADABLE:
        return False
    return (found.exchange, found.server_time, found.schema_version) == (None, None, None)


def rewrap(payload: bytes, exchange: str) -> bytes:
    """Put the data, byte for byte, into an envelope of ours.

    Raises:
        ValueError: it is no such envelope; the message says what is wrong with it.
    """
    try:
        older = _DECODER.decode(payload)
    except UNREADABLE as error:
        raise ValueError(str(error)) from error
    captured_at_ms = _ms(older.captured_at)
    return wrap(
        bytes(older.data),
        exchange=exchange,
        symbol=older.symbol,
        data_type=older.type,
        interval=_interval(older),
        source=Source.REST,
        captured_at_ms=captured_at_ms,
        exchange_time_ms=captured_at_ms,
    )


def _interval(older: _Older) -> Interval | None:
    if older.type is DataType.DEPTH:
        return None
    code = older.interval or Interval.MINUTE_1
    if code not in set(Interval):
        raise ValueError(f"expected an interval among {', '.join(Interval)}, got {code!r}")
    return Interval(code)


def _ms(captured_at: int | str) -> int:
    """Read ms, or ISO text; text without a zone is UTC."""
    if isinstance(captured_at, str) and not captured_at.isdecimal():
        moment = datetime.fromisoformat(captured_at)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    stamp = int(captured_at)
    if stamp < _EARLIEST_MS:
        raise ValueError(f"expected captured_at in ms or as ISO text, got {captured_at!r}")
    return stamp
