"""The charts of order books."""

from datetime import timedelta
from decimal import Decimal

from candlewick_ui.charts.orderbook import depth, spread
from candlewick_ui.charts.theme import Theme
from support.drawing import NOON, named, valid


def level(side, number, price, quantity):
    return {"side": side, "level": number, "price": Decimal(price), "quantity": Decimal(quantity)}


def book(minute, basis_points, imbalance="0.25"):
    return {
        "captured_at": NOON + timedelta(minutes=minute),
        "spread": Decimal("0.01000000"),
        "spread_basis_points": None if basis_points is None else Decimal(basis_points),
        "book_imbalance": None if imbalance is None else Decimal(imbalance),
    }


LEVELS = [
    level("ask", 1, "101", "1"),
    level("ask", 2, "102", "2"),
    level("bid", 1, "100", "3"),
    level("bid", 2, "99", "4.5"),
]


def test_depth_sums_each_side_from_the_best_price_on():
    drawn = depth("BTCUSDT", NOON, LEVELS, Theme.LIGHT)
    valid(drawn)
    [bids], [asks] = named(drawn, "bids"), named(drawn, "asks")
    assert (bids["x"], bids["y"]) == ([100.0, 99.0], [3.0, 7.5])
    assert (asks["x"], asks["y"]) == ([101.0, 102.0], [1.0, 3.0])
    assert asks["customdata"][1] == ["102", "2", "3"]
    assert (
        "Newest book of BTCUSDT, captured 2026-03-01 12:00:00 UTC: best bid 100, 7.5 in all 2 levels; best ask 101"
        in drawn.summary
    )


def test_a_book_with_one_side_is_drawn_with_that_side():
    drawn = depth("BTCUSDT", NOON, LEVELS[:2], Theme.DARK)
    valid(drawn)
    assert "bid" not in drawn.summary


def test_no_book_is_no_chart_and_a_sentence():
    assert depth("BTCUSDT", None, [], Theme.LIGHT).summary == "There is no order book of BTCUSDT."
    before = depth("BTCUSDT", None, [], Theme.LIGHT, NOON).summary
    assert before == "There is no order book of BTCUSDT before 2026-03-01 12:00 UTC."


def test_a_book_captured_within_the_minute_asked_for_is_said_to_be_before_it():
    until = NOON + timedelta(seconds=45)
    captured_at = NOON + timedelta(seconds=30)
    assert depth("BTCUSDT", captured_at, LEVELS, Theme.LIGHT, until).summary.startswith(
        "Newest book of BTCUSDT before 2026-03-01 12:00:45 UTC, captured 2026-03-01 12:00:30 UTC: "
    )
    none = spread("BTCUSDT", [], Theme.LIGHT, until).summary
    assert none == "There is no order book of BTCUSDT with both sides before 2026-03-01 12:00:45 UTC."


def test_a_book_of_the_past_is_said_to_be_of_then():
    until = NOON + timedelta(minutes=3)
    assert depth("BTCUSDT", NOON, LEVELS, Theme.LIGHT, until).summary.startswith(
        "Newest book of BTCUSDT before 2026-03-01 12:03 UTC, captured 2026-03-01 12:00:00 UTC: "
    )
    told = spread("BTCUSDT", [book(0, "1.5"), book(2, "2.5")], Theme.LIGHT, until).summary
    assert told == (
        "Spread of the 2 newest books of BTCUSDT before 2026-03-01 12:03 UTC, from 2026-03-01 12:00:00 to 2026-03-01 12:02:00 UTC: "
        "at the end 2.5 basis points, between 1.5 and 2.5."
    )


def test_a_book_whose_levels_are_gone_is_said_to_have_been_there():
    assert depth("BTCUSDT", NOON, [], Theme.LIGHT).summary == (
        "The newest book of BTCUSDT was captured 2026-03-01 12:00:00 UTC; its levels are not kept any more."
    )


def test_the_spread_is_a_line_over_the_books_that_have_one():
    drawn = spread("BTCUSDT", [book(0, "1.5"), book(1, None), book(2, "2.5", None)], Theme.LIGHT)
    valid(drawn)
    [line] = named(drawn, "spread")
    assert line["x"] == ["2026-03-01 12:00:00", "2026-03-01 12:02:00"]
    assert line["y"] == [1.5, 2.5]
    assert named(drawn, "imbalance of the book")[0]["y"] == [0.25, None]
    assert "now 2.5 basis points, between 1.5 and 2.5" in drawn.summary


def test_books_with_one_side_have_no_spread():
    assert spread("BTCUSDT", [book(0, None)], Theme.LIGHT).data == []
