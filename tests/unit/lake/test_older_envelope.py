"""Objects of the system this one replaces become ours without a byte of their data changed."""

from __future__ import annotations

import json

import pytest

from candlewick.lake.envelope import unwrap, wrap
from candlewick.lake.older_envelope import is_older, rewrap
from candlewick.market import DataType, Interval, Source

AT = 1_717_243_230_123
DATA = '[ [1717243200000, "0.10000000"] ]'


def older(**changes):
    fields = {"symbol": "BTCUSDT", "captured_at": AT, "type": "klines", "interval": "1m", **changes}
    head = json.dumps({name: value for name, value in fields.items() if value != "absent"})
    return f'{head[:-1]}, "data": {DATA}}}'.encode()


def test_the_data_is_kept_byte_for_byte_and_the_capture_bounds_the_clock():
    found = unwrap(rewrap(older(), "binance"))

    assert bytes(found.data) == DATA.encode()
    assert (found.exchange, found.symbol, found.type, found.interval) == (
        "binance", "BTCUSDT", DataType.KLINES, Interval.MINUTE_1,
    )  # fmt: skip
    assert (found.source, found.captured_at, found.server_time) == (Source.REST, AT, AT)


@pytest.mark.parametrize(
    "captured_at",
    [
        AT,
        str(AT),
        "2024-06-01T12:00:30.123",
        "2024-06-01T12:00:30.123Z",
        "2024-06-01T14:00:30.123+02:00",
        "2024-06-01 12:00:30.123000",
    ],
)
def test_the_capture_may_be_ms_or_iso_text(captured_at):
    assert unwrap(rewrap(older(captured_at=captured_at), "binance")).captured_at == AT


@pytest.mark.parametrize("captured_at", ["yesterday", "", 1_717_243_230, "1717243230", -5])
def test_a_capture_that_says_no_moment_is_refused(captured_at):
    with pytest.raises(ValueError, match=r"isoformat|captured_at in ms"):
        rewrap(older(captured_at=captured_at), "binance")


@pytest.mark.parametrize(
    ("data_type", "interval", "expected"),
    [
        ("klines", "1h", Interval.HOUR_1),
        ("klines", None, Interval.MINUTE_1),
        ("klines", "absent", Interval.MINUTE_1),
        ("depth", None, None),
        ("depth", "1m", None),
    ],
)
def test_the_interval_is_the_minute_where_it_is_not_said_and_books_have_none(data_type, interval, expected):
    assert unwrap(rewrap(older(type=data_type, interval=interval), "binance")).interval == expected


def test_an_interval_nobody_stores_is_refused():
    with pytest.raises(ValueError, match=r"expected an interval among 1m, .*, got '3m'"):
        rewrap(older(interval="3m"), "binance")


def test_an_envelope_of_ours_is_no_older_one():
    ours = wrap(
        DATA.encode(), exchange="binance", symbol="BTCUSDT", data_type=DataType.KLINES, interval=Interval.MINUTE_1,
        source=Source.REST, captured_at_ms=AT, exchange_time_ms=AT,
    )  # fmt: skip
    assert is_older(older())
    assert not is_older(ours)


@pytest.mark.parametrize("payload", [b"", b"{}", b"[1]", b"\xff", older(type="trades"), older(symbol="absent")])
def test_what_is_nothing_of_the_kind_is_neither(payload):
    assert not is_older(payload)
    with pytest.raises(ValueError, match=r"."):
        rewrap(payload, "binance")
