"""What goes into the lake comes out of it, whatever the exchange sent."""

from __future__ import annotations

import json

import pytest

from candlewick.lake.envelope import unwrap, wrap
from candlewick.lake.keys import raw_key
from candlewick.market import DataType, Interval, Source
from candlewick.pipeline.payload import depth_span, klines_span

HEAD = {
    "exchange": "binance",
    "symbol": "BTCUSDT",
    "data_type": DataType.KLINES,
    "interval": Interval.MINUTE_1,
    "source": Source.REST,
    "captured_at_ms": 1_717_243_230_123,
    "exchange_time_ms": 1_717_243_230_100,
}


def test_an_answer_is_kept_byte_for_byte():
    body = b'[ [1717243200000, "0.10000000"] ]'

    assert body in wrap(body, **HEAD)


def test_the_envelope_is_plain_json_with_the_names_of_the_design():
    envelope = json.loads(wrap(b"[]", **HEAD))

    assert envelope == {
        "symbol": "BTCUSDT", "captured_at": 1_717_243_230_123, "type": "klines", "interval": "1m", "exchange": "binance",
        "source": "rest", "server_time": 1_717_243_230_100, "schema_version": 1, "data_encoding": "json", "data": [],
    }  # fmt: skip


@pytest.mark.parametrize("body", [b"<html>busy</html>", b'[["1"', b"\xff\xfe\x00", b"", b"[" * 5000 + b"]" * 5000])
def test_an_answer_that_is_no_json_is_kept_and_comes_back_as_text_nobody_takes_for_candles(body):
    envelope = unwrap(wrap(body, **HEAD))

    assert envelope.data_encoding == "base64"
    assert isinstance(json.loads(bytes(envelope.data)), str)


def test_an_answer_nobody_can_read_counts_no_rows():
    assert klines_span(b"[" * 5000, 1).rows == depth_span(b"[" * 5000).rows == 0


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"symbol": "BTCUSDT"}', b'{"data": ['])
def test_an_object_that_is_no_envelope_is_refused_with_the_reason(payload):
    with pytest.raises(ValueError, match=r".+"):
        unwrap(payload)


def test_keys_name_date_symbol_type_and_stamp_and_tell_pages_and_intervals_apart():
    keys = [
        raw_key("BTCUSDT", DataType.KLINES, Interval.MINUTE_1, 1_717_243_230_123),
        raw_key("BTCUSDT", DataType.KLINES, Interval.MINUTE_1, 1_717_243_230_123, page=2),
        raw_key("BTCUSDT", DataType.KLINES, Interval.HOUR_1, 1_717_243_230_123),
        raw_key("BTCUSDT", DataType.DEPTH, None, 1_717_243_230_123),
    ]

    assert keys == [
        "2024-06-01/BTCUSDT_klines_1717243230123.json",
        "2024-06-01/BTCUSDT_klines_1717243230123_p2.json",
        "2024-06-01/BTCUSDT_klines-1h_1717243230123.json",
        "2024-06-01/BTCUSDT_depth_1717243230123.json",
    ]


def test_an_envelope_of_another_version_is_refused():
    payload = wrap(b"[]", **HEAD).replace(b'"schema_version":1', b'"schema_version":2')

    with pytest.raises(ValueError, match="schema_version 1"):
        unwrap(payload)
