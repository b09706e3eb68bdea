"""The chart of candles."""

from datetime import timedelta
from decimal import Decimal

import pytest

from candlewick_ui.charts.history import History
from candlewick_ui.charts.panes import Pane
from candlewick_ui.charts.price import figure
from candlewick_ui.charts.theme import Theme
from support.drawing import MINUTE, NAMES, NOON, bar, named, valid

INDICATORS = {
    "rsi": 55.5, "macd": 1.0, "macd_signal": 0.5, "macd_histogram": 0.5,
    "bollinger_upper": 12.0, "bollinger_middle": 11.0, "bollinger_lower": 10.0, "atr": 0.25,
}  # fmt: skip


NEEDS = {Pane.RSI: 15, Pane.MACD: 34, Pane.BOLLINGER: 20, Pane.ATR: 15}


def draw(bars, values=None, panes=tuple(Pane), look=Theme.LIGHT, length=MINUTE, **told):
    history = History(**{"asked": len(bars), "final": 1000, "needs": NEEDS, **told})
    return figure("BTCUSDT", bars, values or {}, length, panes, look, NAMES, history)


def sentences(drawn):
    return [(one["text"].replace("<br>", " "), one["yref"]) for one in drawn.layout["annotations"]]


@pytest.mark.parametrize("look", list(Theme))
@pytest.mark.parametrize("panes", [(), (Pane.RSI,), tuple(Pane)])
def test_is_a_figure_of_plotly_with_any_panes_and_in_both_themes(look, panes):
    bars = [bar(0, "10", "11"), bar(1, "11", "10.5"), bar(4, "10", "12", is_final=False)]
    drawn = valid(draw(bars, {NOON: INDICATORS}, panes, look))
    axes = {name: axis for name, axis in drawn.layout.to_plotly_json().items() if name.startswith("yaxis")}
    hatched = [axis["overlaying"] for axis in axes.values() if "overlaying" in axis]
    count = 1 + len([pane for pane in panes if pane is not Pane.BOLLINGER])
    assert (len(axes) - len(hatched), len(set(hatched))) == (count, count)


def test_a_rising_candle_is_a_box_from_open_to_close_and_a_line_from_low_to_high():
    [candle] = named(draw([bar(0, "10", "11", low="9", high="12")]), "rising")
    assert candle["y"] == [9.0, 10.0, 10.0, 11.0, 11.0, 12.0, 11.0, 11.0, 10.0, 10.0, None]
    left, centre, right = (f"2026-03-01 12:00:{second}" for second in ("09", "30", "51"))
    assert candle["x"] == [centre, centre, left, left, centre, centre, centre, right, right, centre, None]


def test_candles_that_fall_have_a_trace_and_a_colour_of_their_own():
    drawn = draw([bar(0, "10", "11"), bar(1, "11", "10")])
    [rising], [falling] = named(drawn, "rising"), named(drawn, "falling")
    assert rising["line"]["color"] != falling["line"]["color"]
    assert len(rising["y"]) == len(falling["y"]) == 11


def test_a_candle_in_progress_is_drawn_apart_and_said_to_be_so():
    drawn = draw([bar(0, "10", "11"), bar(1, "11", "12", is_final=False)], {NOON: INDICATORS})
    [pending] = named(drawn, "in progress")
    assert pending["y"][1:4] == [11.0, 11.0, 12.0]
    assert pending["line"]["dash"] == "dot"
    assert len(named(drawn, "rising")[0]["y"]) == 11
    assert drawn.notes == ["1 of 2 candles is in progress: dotted, and changing."]


def test_a_stretch_without_candles_is_hatched_and_no_line_crosses_it():
    bars = [bar(0, "10", "11"), bar(1, "11", "12"), bar(5, "12", "13")]
    drawn = draw(bars, {one["open_time"]: INDICATORS for one in bars}, (Pane.RSI,))
    missing, below = named(drawn, "missing")
    for hatch in (missing, below):
        assert hatch["x"][:4] == [
            "2026-03-01 12:02:00", "2026-03-01 12:02:00", "2026-03-01 12:05:00", "2026-03-01 12:05:00",
        ]  # fmt: skip
        assert hatch["fillpattern"]["shape"]
    assert (missing["yaxis"], below["yaxis"]) == ("y91", "y92")
    assert [hatch["showlegend"] for hatch in (missing, below)] == [True, False]
    assert named(drawn, "RSI 14")[0]["y"] == [55.5, 55.5, None, 55.5]
    assert drawn.notes == ["Candles are missing where the chart is hatched: 2026-03-01 12:02 to 2026-03-01 12:05 UTC."]


