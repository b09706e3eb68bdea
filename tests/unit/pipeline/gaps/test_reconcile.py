"""Which rows shrink, and which missing minutes are new or go on from a row."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from candlewick.market import DataType, GapReason
from candlewick.pipeline.gaps.reconcile import begun, shrunk
from candlewick.spans import Span
from candlewick.warehouse.gaps import Gap, evidence_text, read_evidence

NOON = datetime(2024, 6, 1, 12)


def span(start: int, end: int) -> Span:
    return Span(NOON + timedelta(minutes=start), NOON + timedelta(minutes=end))


def row(start: int, end: int, reason: GapReason = GapReason.UNKNOWN, gap_id: int = 1) -> Gap:
    return Gap(
        gap_id=gap_id, exchange="binance", symbol="BTCUSDT", data_type=DataType.KLINES, interval_code="1m",
        span=span(start, end), detected_at=NOON, reason=reason,
    )  # fmt: skip


def test_a_row_that_is_still_missing_stays():
    assert shrunk([row(0, 10)], [span(-5, 20)]) == []


def test_a_row_keeps_what_is_left_of_it():
    whole = row(0, 10)

    assert shrunk([whole], [span(0, 2), span(5, 7), span(9, 12)]) == [(whole, [span(0, 2), span(5, 7), span(9, 10)])]
    assert shrunk([whole], []) == [(whole, [])]


@pytest.mark.parametrize(
    ("reason", "grows"),
    [
        (GapReason.UNKNOWN, True),
        (GapReason.EXCHANGE_OUTAGE, True),
        (GapReason.REJECTED, False),
        (GapReason.SYMBOL_HALTED, False),
    ],
)
def test_what_goes_on_from_a_gap_belongs_to_it_where_the_reason_is_one_for_all(reason, grows):
    known = row(0, 10, reason)
    expected = known if grows else None

    assert begun([known], [known.span], [span(0, 20)]) == [(expected, span(10, 20))]
    assert begun([known], [known.span], [span(-5, 10)]) == [(expected, span(-5, 0))]


def test_a_gap_grows_on_one_side_only_and_no_minute_is_in_two():
    known = row(0, 10)

    assert begun([known], [known.span], [span(-5, 15)]) == [(known, span(-5, 0)), (None, span(10, 15))]
    assert begun([known], [known.span], [span(20, 25)]) == [(None, span(20, 25))]


def test_evidence_that_is_too_long_loses_the_end_of_its_longest_list_and_says_so():
    text = evidence_text({"rule": "rejected", "found": [{"object": "x" * 100}] * 40})

    assert text is not None
    assert len(text) <= 2000
    kept = read_evidence(text)
    assert (kept["rule"], kept["is_cut"]) == ("rejected", True)
    assert 5 < len(kept["found"]) < 40
