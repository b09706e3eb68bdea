"""What a caller says of time becomes naive UTC that the tables can hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from candlewick_ui import times
from candlewick_ui.problems import Problem

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


def test_days_end_today_and_are_as_many_as_usual_where_nothing_is_said():
    assert times.days(None, None, 30, NOW) == (date(2024, 5, 3), date(2024, 6, 1))
    assert times.days(None, date(2024, 1, 31), 31, NOW) == (date(2024, 1, 1), date(2024, 1, 31))
    assert times.days(date(2024, 6, 1), None, 30, NOW) == (date(2024, 6, 1), date(2024, 6, 1))


@pytest.mark.parametrize(
    ("first", "last"), [(date(2024, 6, 2), None), (date(2024, 6, 2), date(2024, 6, 1)), (None, date(1, 1, 1))]
)
def test_days_in_the_wrong_order_are_refused(first, last):
    with pytest.raises(Problem, match="expected from to be no later than to"):
        times.days(first, last, 30, NOW)