def test_bars_next_to_one_another_are_no_gap():
    assert not named(draw([bar(minute, "10", "11") for minute in range(5)]), "missing")


def test_what_the_pointer_says_has_every_digit():
    [told] = named(
        draw([bar(0, "0.00001234", "98765432109.87654321", volume="123456789012345678901.12345678")]), "candle"
    )
    assert told["customdata"][0][0] == "0.00001234"
    assert told["customdata"][0][3] == "98765432109.87654321"
    assert told["customdata"][0][4] == "123456789012345678901.12345678"


def test_a_bar_without_indicators_breaks_their_lines():
    bars = [bar(0, "10", "11"), bar(1, "11", "12", is_final=False)]
    drawn = draw(bars, {NOON: INDICATORS})
    assert named(drawn, "RSI 14")[0]["y"] == [55.5, None]
    assert named(drawn, "MACD 12, 26, 9")[0]["y"] == [1.0, None]


def test_columns_of_volume_are_those_of_rising_and_of_falling_bars():
    rising, falling = named(
        draw([bar(0, "1", "2", volume="5"), bar(1, "2", "1", volume="7")], panes=(Pane.VOLUME,)), "volume"
    )
    assert (rising["y"], falling["y"]) == ([0, 5.0, 5.0, 0], [0, 7.0, 7.0, 0])
    assert rising["x"] == ["2026-03-01 12:00:00"] * 2 + ["2026-03-01 12:01:00"] * 2


def test_columns_end_where_candles_are_missing_and_are_as_wide_as_a_bar():
    bars = [bar(0, "1", "2", volume="5"), bar(1, "1", "2", volume="6"), bar(7, "1", "2", volume="7")]
    drawn = draw(bars, {one["open_time"]: INDICATORS for one in bars}, (Pane.VOLUME, Pane.MACD))
    [volume], [rise] = named(drawn, "volume"), named(drawn, "histogram")[:1]
    for path in (volume, rise):
        corners = list(zip(path["x"], path["y"], strict=True))
        assert [time[-5:] for time, _ in corners] == [
            "00:00", "00:00", "01:00", "01:00", "01:00", "01:00", "02:00", "02:00", "07:00", "07:00", "08:00", "08:00",
        ]  # fmt: skip
        assert [y for time, y in corners if time.endswith(("02:00", "07:00"))][1:3] == [0, 0]  # nothing between them


def test_the_volume_of_a_candle_in_progress_has_a_colour_of_its_own():
    drawn = draw([bar(0, "1", "2", volume="5"), bar(1, "1", "2", volume="3", is_final=False)], panes=(Pane.VOLUME,))
    final, pending = named(drawn, "volume")
    assert (final["y"][1], pending["y"][1]) == (5.0, 3.0)
    assert final["fillcolor"] != pending["fillcolor"]


def test_the_summary_says_the_range_and_the_newest_values():
    bars = [bar(0, "10", "11", low="8"), bar(1, "11", "12.50", high="13")]
    told = draw(bars, {NOON + MINUTE: INDICATORS}).summary
    assert "2 candles from 2026-03-01 12:00 to 2026-03-01 12:01 UTC" in told
    assert "Close 12.5, lowest 8, highest 13." in told
    assert "RSI 55.5" in told


def test_no_candle_is_no_chart_and_a_sentence():
    drawn = draw([])
    assert drawn.data == []
    assert drawn.summary == "There is no candle of BTCUSDT."
    assert draw([], until=NOON).summary == "There is no candle of BTCUSDT before 2026-03-01 12:00 UTC."
    within = NOON + timedelta(seconds=45)
    assert draw([], until=within).summary == "There is no candle of BTCUSDT before 2026-03-01 12:00:45 UTC."


