"""Which days a drill takes, and what of its findings is called equal."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from candlewick.pipeline.compare import Comparison, Difference
from candlewick.pipeline.drill import DrillRefused, DrillRequest, DrillSummary
from candlewick.pipeline.drill.__main__ import exit_code
from candlewick.pipeline.drill.objects import Gone

TODAY = date(2026, 2, 1)
SAME = Comparison("fact_klines", 1440, 0, None)
NOTHING = Comparison("fact_orderbook", 0, 0, None)
OTHER = Comparison(
    "daily_klines", 1, 0, Difference("daily_klines", ("binance", "BTCUSDT"), {"volume": 1}, {"volume": 2})
)
GONE = Gone("BTCUSDT", date(2026, 1, 1), "its rows were deleted on purpose")


def summary(*comparisons, gone=(), changed=()):
    return DrillSummary(3, "loaded 3 objects", comparisons, gone, changed)


def test_the_last_day_is_meant_whole_and_symbols_are_optional():
    request = DrillRequest.read({"from": "2026-01-01", "to": "2026-01-02", "symbols": "BTCUSDT, ETHUSDT"}, TODAY)
    assert (request.days.start, request.days.end) == (datetime(2026, 1, 1), datetime(2026, 1, 3))
    assert request.symbols == {"BTCUSDT", "ETHUSDT"}
    assert DrillRequest.read({"from": "2026-01-31", "to": "2026-01-31"}, TODAY).symbols == frozenset()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "expected FROM as a date"),
        ({"from": "2026-01-01", "to": "soon"}, "expected TO as a date"),
        ({"from": "2026-01-02", "to": "2026-01-01"}, "swap FROM and TO"),
        ({"from": "2026-01-02", "to": "2026-02-01"}, "days that are over"),
        (
            {"from": "2026-01-01", "to": "2026-01-01", "symbols": "btc usdt"},
            "expected SYMBOLS as the exchange writes them",
        ),
    ],
)
def test_a_drill_that_makes_no_sense_is_refused_with_a_sentence(params, said):
    with pytest.raises(DrillRefused, match=said):
        DrillRequest.read(params, TODAY)


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        (summary(SAME, NOTHING), 0, "is the same: 1440 rows"),
        (summary(SAME, OTHER), 1, "DIFFERS"),
        (summary(SAME, OTHER, gone=(GONE,)), 1, "DIFFERS"),
        (summary(SAME, changed=("2026-01-01/x.json",)), 1, "DIFFERS"),
        (summary(SAME, gone=(GONE,)), 2, "NOT PROVEN: 1440 rows are the same, but 1 days"),
        (summary(NOTHING), 2, "NOT PROVEN: there was nothing"),
    ],
)
def test_only_what_was_compared_whole_and_is_the_same_ends_well(found, code, said):
    assert exit_code(found) == code
    assert said in found.sentence


def test_the_report_names_the_first_difference_and_what_could_not_be_compared():
    lines = summary(SAME, OTHER, gone=(GONE,) * 12).lines
    assert "fact_klines: 1440 live rows: the same" in lines
    assert "daily_klines: 1 live rows: DIFFERENT, first at daily_klines at binance, BTCUSDT: volume 1 and 2" in lines
    assert "not comparable: BTCUSDT on 2026-01-01, its rows were deleted on purpose" in lines
    assert lines[-1] == "not comparable: 2 more days of symbols"
