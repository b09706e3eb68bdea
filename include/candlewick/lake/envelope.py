"""The envelope around a payload: who was asked, when, by which clock; and the answer, byte for byte.

``data`` is the exchange's answer as received. An answer that is no JSON is kept too, as base64, and named so in
``data_encoding``. Stamps are ms since 1970 UTC.
"""

from __future__ import annotations

import base64
from typing import Annotated

import msgspec

from candlewick.market import DataType, Interval, Source

SCHEMA_VERSION = 1
Stamp = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000)]  # until 2100: beyond it, the object is damaged


# What a decoder raises at bytes that are no JSON for it; RecursionError at a thousand brackets in a row.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded object of the lake; ``data`` is the JSON the exchange sent, as text, checked to be JSON."""

    exchange: str
    symbol: str
    type: DataType
    captured_at: Stamp
    source: Source
    server_time: Stamp
    schema_version: int
    data: msgspec.Raw
    interval: Interval | None = None
    data_encoding: str = "json"


class _Head(msgspec.Struct, kw_only=True):
    """The envelope without its data, in the order it is written."""

    symbol: str
    captured_at: int
    type: DataType
    interval: Interval | None
    exchange: str
    source: Source
    server_time: int
    schema_version: int = SCHEMA_VERSION
    data_encoding: str = "json"


def wrap(
    body: bytes,
    *,
    exchange: str,
    symbol: str,
    data_type: DataType,
    interval: Interval | None,
    source: Source,
    captured_at_ms: int,
    exchange_time_ms: int,
) -> bytes:
    """Put an answer into its envelope without touching a byte of it.

    Args:
        body: the answer as received.
        exchange: name of the exchange.
        symbol: the symbol asked for.
        data_type: what was asked for.
        interval: of candles; None for books.
        source: the road it came by.
        captured_at_ms: our clock when the answer was complete.
        exchange_time_ms: lower bound of the exchange's clock when the question was sent.
    """
    head = _Head(
        symbol=symbol,
        captured_at=captured_at_ms,
        type=data_type,
        interval=interval,
        exchange=exchange,
        source=source,
        server_time=exchange_time_ms,
    )
    data = body
    try:
        msgspec.json.decode(body)
    except UNREADABLE:
        head.data_encoding = "base64"
        data = b'"' + base64.b64encode(body) + b'"'
    return msgspec.json.encode(head)[:-1] + b',"data":' + data + b"}"


_DECODER = msgspec.json.Decoder(Envelope)


def unwrap(payload: bytes) -> Envelope:
    """Read an object of the lake.

    Raises:
        ValueError: when it is no envelope of ours; the message says what is wrong with it.
    """
    try:
        envelope = _DECODER.decode(payload)
    except UNREADABLE as error:
        raise ValueError(str(error)) from error
    if envelope.schema_version != SCHEMA_VERSION:
        raise ValueError(f"expected schema_version {SCHEMA_VERSION}, got {envelope.schema_version}")
    return envelope