def test_the_pointer_says_when_a_candle_opens_and_that_this_is_utc():
    bars = [bar(0, "10", "11"), bar(1, "11", "12")]
    drawn = draw(bars, {one["open_time"]: INDICATORS for one in bars})
    for name in ("candle", "upper band", "RSI 14", "MACD 12, 26, 9", "signal", "ATR 14"):
        [line] = named(drawn, name)
        assert line["x"] == ["2026-03-01 12:00:00", "2026-03-01 12:01:00"]
        assert (line["xperiod"], line["xperiodalignment"]) == (60_000, "middle")  # drawn where the candle stands
    assert drawn.layout["xaxis"]["hoverformat"] == "%Y-%m-%d %H:%M UTC"
    assert draw(bars, length=timedelta(days=1)).layout["xaxis"]["hoverformat"] == "%Y-%m-%d UTC"


def test_a_pane_whose_indicator_is_not_warm_says_how_many_candles_it_needs():
    bars = [bar(minute, "10", "11") for minute in range(9)]
    drawn = draw(bars, {one["open_time"]: dict.fromkeys(INDICATORS) for one in bars}, final=9)
    valid(drawn)
    assert sentences(drawn) == [
        ("Bollinger 20, 2 needs 20 final candles; 9 are there.", "y domain"),
        ("RSI 14 needs 15 final candles; 9 are there.", "y3 domain"),
        ("MACD 12, 26, 9 needs 34 final candles; 9 are there.", "y4 domain"),
        ("ATR 14 needs 15 final candles; 9 are there.", "y5 domain"),
    ]
    assert {trace["name"] for trace in drawn.data if trace.get("showlegend") is not False} == {"rising"}
    assert drawn.notes == [words for words, _ in sentences(drawn)]


def test_an_indicator_that_is_warm_at_one_candle_is_a_line():
    bars = [bar(minute, "10", "11") for minute in range(2)]
    drawn = draw(bars, {bars[1]["open_time"]: INDICATORS}, final=20)
    assert sentences(drawn) == []
    assert named(drawn, "RSI 14")[0]["y"] == [None, 55.5]


def test_candles_in_progress_alone_have_no_indicator_and_the_chart_says_that_this_is_why():
    drawn = draw([bar(0, "10", "11", is_final=False)], panes=(Pane.RSI,), final=500)
    assert sentences(drawn) == [("RSI 14 is of final candles; no candle shown is final yet.", "y2 domain")]


HOUR = timedelta(hours=1)


def hours(*minutes):
    return [bar(60 * number, "10", "11", minutes=count) for number, count in enumerate(minutes)]


def test_a_candle_that_lacks_minutes_is_drawn_apart_and_the_pointer_says_how_many_are_there():
    falling = bar(180, "11", "10", minutes=1)
    drawn = draw([*hours(60, 42, None), falling], panes=(Pane.VOLUME,), length=HOUR)
    valid(drawn)
    up, down = named(drawn, "minutes missing")
    assert [path["x"][0] for path in (up, down)] == ["2026-03-01 13:30:00", "2026-03-01 15:30:00"]
    assert up["fillpattern"]["shape"]
    assert (up["line"]["color"], up["showlegend"], down["showlegend"]) == (
        named(drawn, "rising")[0]["line"]["color"], True, False,
    )  # fmt: skip
    assert len(named(drawn, "rising")[0]["x"]) == 2 * 11  # the whole one, and the exchange's own
    assert [one[5] for one in named(drawn, "candle")[0]["customdata"]] == [
        "", "<br>42 of 60 minutes", "", "<br>1 of 60 minutes",
    ]  # fmt: skip
    assert drawn.notes == ["2 of 4 candles lack minutes: hatched or pale; the pointer says how many are there."]


def test_a_candle_in_progress_keeps_its_look_however_few_minutes_it_has():
    drawn = draw([*hours(60), bar(60, "10", "11", is_final=False, minutes=3)], panes=(), length=HOUR)
    assert not named(drawn, "minutes missing")
    assert len(named(drawn, "in progress")[0]["x"]) == 11


def test_the_volume_of_a_candle_that_lacks_minutes_is_pale():
    whole, part = named(draw(hours(60, 42), panes=(Pane.VOLUME,), length=HOUR), "volume")
    assert (whole["x"][0], part["x"][0]) == ("2026-03-01 12:00:00", "2026-03-01 13:00:00")
    assert whole["fillcolor"] != part["fillcolor"]


