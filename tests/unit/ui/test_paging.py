"""Cursors lead through a list, and only through the list that made them."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from candlewick_ui import paging, told
from candlewick_ui.problems import Problem
from candlewick_ui.queries import backfills, gaps, status, storage


@pytest.mark.parametrize(
    "key",
    [
        (7,),
        (datetime(2024, 6, 1, 12, 0, 0, 123000), 9),
        ("BTCUSDT", date(2024, 6, 1), "1h"),
        ("币安人生USDT", "1m", datetime(2024, 6, 1), "rest", "ab" * 16),
    ],
)
def test_a_cursor_gives_back_the_key_it_was_made_of(key):
    assert paging.decode(paging.encode(*key), *(type(value) for value in key)) == key


def test_the_cursor_of_a_time_that_is_told_is_that_of_the_time():
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_000)
    assert paging.decode(paging.encode(0, told.moment(moment)), int, datetime) == (0, moment)


def test_the_first_page_has_no_cursor():
    assert paging.decode(None, int) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "%%%",
        "ü",
        "bm9uc2Vuc2U",
        paging.encode("BTCUSDT"),
        paging.encode(1, 2),
        paging.encode(2**64),
        paging.encode(True),
    ],
)
def test_a_cursor_of_something_else_is_refused_with_a_sentence(cursor):
    with pytest.raises(
        Problem, match=r"expected the `next` of a page of this list as cursor, got .*; begin without one"
    ):
        paging.decode(cursor, int)


def test_a_page_says_that_there_is_more_only_when_one_more_row_was_found():
    rows = [{"n": number} for number in range(3)]
    assert paging.cut(rows, 3, "n").next is None
    page = paging.cut(rows, 2, "n")
    assert [row["n"] for row in page.rows] == [0, 1]
    assert paging.decode(page.next, int) == (1,)


class NothingBefore:
    """Stands where the reader of the warehouse does; notes before which number rows were asked for."""

    def rows(self, _statement, before, **_values):
        self.before = before
        return []


@pytest.mark.parametrize(
    "page",
    [
        lambda reader, before: gaps.page(reader, "binance", gaps.Filters(), 10, before),
        lambda reader, before: status.events(reader, 10, before=before),
        lambda reader, before: storage.events(reader, None, 10, before),
        lambda reader, before: backfills.newest(reader, 10, before),
    ],
)
def test_a_list_that_has_come_to_its_end_does_not_begin_again(page):
    reader = NothingBefore()
    page(reader, 0)
    assert reader.before == 0
    page(reader, None)
    assert reader.before == 2**63 - 1
