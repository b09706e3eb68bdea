"""How values are written on pages."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from candlewick_ui.charts.sparkline import path
from candlewick_ui.pages import text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("64123.50000000"), "64,123.5"),
        (Decimal("0.00000120"), "0.0000012"),
        (Decimal("-1234567.00000000"), "-1,234,567"),
        (Decimal("-0.25000000"), "-0.25"),
        (Decimal("123456789012.12345678"), "123,456,789,012.12345678"),
        (0, "0"),
        (None, "\N{EN DASH}"),
    ],
)
def test_a_price_keeps_its_digits_and_loses_its_zeros(value, written):
    assert text.grouped(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1068.02000000"), "+1,068.02"),
        (Decimal("-0.25"), "-0.25"),
        (Decimal("0E-8"), "0"),
        (None, "\N{EN DASH}"),
    ],
)
def test_a_change_has_its_sign_also_when_it_is_a_gain(value, written):
    assert text.signed(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1234567890.5"), "1.23 B"),
        (Decimal(-45600), "-45.60 k"),
        (Decimal("12.345"), "12.345"),
        (Decimal(0), "0"),
    ],
)
def test_a_volume_is_written_in_short(value, written):
    assert text.short(value) == written


def test_a_change_has_its_sign():
    assert text.signed_percent(Decimal("1.256")) == "+1.26 %"
    assert text.signed_percent(Decimal("-0.001")) == "-0.00 %"
    assert text.signed_percent(None) == "\N{EN DASH}"


def test_a_time_says_that_it_is_utc_and_carries_it_for_programs():
    written = text.moment(datetime(2026, 3, 1, 12, 30, 5, 123000))
    assert written == '<time datetime="2026-03-01T12:30:05Z">2026-03-01 12:30:05 UTC</time>'
    short = text.minute(datetime(2026, 3, 1, 12, 30, 5))
    assert short == '<time datetime="2026-03-01T12:30:05Z">2026-03-01 12:30 UTC</time>'
    assert text.minute(None) == "\N{EN DASH}"


def test_a_span_has_its_two_largest_units():
    assert text.span(timedelta(days=2, hours=3, minutes=4)) == "2 d 3 h"
    assert text.span(61) == "1 min"
    assert text.span(5) == "5 s"


@pytest.mark.parametrize(
    ("sentence", "written"),
    [
        ("made `x` of `a < b`", "made <code>x</code> of <code>a &lt; b</code>"),
        ("no names, but 1 < 2", "no names, but 1 &lt; 2"),
        ("`x` and a ` alone", "<code>x</code> and a ` alone"),
    ],
)
def test_a_name_between_backticks_is_code(sentence, written):
    assert text.marked_up(sentence) == written


def test_a_sparkline_fills_its_box_and_breaks_where_an_hour_is_missing():
    start, hour = datetime(2026, 3, 1), timedelta(hours=1)
    points = [(start, Decimal(1)), (start + hour, Decimal(3)), (start + 4 * hour, Decimal(2))]
    assert path(points, hour) == "M0.00 28.00L25.00 2.00M100.00 15.00"


def test_a_price_that_stands_still_is_a_line_in_the_middle():
    start, hour = datetime(2026, 3, 1), timedelta(hours=1)
    assert path([(start, Decimal(1)), (start + hour, Decimal(1))], hour) == "M0.00 15.00L100.00 15.00"


def test_one_point_is_no_line():
    assert path([(datetime(2026, 3, 1), Decimal(1))], timedelta(hours=1)) == ""
