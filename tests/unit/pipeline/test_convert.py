"""Which candles and books are taken as they are, and which go to quarantine for which reason."""

from __future__ import annotations

import json

import msgspec
import pytest

from candlewick.lake.envelope import unwrap, wrap
from candlewick.market import DataType, Interval, RejectReason, Source
from candlewick.pipeline.convert import convert_book, convert_klines, moment_text

OPEN = 1_717_243_200_000  # 2024-06-01 12:00:00 UTC
CLOCK = OPEN + 90_000  # the second minute is forming
GOOD = [
    OPEN,
    "10.00000000",
    "12.50000000",
    "9.50000000",
    "11.00000000",
    "3.00000000",
    OPEN + 59_999,
    "33.1",
    7,
    "1.0",
    "11.0",
    "0",
]


def envelope(data, data_type=DataType.KLINES, interval=Interval.MINUTE_1):
    return unwrap(
        wrap(
            msgspec.json.encode(data), exchange="binance", symbol="BTCUSDT", data_type=data_type, interval=interval,
            source=Source.REST, captured_at_ms=CLOCK + 250, exchange_time_ms=CLOCK,
        )
    )  # fmt: skip


def with_field(position, value):
    return [*GOOD[:position], value, *GOOD[position + 1 :]]


def test_a_candle_becomes_one_line_with_its_digits_unchanged():
    converted = convert_klines(envelope([GOOD]), object_id=5, rows_before=0)

    assert converted.lines == (
        b"1\t5\tbinance\tBTCUSDT\t1m\t1717243200000\t10.00000000\t12.50000000\t9.50000000\t11.00000000\t3.00000000\t"
        b"1717243259999\t33.1\t7\t1.0\t11.0\t0\trest\t2024-06-01 12:01:30.250\t2024-06-01 12:01:30.000\n"
    )
    assert (converted.staged, converted.rejects) == (1, [])


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
def test_an_answer_as_the_exchange_writes_it_and_the_same_answer_spaced_out_become_the_same_lines(count):
    rows = [with_field(0, OPEN + number * 60_000) for number in range(count)]
    head = envelope(rows)
    spaced = msgspec.structs.replace(head, data=msgspec.Raw(json.dumps(rows, indent=1).encode()))

    assert convert_klines(head, 5, 0) == convert_klines(spaced, 5, 0)
    assert convert_klines(head, 5, 0).staged == count


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (GOOD[:11], RejectReason.FIELD_COUNT),
        ([*GOOD, "0"], RejectReason.FIELD_COUNT),
        ("candle", RejectReason.FIELD_COUNT),
        (with_field(1, "notint"), RejectReason.NOT_A_NUMBER),
        (with_field(1, "1e3"), RejectReason.NOT_A_NUMBER),
        (with_field(1, "NaN"), RejectReason.NOT_A_NUMBER),
        (with_field(1, ""), RejectReason.NOT_A_NUMBER),
        (with_field(1, None), RejectReason.NOT_A_NUMBER),
        (with_field(1, "1\t2"), RejectReason.NOT_A_NUMBER),
        (with_field(1, "1\n"), RejectReason.NOT_A_NUMBER),
        (with_field(1, "\u0661"), RejectReason.NOT_A_NUMBER),
        (with_field(1, "0.123456789"), RejectReason.NOT_A_NUMBER),
        (with_field(1, "1234567890123.0"), RejectReason.NOT_A_NUMBER),
        (with_field(0, str(OPEN)), RejectReason.NOT_A_NUMBER),
        (with_field(0, OPEN * 1000), RejectReason.NOT_A_NUMBER),
        (with_field(0, -OPEN), RejectReason.NOT_A_NUMBER),
        (with_field(6, None), RejectReason.NOT_A_NUMBER),
        (with_field(8, 7.5), RejectReason.NOT_A_NUMBER),
        (with_field(8, True), RejectReason.NOT_A_NUMBER),
    ],
)
def test_a_malformed_candle_goes_to_quarantine_and_its_neighbours_do_not(row, reason):
    converted = convert_klines(envelope([GOOD, row, GOOD]), object_id=5, rows_before=0)

    assert [(reject.row_number, reject.reason) for reject in converted.rejects] == [(2, reason)]
    assert converted.staged == converted.lines.count(b"\n") == 2


def test_lines_are_numbered_on_from_the_objects_before():
    lines = convert_klines(envelope([GOOD, with_field(1, "bad"), GOOD]), 5, rows_before=40).lines.splitlines()

    assert [line.split(b"\t")[0] for line in lines] == [b"41", b"42"]


def test_a_staged_row_is_found_in_the_payload_although_rows_before_it_were_rejected():
    bad = with_field(1, "bad")
    converted = convert_klines(envelope([bad, GOOD, bad, bad, GOOD, GOOD]), 5, 0)

    assert [converted.row_number(staged) for staged in (1, 2, 3)] == [2, 5, 6]


def test_a_rejected_row_still_tells_its_open_time():
    assert convert_klines(envelope([with_field(1, "bad")]), 5, 0).rejects[0].open_ms == OPEN


@pytest.mark.parametrize("data", [{"code": -1003}, "busy", None, 7])
def test_an_answer_that_is_no_list_goes_to_quarantine_whole(data):
    converted = convert_klines(envelope(data), 5, 0)

    assert [(r.row_number, r.reason) for r in converted.rejects] == [(0, RejectReason.NOT_A_LIST)]
    assert converted.is_unreadable


BOOK = {"lastUpdateId": 9, "bids": [["10.0", "1.5"], ["9.9", "2"]], "asks": [["10.1", "3"], ["10.2", "0.5"]]}


def book(data):
    return convert_book(envelope(data, DataType.DEPTH, None), object_id=5, rows_before=0)


def test_a_book_becomes_a_line_per_level_the_best_first():
    lines = [line.split("\t") for line in book(BOOK).lines.decode().splitlines()]

    assert [line[6:10] for line in lines] == [
        ["bid", "1", "10.0", "1.5"], ["bid", "2", "9.9", "2"], ["ask", "1", "10.1", "3"], ["ask", "2", "10.2", "0.5"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lastUpdateId": "9"}, RejectReason.NOT_A_BOOK),
        ({"bids": None}, RejectReason.NOT_A_BOOK),
        ({"bids": []}, RejectReason.EMPTY_BOOK),
        ({"bids": [["10.0"]]}, RejectReason.FIELD_COUNT),
        ({"bids": [["x", "1"]]}, RejectReason.NOT_A_NUMBER),
        ({"bids": [["10.0", "0"]]}, RejectReason.BOOK_NOT_POSITIVE),
        ({"bids": [["-10.0", "1"]]}, RejectReason.BOOK_NOT_POSITIVE),
        ({"bids": [["9.9", "1"], ["10.0", "1"]]}, RejectReason.BOOK_UNSORTED),
        ({"asks": [["10.1", "1"], ["10.1", "1"]]}, RejectReason.BOOK_UNSORTED),
        ({"bids": [["10.1", "1"]]}, RejectReason.BOOK_CROSSED),
    ],
)
def test_a_book_with_a_fault_goes_to_quarantine_whole(change, reason):
    converted = book({**BOOK, **change})

    assert converted.lines == b""
    assert [(r.row_number, r.reason) for r in converted.rejects] == [(0, reason)]


def test_every_reason_has_a_sentence():
    assert all(reason.sentence.startswith("expected ") for reason in RejectReason)


def test_moments_are_cut_to_milliseconds_in_utc():
    assert moment_text(1_679_661_581_646) == "2023-03-24 12:39:41.646"