def test_among_thousands_a_candle_that_lacks_minutes_is_pale():
    drawn = draw(hours(*[60] * 1500, *[59] * 1500), panes=(), length=HOUR)
    valid(drawn)
    [whole], [part] = named(drawn, "rising"), named(drawn, "minutes missing")
    assert None not in part["x"]
    assert whole["fillcolor"] != part["fillcolor"]
    assert drawn.notes == ["1,500 of 3,000 candles lack minutes: hatched or pale; the pointer says how many are there."]


def test_fewer_candles_than_were_asked_for_are_said():
    bars = [bar(minute, "10", "11") for minute in range(3)]
    assert draw(bars, panes=(), asked=3).notes == []
    assert draw(bars, panes=(), asked=10_000).notes == ["10,000 candles were asked for; 3 are all there are."]
    assert draw(bars[:1], panes=(), asked=10_000, until=NOON).notes == [
        "10,000 candles were asked for; 1 is all there is before 2026-03-01 12:00 UTC."
    ]


def test_of_many_stretches_without_candles_the_newest_are_named():
    [note] = draw([bar(3 * number, "10", "11") for number in range(8)], panes=()).notes
    assert note.startswith(
        "Candles are missing where the chart is hatched in 7 stretches, the newest: 2026-03-01 12:07 to"
    )
    assert note.endswith("2026-03-01 12:19 to 2026-03-01 12:21 UTC.")


def test_thousands_of_candles_are_two_paths_without_a_gap():
    many = draw([bar(n, "10", "11" if n % 2 else "9", low="8", high="12") for n in range(3000)])
    valid(many)
    for name in ("rising", "falling"):
        [path] = named(many, name)
        assert len(path["x"]) == 1500 * 16
        assert None not in path["x"]
        assert path["line"] == {"width": 0, "simplify": False}
        assert (min(path["y"]), max(path["y"])) == (8.0, 12.0)


def test_the_path_of_many_candles_comes_back_as_it_went_and_fills_only_them():
    bars = [bar(n, "10", "11", low="9", high="12") for n in range(1001)]
    [path] = named(draw(bars), "rising")
    points = list(zip(path["x"], path["y"], strict=True))
    there, back = points[: len(points) // 2], points[len(points) // 2 :][::-1]
    assert there[7:9] == back[7:9]  # from the first candle to the second
    assert [y for _, y in there[:8]] == [10.5, 11.0, 11.0, 12.0, 12.0, 11.0, 11.0, 10.5]
    assert [y for _, y in back[:8]] == [10.5, 10.0, 10.0, 9.0, 9.0, 10.0, 10.0, 10.5]


def test_a_candle_whose_prices_are_all_the_same_is_to_be_seen_among_thousands():
    bars = [bar(n, "10", "10") for n in range(1000)] + [bar(1000, "10", "30")]
    [path] = named(draw(bars), "rising")
    assert path["y"][1] == 10 + 20 / 2000
    assert path["y"][-2] == 10 - 20 / 2000


def test_a_day_is_as_wide_as_a_day():
    day = timedelta(days=1)
    bars = [bar(0, "10", "11") | {"open_time": NOON}, bar(0, "10", "11") | {"open_time": NOON + day}]
    drawn = draw(bars, panes=(), look=Theme.DARK, length=day)
    assert not named(drawn, "missing")
    assert drawn.data[0]["x"][0] == "2026-03-02 00:00:00"
    assert Decimal(drawn.data[0]["y"][0]) == 10


def test_bands_are_not_filled_across_a_gap():
    whole = [bar(0, "10", "11"), bar(1, "11", "12")]
    assert named(draw(whole, {NOON: INDICATORS}), "lower band")[0]["fill"] == "tonexty"
    assert "fill" not in named(draw([*whole, bar(5, "12", "13")], {NOON: INDICATORS}), "lower band")[0]


def test_the_closes_are_seen_as_a_line_where_candles_are_too_thin():
    assert named(draw([bar(n, "10", "11") for n in range(1000)]), "candle")[0]["line"]["width"] == 0
    assert named(draw([bar(n, "10", "11") for n in range(1001)]), "candle")[0]["line"]["width"] == 1
