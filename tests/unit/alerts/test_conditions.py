"""What the steps tell people about, beside failing."""

from __future__ import annotations

from datetime import datetime, timedelta

from candlewick.alerts import conditions
from candlewick.market import DataType
from candlewick.pipeline.extract import ExtractSummary
from candlewick.pipeline.load import LoadSummary
from candlewick.spans import Span
from candlewick.warehouse.gaps import Gap
from candlewick.warehouse.reconciliation import Disagreement
from candlewick.warehouse.symbols import StateChange


def test_each_symbol_that_failed_is_a_subject_of_its_own():
    events = conditions.symbols_failed(ExtractSummary(symbols_failed={"AUSDT": "unknown", "BUSDT": "time-out"}))

    assert [(event.kind, event.subject, event.message) for event in events] == [
        ("symbol_failed", "AUSDT", "unknown"),
        ("symbol_failed", "BUSDT", "time-out"),
    ]


def test_rejected_rows_are_told_with_their_reasons_and_the_remedy():
    (event,) = conditions.quarantined(LoadSummary(objects=2, rows=10, rejected=3, reasons={"off_grid": 3}))

    assert "3 rows were rejected" in event.message
    assert "3 off_grid" in event.message
    assert 'force_process = ["quarantined"]' in event.message


def test_a_symbol_that_stops_trading_is_told_with_its_state_before_and_after():
    events = conditions.symbol_states(
        [
            StateChange("AUSDT", "TRADING", "HALT"),
            StateChange("BUSDT", "BREAK", "NOT_LISTED"),
            StateChange("CUSDT", None, "BREAK"),
            StateChange("DUSDT", "HALT", "TRADING"),
        ]
    )

    assert [(event.kind, event.severity, event.subject, event.message.split(":")[0]) for event in events] == [
        ("symbol_state", "warning", "AUSDT", "TRADING → HALT"),
        ("symbol_state", "warning", "BUSDT", "BREAK → NOT_LISTED"),
        ("symbol_state", "warning", "CUSDT", "not asked yet → BREAK"),
    ]


def test_nothing_to_tell_is_nothing_told():
    assert conditions.quarantined(LoadSummary()) == []
    assert conditions.symbol_states([]) == []
    assert conditions.symbols_failed(ExtractSummary()) == []
    assert conditions.schedule_invalid("market_minute", "") == []


def test_gaps_that_were_given_up_are_told_once_a_symbol():
    def gap(symbol: str, start: int) -> Gap:
        first = datetime(2024, 6, 1, 12, start)
        return Gap(
            exchange="binance", symbol=symbol, data_type=DataType.KLINES, interval_code="1m", detected_at=first,
            span=Span(first, first + timedelta(minutes=5)),
        )  # fmt: skip

    events = conditions.unexplained_gaps([gap("BTCUSDT", 0), gap("ETHUSDT", 0), gap("BTCUSDT", 30)])

    assert [(event.kind, event.subject) for event in events] == [("gap", "BTCUSDT klines"), ("gap", "ETHUSDT klines")]
    assert events[0].message.startswith(
        "10 minutes in 2 gaps stay missing and nothing explains it, the first 2024-06-01 12:00"
    )


def test_what_nothing_explains_is_told_by_symbol_and_check():
    (event,) = conditions.unreconciled([Disagreement("SOLUSDT", "1h", 2, 3, datetime(2023, 2, 14, 16))])

    assert (event.kind, event.subject) == ("unreconciled", "SOLUSDT 1h")
    assert event.message.startswith("3 differences on 2 days that nothing explains, the first at 2023-02-14 16:00 UTC")
