"""What of a request is expected, and what lies outside of life and retention."""

from __future__ import annotations

from datetime import datetime

from candlewick.pipeline.gaps.requested import _Life
from candlewick.spans import Span


def day(number: int) -> datetime:
    return datetime(2024, 6, number)


def cut(asked: list[Span], *, opened=None, gone_at=None, expired=(), kept=()):
    found = _Life(opened, "key", gone_at, list(expired), list(kept)).cut("BTCUSDT", asked, asked, day(20))
    return list(found.expected), [(one.reason.value, one.span) for one in found.outside]


def test_what_was_asked_for_is_expected_until_it_is_settled():
    assert cut([Span(day(1), day(30))]) == ([Span(day(1), day(20))], [])
    assert cut([Span(day(25), day(30))]) == ([], [])


def test_minutes_before_the_first_candle_were_not_listed():
    expected, outside = cut([Span(day(1), day(3)), Span(day(4), day(10))], opened=day(5))

    assert expected == [Span(day(5), day(10))]
    assert outside == [("not_listed", Span(day(1), day(3))), ("not_listed", Span(day(4), day(5)))]


def test_minutes_after_a_delisting_that_was_heard_are_not_expected():
    expected, outside = cut([Span(day(1), day(30))], opened=day(1), gone_at=datetime(2024, 6, 9, 23, 59))

    assert expected == [Span(day(1), day(10))]
    assert outside == [("delisted", Span(day(10), day(20)))]


def test_a_symbol_that_never_had_a_candle_was_not_listed_either():
    assert cut([Span(day(1), day(30))], gone_at=datetime(2024, 5, 30))[1] == [("not_listed", Span(day(1), day(20)))]


def test_minutes_that_retention_took_are_expired_unless_a_backfill_keeps_them():
    expected, outside = cut([Span(day(1), day(10))], expired=[Span(day(1), day(8))], kept=[Span(day(2), day(4))])

    assert expected == [Span(day(2), day(4)), Span(day(8), day(10))]
    assert outside == [("retention_expired", Span(day(1), day(2))), ("retention_expired", Span(day(4), day(8)))]


def test_a_day_that_retention_had_to_leave_is_expected_on():
    expected, outside = cut([Span(day(1), day(10))], expired=[Span(day(1), day(3)), Span(day(4), day(8))])

    assert expected == [Span(day(3), day(4)), Span(day(8), day(10))]
    assert outside == [("retention_expired", Span(day(1), day(3))), ("retention_expired", Span(day(4), day(8)))]
