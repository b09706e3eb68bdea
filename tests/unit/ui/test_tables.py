"""How values of the ledgers are written on pages."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from candlewick_ui.pages.tables import badge, day_end, day_start, folded, query, said, share, size
from candlewick_ui.pages.text import NOTHING


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, NOTHING),
        ("", NOTHING),
        (True, "yes"),
        (False, "no"),
        (1234567, "1,234,567"),
        (Decimal("1234.5000"), "1,234.5"),
        ("x", "x"),
    ],
)
def test_a_value_is_written_for_people(value, text) -> None:
    assert said(value) == text


def test_a_time_says_that_it_is_utc() -> None:
    assert 'datetime="2026-01-02T03:04:05Z"' in said(datetime(2026, 1, 2, 3, 4, 5))
    assert "2026-01-02" in said(date(2026, 1, 2))


@pytest.mark.parametrize(
    ("bytes_", "text"), [(None, NOTHING), (12, "12 B"), (2_500_000, "2.5 MB"), (-3_000, "-3.0 kB")]
)
def test_bytes_are_short_and_exact_on_hover(bytes_, text) -> None:
    shown = size(bytes_)
    assert text in shown
    assert bytes_ is None or bytes_ < 1000 or f"{bytes_:,} bytes" in shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, NOTHING),
        (Decimal(1), "100.00 %"),
        (Decimal("0.999999"), "99.99 %"),
        (Decimal("0.5"), "50.00 %"),
        (0.25, "25.00 %"),
    ],
)
def test_almost_all_is_never_called_all(value, text) -> None:
    assert share(value) == text


def test_what_the_warehouse_says_is_never_markup() -> None:
    evil = "<script>alert(1)</script>"
    assert "<script>" not in folded(evil)
    assert "<script>" not in folded(f'{{"a": "{evil}"}}')
    assert "<script>" not in badge({})(evil)


def test_a_state_is_a_badge_of_its_kind() -> None:
    assert badge({"failed": "bad"})("failed") == '<span class="badge bad">failed</span>'
    assert badge({})("not_captured") == '<span class="badge ">not captured</span>'


def test_a_query_keeps_what_is_set() -> None:
    assert query({"a": 1, "b": None, "c": ""}, cursor="x y") == "?a=1&cursor=x+y"
    assert query({}) == "?"


def test_a_day_is_all_of_it() -> None:
    assert (day_start(date(2026, 1, 2)), day_end(date(2026, 1, 2))) == (datetime(2026, 1, 2), datetime(2026, 1, 3))
    assert (day_start(None), day_end(None)) == (None, None)


def test_a_day_the_tables_cannot_hold_is_cut() -> None:
    assert day_start(date.min) > datetime(1970, 1, 1)
    assert day_end(date.max) < datetime(2300, 1, 1)
