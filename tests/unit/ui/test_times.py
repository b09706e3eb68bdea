"""What a caller says of time becomes naive UTC that the tables can hold."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from candlewick_ui import history, times
from candlewick_ui.problems import Problem
from candlewick_ui.queries.candles import END

NOW = datetime(2024, 6, 1, 12)
HOUR = timedelta(hours=1)


def test_an_offset_is_taken_off_and_a_naive_time_is_utc():
    assert times.naive_utc(datetime(2024, 6, 1, 14, tzinfo=timezone(timedelta(hours=2)))) == NOW
    assert times.naive_utc(NOW) == NOW


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), times.EARLIEST),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=12))), times.LATEST),
        (datetime(1, 1, 1), times.EARLIEST),
        (datetime(9999, 12, 31, tzinfo=UTC), times.LATEST),
    ],
)
def test_what_no_table_can_hold_becomes_the_nearest_it_can(said, meant):
    assert times.naive_utc(said) == meant


def test_a_span_ends_now_and_has_the_usual_length_where_nothing_is_said():
    assert times.span(None, None, HOUR, NOW) == (NOW - HOUR, NOW)
    assert times.span(None, NOW - HOUR, HOUR, NOW) == (NOW - 2 * HOUR, NOW - HOUR)
    assert times.span(NOW - 3 * HOUR, None, HOUR, NOW) == (NOW - 3 * HOUR, NOW)


def test_an_empty_span_is_refused():
    with pytest.raises(Problem, match="expected from to lie before to"):
        times.span(NOW, NOW, HOUR, NOW)


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (datetime(9999, 12, 31), None, "got 9999-12-31T00:00:00 and 2024-06-01T12:00:00 (UTC)"),
        (datetime(9999, 12, 31), datetime(9999, 12, 30), "got 9999-12-31T00:00:00 and 9999-12-30T00:00:00 (UTC)"),
        (NOW, datetime(1, 1, 1), "got 2024-06-01T12:00:00 and 0001-01-01T00:00:00 (UTC)"),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(-HOUR)), NOW, "got 9999-12-31T23:00:00 and"),
    ],
)
def test_a_sentence_about_a_span_shows_what_was_asked_not_what_the_tables_can_hold(start, end, told):
    with pytest.raises(Problem, match=re.escape(told)):
        times.span(start, end, HOUR, NOW)


def test_a_span_beyond_what_the_tables_can_hold_is_in_order_and_empty():
    assert times.span(datetime(9999, 12, 30), datetime(9999, 12, 31), HOUR, NOW) == (times.LATEST, times.LATEST)
    assert times.days(date(9999, 12, 30), date(9999, 12, 31), 7, NOW) == (times.LATEST.date(), times.LATEST.date())
    assert history.span(datetime(2150, 1, 1), None, None) == history.Span(datetime(2150, 1, 1), END, is_backward=False)


def test_more_than_the_longest_span_is_refused_as_it_was_asked_for():
    with pytest.raises(Problem, match="at most 24 hours, got 2024-06-01T12:00:00 to 9999-12-31T00:00:00"):
        times.span(NOW, datetime(9999, 12, 31), HOUR, NOW, timedelta(days=1))
    with pytest.raises(Problem, match="at most 92 days, got 2024-06-01 to 9999-12-31"):
        times.days(NOW.date(), date(9999, 12, 31), 7, NOW, 92)


def test_days_end_today_and_are_as_many_as_usual_where_nothing_is_said():
    assert times.days(None, None, 30, NOW) == (date(2024, 5, 3), date(2024, 6, 1))
    assert times.days(None, date(2024, 1, 31), 31, NOW) == (date(2024, 1, 1), date(2024, 1, 31))
    assert times.days(date(2024, 6, 1), None, 30, NOW) == (date(2024, 6, 1), date(2024, 6, 1))


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        (date(2024, 6, 2), None, "2024-06-02 and 2024-06-01"),
        (date(2024, 6, 2), date(2024, 6, 1), "2024-06-02 and 2024-06-01"),
        (date(9999, 12, 31), None, "9999-12-31 and 2024-06-01"),
    ],
)
def test_days_in_the_wrong_order_are_refused_as_they_were_named(first, last, told):
    with pytest.raises(Problem, match=f"expected from to be no later than to, got {told}"):
        times.days(first, last, 30, NOW)
