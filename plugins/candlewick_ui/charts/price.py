"""The chart of candles, with Bollinger bands on them and volume, RSI, MACD and ATR in panes below."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from candlewick_ui.charts import bars as drawn
from candlewick_ui.charts import candles as candle_traces
from candlewick_ui.charts import theme
from candlewick_ui.charts.bars import before, exact
from candlewick_ui.charts.candles import HATCH, MOST_CRISP
from candlewick_ui.charts.panes import PANES, Chart, Pane, bollinger, lacks_minutes, told
from candlewick_ui.charts.theme import PALETTES, Figure, Palette, Theme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from candlewick_ui.charts.history import History

    Bar = Mapping[str, Any]
    Trace = dict[str, Any]

HEIGHT_PRICE_PIXELS, HEIGHT_PANE_PIXELS = 380, 130
GAP_SHARE = 0.03
MOST_HOLES_TOLD = 5


def figure(
    symbol: str,
    bars: Sequence[Bar],
    values: Mapping[datetime, Mapping[str, float | None]],
    length: timedelta,
    panes: Sequence[Pane],
    look: Theme,
    names: Mapping[Pane, str],
    history: History,
) -> Figure:
    """Draw candles and what is computed of them.

    Args:
        symbol: what is traded.
        bars: oldest first, with `is_final`, and `minutes` where it is known of how many they are made.
        values: indicators by a bar's open time, as the columns of `indicators_1m`; a bar in progress may have none.
        length: of a bar.
        panes: what is asked for, in order.
        look: light or dark.
        names: what the panes are called.
        history: how much there is of what was asked for.
    """
    if not bars:
        return theme.nothing(f"There is no candle of {symbol}{before(history.until)}.")
    palette = PALETTES[look]
    below = [pane for pane in panes if pane is not Pane.BOLLINGER]
    placed = drawn.broken(bars, length)
    chart = Chart(placed, length, values, palette, names)
    missing = drawn.holes(bars, length)
    cold = history.cold(bars, values, panes, names)
    data = [
        *candle_traces.missing(missing, palette, panes=1 + len(below)),
        *candle_traces.candles(bars, length, palette),
    ]
    if Pane.BOLLINGER in panes and Pane.BOLLINGER not in cold:
        data += bollinger(chart)
    data.append(told(chart, is_seen=len(bars) > MOST_CRISP))
    for number, pane in enumerate(below, 2):
        traces = [_placeholder(bars)] if pane in cold else PANES[pane](chart)
        data += [{**trace, "yaxis": f"y{number}"} for trace in traces]
    return Figure(
        data,
        _layout(palette, {pane: names[pane] for pane in below}, bars, length, cold),
        _summary(symbol, bars, values),
        [*history.fewer(len(bars)), *_notes(bars, length, missing), *cold.values()],
    )


def _placeholder(bars: Sequence[Bar]) -> Trace:
    """Return a trace of nothing: an axis without a trace is none, and what is said there has no place."""
    return {
        "type": "scatter", "x": [drawn.stamp(bars[0]["open_time"])], "y": [None], "showlegend": False, "hoverinfo": "skip"
    }  # fmt: skip


def _layout(
    palette: Palette, below: Mapping[Pane, str], bars: Sequence[Bar], length: timedelta, cold: Mapping[Pane, str]
) -> dict[str, Any]:
    height = HEIGHT_PRICE_PIXELS + HEIGHT_PANE_PIXELS * len(below)
    share = HEIGHT_PANE_PIXELS / height
    last = f"y{len(below) + 1}" if below else "y"
    span = [drawn.stamp(bars[0]["open_time"] - length), drawn.stamp(bars[-1]["open_time"] + 2 * length)]
    axes: dict[str, Any] = {
        "xaxis": theme.axis(
            palette, type="date", range=span, anchor=last, title="UTC",
            hoverformat="%Y-%m-%d UTC" if length >= timedelta(days=1) else "%Y-%m-%d %H:%M UTC",
        ),
        "yaxis": theme.axis(palette, side="right", domain=[share * len(below), 1], title="price"),
    }  # fmt: skip
    for number in range(1, len(below) + 2):  # what is missing is hatched from top to bottom, whatever the values are
        over = {"overlaying": "y" if number == 1 else f"y{number}"}
        axes[f"yaxis{HATCH + number}"] = {**over, "range": [0, 1], "fixedrange": True, "visible": False}
    for number, pane in enumerate(below, 2):
        top = share * (len(below) - number + 2) - GAP_SHARE
        fixed: dict[str, Any] = {}
        if pane in cold:
            fixed = {"range": [0, 1], "fixedrange": True, "showticklabels": False, "showgrid": False, "zeroline": False}
        elif pane is Pane.RSI:
            fixed = {"range": [0, 100], "tickvals": [30, 70], "fixedrange": True}
        axes[f"yaxis{number}"] = theme.axis(
            palette, below[pane].partition(" ")[0], side="right", domain=[max(top - share + GAP_SHARE, 0), top], **fixed
        )
    places = {Pane.BOLLINGER: ("y", 0.03), **{pane: (f"y{number}", 0.5) for number, pane in enumerate(below, 2)}}
    said = [_sentence(sentence, *places[pane], palette) for pane, sentence in cold.items()]
    return theme.layout(
        palette, height, hovermode="x unified", hoversubplots="axis", dragmode="pan", annotations=said, **axes
    )


def _sentence(words: str, axis: str, height: float, palette: Palette) -> dict[str, Any]:
    """Return words in the middle of a pane, whatever is panned and zoomed."""
    return {
        "text": words.replace("; ", ";<br>"), "bgcolor": palette.soft(palette.panel, 0.85), "showarrow": False,
        "xref": "x domain", "x": 0.5,
        "yref": f"{axis} domain", "y": height, "yanchor": "bottom" if axis == "y" else "middle",
    }  # fmt: skip


def _summary(symbol: str, bars: Sequence[Bar], values: Mapping[datetime, Mapping[str, float | None]]) -> str:
    first, last = bars[0], bars[-1]
    low, high = min(bar["low_price"] for bar in bars), max(bar["high_price"] for bar in bars)
    told = (
        f"{symbol}: {len(bars):,} {'candle' if len(bars) == 1 else 'candles'} from {first['open_time']:%Y-%m-%d %H:%M} to {last['open_time']:%Y-%m-%d %H:%M} UTC. "
        f"Close {exact(last['close_price'])}, lowest {exact(low)}, highest {exact(high)}."
    )
    newest = next((values[bar["open_time"]] for bar in reversed(bars) if bar["open_time"] in values), {})
    named = (("RSI", "rsi"), ("MACD", "macd"), ("ATR", "atr"))
    words = [f"{name} {value:.6g}" for name, column in named if (value := newest.get(column)) is not None]
    return f"{told} {', '.join(words)}." if words else told


def _notes(bars: Sequence[Bar], length: timedelta, missing: Sequence[tuple[datetime, datetime]]) -> list[str]:
    notes = []
    pending = sum(not bar["is_final"] for bar in bars)
    if pending:
        notes.append(
            f"{pending} of {len(bars):,} candles {'is' if pending == 1 else 'are'} in progress: dotted, and changing."
        )
    part = sum(lacks_minutes(bar, length) for bar in bars)
    if part:
        verb = "lacks" if part == 1 else "lack"
        notes.append(
            f"{part:,} of {len(bars):,} candles {verb} minutes: hatched or pale; the pointer says how many are there."
        )
    if missing:
        shown = ", ".join(
            f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}" for start, end in missing[-MOST_HOLES_TOLD:]
        )
        more = f" in {len(missing):,} stretches, the newest" if len(missing) > MOST_HOLES_TOLD else ""
        notes.append(f"Candles are missing where the chart is hatched{more}: {shown} UTC.")
    return notes
