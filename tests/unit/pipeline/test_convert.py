"""Which candles and books are taken as they are, and which go to quarantine for which reason."""

from __future__ import annotations

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
    import msgspec

    return unwrap(
        wrap(
            msgspec.json.encode(data), exchange="binance", symbol="BTCUSDT", data_type=data_type, interval=interval,
            source=Source.REST, captured_at_ms=CLOCK + 250, exchange_time_ms=CLOCK,
        )
    )  # fmt: skip


def with_field(position, value):
    return [*GOOD[:position], value, *GOOD[position + 1 :]]


def test_a_candle_becomes_one_line_with_its_digits_unchanged():
    converted = convert_klines(envelope([GOOD]), object_id=5, first_row_number=40)

    assert converted.lines == [
        (
            "40\t5\tbinance\tBTCUSDT\t1m\t2024-06-01 12:00:00.000\t10.00000000\t12.50000000\t9.50000000\t11.00000000\t3.00000000\t"
            "2024-06-01 12:00:59.999\t33.1\t7\t1.0\t11.0\trest\t2024-06-01 12:01:30.250\t2024-06-01 12:01:30.000\n"
        )
    ]
    assert converted.rejects == []


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
        (with_field(1, "\u0661"), RejectReason.NOT_A_NUMBER),
        (with_field(1, "0.123456789"), RejectReason.NOT_A_NUMBER),
        (with_field(1, "1234567890123.0"), RejectReason.NOT_A_NUMBER),
        (with_field(0, str(OPEN)), RejectReason.NOT_A_NUMBER),
        (with_field(8, 7.5), RejectReason.NOT_A_NUMBER),
        (with_field(8, True), RejectReason.NOT_A_NUMBER),
        (with_field(0, OPEN + 1), RejectReason.OFF_GRID),
        (with_field(0, -60_000), RejectReason.OFF_GRID),
        (with_field(0, OPEN + 120_000), RejectReason.IN_THE_FUTURE),
        (with_field(0, OPEN * 1000), RejectReason.IN_THE_FUTURE),
        (with_field(6, OPEN), RejectReason.CLOSE_TIME_OUTSIDE),
        (with_field(6, OPEN + 60_000), RejectReason.CLOSE_TIME_OUTSIDE),
    ],
)
def test_a_malformed_candle_goes_to_quarantine_and_its_neighbours_do_not(row, reason):
    converted = convert_klines(envelope([GOOD, row, GOOD]), object_id=5, first_row_number=1)

    assert [(reject.row_number, reject.reason) for reject in converted.rejects] == [(2, reason)]
    assert [line.split("\t")[0] for line in converted.lines] == ["1", "3"]


def test_a_candle_that_closed_early_in_an_outage_is_a_candle():
    assert convert_klines(envelope([with_field(6, OPEN + 21_646)]), 5, 1).rejects == []


def test_the_series_reaches_the_newest_closed_candle_whatever_the_order_and_not_the_forming_one():
    earlier, forming = with_field(0, OPEN - 60_000), with_field(0, OPEN + 60_000)
    earlier[6], forming[6] = OPEN - 1, OPEN + 119_999

    assert convert_klines(envelope([forming, GOOD, earlier]), 5, 1).reached_ms == OPEN


def test_the_series_passes_a_closed_candle_in_quarantine():
    assert convert_klines(envelope([with_field(1, "bad")]), 5, 1).reached_ms == OPEN


def test_an_answer_of_no_candles_is_no_fault():
    converted = convert_klines(envelope([]), 5, 1)

    assert (converted.lines, converted.rejects, converted.reached_ms) == ([], [], None)


@pytest.mark.parametrize("data", [{"code": -1003}, "busy", None, 7])
def test_an_answer_that_is_no_list_goes_to_quarantine_whole(data):
    converted = convert_klines(envelope(data), 5, 1)

    assert [(r.row_number, r.reason) for r in converted.rejects] == [(0, RejectReason.NOT_A_LIST)]
    assert converted.is_unreadable


BOOK = {"lastUpdateId": 9, "bids": [["10.0", "1.5"], ["9.9", "2"]], "asks": [["10.1", "3"], ["10.2", "0.5"]]}


def book(data):
    return convert_book(envelope(data, DataType.DEPTH, None), object_id=5, first_row_number=1)


def test_a_book_becomes_a_line_per_level_the_best_first():
    lines = [line.rstrip("\n").split("\t") for line in book(BOOK).lines]

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

    assert converted.lines == []
    assert [(r.row_number, r.reason) for r in converted.rejects] == [(0, reason)]


def test_every_reason_has_a_sentence():
    assert all(reason.sentence.startswith("expected ") for reason in RejectReason)


def test_moments_are_cut_to_milliseconds_in_utc():
    assert moment_text(1_679_661_581_646) == "2023-03-24 12:39:41.646"
