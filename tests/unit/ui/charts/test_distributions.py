"""The charts of bins, and the heat map."""

from decimal import Decimal

from candlewick_ui.charts.correlation import heat_map
from candlewick_ui.charts.distributions import prices, returns, span, volume_profile
from candlewick_ui.charts.theme import Theme
from support.drawing import MINUTE, NOON, valid

WINDOW = {"from_time": NOON, "to_time": NOON + 1440 * MINUTE}


def priced(number, low, high, **more):
    return {"bin_number": number, "lower_price": Decimal(low), "upper_price": Decimal(high), **WINDOW, **more}


def traded(number, low, high, volume, is_control=False, is_area=False):
    more = {"volume": Decimal(volume), "share": 0.1, "is_point_of_control": is_control, "is_value_area": is_area}
    return priced(number, low, high, **more)


def test_the_volume_profile_shows_the_value_area_and_the_point_of_control_apart():
    bins = [
        traded(1, "10", "11", "5"),
        traded(2, "11", "12", "20", True, True),
        traded(3, "12", "13", "10", False, True),
    ]
    drawn = volume_profile("BTCUSDT", bins, Theme.LIGHT)
    valid(drawn)
    assert [(trace["name"], trace["x"], trace["y"]) for trace in drawn.data] == [
        ("value area", [10.0], [12.5]), ("point of control", [20.0], [11.5]), ("outside", [5.0], [10.5]),
    ]  # fmt: skip
    assert [trace["width"] for trace in drawn.data] == [[0.95]] * 3
    assert "most between 11 and 12; the value area reaches from 11 to 13." in drawn.summary


def test_a_window_without_trades_has_no_profile():
    assert volume_profile("BTCUSDT", [traded(1, "10", "10", "0")], Theme.LIGHT).data == []
    assert volume_profile("BTCUSDT", [], Theme.LIGHT).data == []


def test_the_price_distribution_has_a_bar_for_every_bin_empty_ones_too():
    drawn = prices(
        "BTCUSDT",
        [priced(1, "10", "11", bars=3), priced(2, "11", "12", bars=0), priced(3, "12", "13", bars=9)],
        Theme.DARK,
    )
    valid(drawn)
    assert drawn.data[0]["y"] == [3, 0, 9]
    assert "12 minutes between 10 and 13, most of them between 12 and 13." in drawn.summary


def test_the_return_distribution_marks_the_values_at_risk_as_losses():
    bins = [{"lower_bound": -0.02, "upper_bound": 0.0, "observations": 4, "share": 0.4},
            {"lower_bound": 0.0, "upper_bound": 0.02, "observations": 6, "share": 0.6}]  # fmt: skip
    moments = dict.fromkeys(("mean", "standard_deviation", "skewness", "excess_kurtosis", "realised_volatility"), 0.5)
    moments |= {"observations": 10, "var_95": 0.015, "var_99": None}
    moments |= {"first_open_time": NOON, "last_open_time": NOON + 1435 * MINUTE}
    drawn = returns("BTCUSDT", "24h", bins, moments, Theme.LIGHT, 5)
    valid(drawn)
    assert drawn.data[0]["x"] == [-0.01, 0.01]
    assert [line["x0"] for line in drawn.layout["shapes"]] == [-0.015]
    assert drawn.summary.startswith(
        "10 log returns of BTCUSDT over 5 minutes each, 24h (2026-03-01 12:00 to 2026-03-02 12:00 UTC): mean 0.5"
    )
    assert drawn.layout["xaxis"]["title"]["text"] == "log return of 5 minutes"
    assert "99 %" not in drawn.summary


def test_no_returns_are_no_chart():
    assert returns("BTCUSDT", "24h", [], None, Theme.LIGHT, 5).data == []


def test_the_length_of_a_return_is_said_in_its_largest_unit():
    assert [span(minutes) for minutes in (1, 5, 60, 90, 240, 1440)] == [
        "1 minute", "5 minutes", "1 hour", "90 minutes", "4 hours", "1 day",
    ]  # fmt: skip


def pair(one, other, value, observations=100):
    window = {"window_start": NOON, "window_end": NOON + 1440 * MINUTE}
    return {"symbol": one, "other_symbol": other, "correlation": value, "observations": observations, **window}


def test_the_heat_map_is_the_whole_matrix_made_of_one_triangle():
    pairs = [pair("A", "A", 1.0), pair("A", "B", 0.5), pair("B", "B", 1.0), pair("A", "C", None, 3)]
    drawn = heat_map("24h", ["A", "B", "C"], pairs, Theme.LIGHT, 60)
    valid(drawn)
    assert drawn.summary.startswith(
        "Correlation of the returns, over 1 hour each, of 3 symbols, 24h (2026-03-01 12:00 to "
    )
    assert drawn.data[0]["z"] == [[1.0, 0.5, None], [0.5, 1.0, None], [None, None, None]]
    assert drawn.data[0]["customdata"] == [[100, 100, 3], [100, 100, 0], [3, 0, 0]]
    assert drawn.summary.endswith("Most alike: A and B 0.50; least: A and B 0.50.")


def test_no_pairs_are_no_heat_map():
    assert heat_map("7d", [], [], Theme.DARK, 60).data == []
