"""The chart of candles, with Bollinger bands on them and volume, RSI, MACD and ATR in panes below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from candlewick_ui.charts import bars as drawn
from candlewick_ui.charts import theme
from candlewick_ui.charts.bars import exact
from candlewick_ui.charts.panes import PANES, Chart, Pane, bollinger, told
from candlewick_ui.charts.theme import PALETTES, Figure, Palette, Theme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    Bar = Mapping[str, Any]
    Trace = dict[str, Any]

HEIGHT_PRICE_PIXELS, HEIGHT_PANE_PIXELS = 380, 130
GAP_SHARE = 0.03
HATCH = 90  # the axes from here on lie over those of the panes
MOST_HOLES_TOLD = 5
MOST_CRISP = 1000  # candles that are an element each; of more, one is hardly a pixel wide


def figure(
    symbol: str,
    bars: Sequence[Bar],
    values: Mapping[datetime, Mapping[str, float | None]],
    length: timedelta,
    panes: Sequence[Pane],
    look: Theme,
    names: Mapping[Pane, str],
) -> Figure:
    """Draw candles and what is computed of them.

    Args:
        symbol: what is traded.
        bars: oldest first, with `is_final`.
        values: indicators by a bar's open time, as the columns of `indicators_1m`; a bar in progress may have none.
        length: of a bar.
        panes: what is asked for, in order.
        look: light or dark.
        names: what the panes are called.
    """
    if not bars:
        return theme.nothing(f"There is no candle of {symbol} in this range.")
    palette = PALETTES[look]
    below = [pane for pane in panes if pane is not Pane.BOLLINGER]
    placed = drawn.broken(bars, length)
    chart = Chart(placed, length, values, palette, names)
    missing = drawn.holes(bars, length)
    data = [*_missing(missing, palette, panes=1 + len(below)), *_candles(bars, length, palette)]
    if Pane.BOLLINGER in panes:
        data += bollinger(chart)
    data.append(told(chart, is_seen=len(bars) > MOST_CRISP))
    for number, pane in enumerate(below, 2):
        data += [{**trace, "yaxis": f"y{number}"} for trace in PANES[pane](chart)]
    return Figure(
        data,
        _layout(palette, {pane: names[pane] for pane in below}, bars, length),
        _summary(symbol, bars, values),
        _notes(bars, missing),
    )


def _candles(bars: Sequence[Bar], length: timedelta, palette: Palette) -> list[Trace]:
    final = [bar for bar in bars if bar["is_final"]]
    pending = [bar for bar in bars if not bar["is_final"]]
    rising = [bar for bar in final if bar["close_price"] >= bar["open_price"]]
    falling = [bar for bar in final if bar["close_price"] < bar["open_price"]]
    kinds = [("rising", rising, palette.up), ("falling", falling, palette.down)]
    if len(bars) > MOST_CRISP:
        traces = [
            {
                **_area(name, drawn.dense_candles(these, length), palette.soft(colour, 0.9)),
                "line": {"width": 0, "simplify": False},
            }
            for name, these, colour in kinds
        ]
    else:
        traces = [
            {
                **_area(name, drawn.candles(these, length), palette.soft(colour, 0.85)),
                "line": {"color": colour, "width": 1},
            }
            for name, these, colour in kinds
        ]
    traces.append(
        {
            **_area("in progress", drawn.candles(pending, length), palette.soft(palette.pending, 0.12)),
            "line": {"color": palette.pending, "width": 1, "dash": "dot"},
        }
    )
    return [trace for trace in traces if trace["x"]]


def _area(name: str, points: drawn.Points, colour: str) -> Trace:
    x, y = points
    more = {"fill": "toself", "fillcolor": colour, "hoverinfo": "skip"}
    return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, **more}


def _missing(spans: Sequence[tuple[datetime, datetime]], palette: Palette, panes: int) -> list[Trace]:
    """Return the hatch over what is missing, a trace a pane: one over all of them would hide what is below it."""
    x, y = drawn.boxes(spans)
    hatch = {
        "type": "scatter", "mode": "lines", "name": "missing", "x": x, "y": y, "fill": "toself",
        "hoverinfo": "skip", "line": {"width": 0}, "fillcolor": palette.soft(palette.missing, 0.12),
        "fillpattern": {"shape": "/", "size": 6, "fgcolor": palette.missing, "bgcolor": "rgba(0,0,0,0)"},
    }  # fmt: skip
    return [
        {**hatch, "yaxis": f"y{HATCH + number}", "showlegend": number == 1} for number in range(1, panes + 1) if spans
    ]


def _layout(palette: Palette, below: Mapping[Pane, str], bars: Sequence[Bar], length: timedelta) -> dict[str, Any]:
    height = HEIGHT_PRICE_PIXELS + HEIGHT_PANE_PIXELS * len(below)
    share = HEIGHT_PANE_PIXELS / height
    last = f"y{len(below) + 1}" if below else "y"
    span = [drawn.stamp(bars[0]["open_time"] - length), drawn.stamp(bars[-1]["open_time"] + 2 * length)]
    axes: dict[str, Any] = {
        "xaxis": theme.axis(palette, type="date", range=span, anchor=last, title="UTC"),
        "yaxis": theme.axis(palette, side="right", domain=[share * len(below), 1], title="price"),
    }  # fmt: skip
    for number in range(1, len(below) + 2):  # what is missing is hatched from top to bottom, whatever the values are
        over = {"overlaying": "y" if number == 1 else f"y{number}"}
        axes[f"yaxis{HATCH + number}"] = {**over, "range": [0, 1], "fixedrange": True, "visible": False}
    for number, pane in enumerate(below, 2):
        top = share * (len(below) - number + 2) - GAP_SHARE
        fixed = {"range": [0, 100], "tickvals": [30, 70], "fixedrange": True} if pane is Pane.RSI else {}
        axes[f"yaxis{number}"] = theme.axis(
            palette, below[pane].partition(" ")[0], side="right", domain=[max(top - share + GAP_SHARE, 0), top], **fixed
        )
    return theme.layout(palette, height, hovermode="x unified", hoversubplots="axis", dragmode="pan", **axes)


def _summary(symbol: str, bars: Sequence[Bar], values: Mapping[datetime, Mapping[str, float | None]]) -> str:
    first, last = bars[0], bars[-1]
    low, high = min(bar["low_price"] for bar in bars), max(bar["high_price"] for bar in bars)
    told = (
        f"{symbol}: {len(bars)} candles from {first['open_time']:%Y-%m-%d %H:%M} to {last['open_time']:%Y-%m-%d %H:%M} UTC. "
        f"Close {exact(last['close_price'])}, lowest {exact(low)}, highest {exact(high)}."
    )
    newest = next((values[bar["open_time"]] for bar in reversed(bars) if bar["open_time"] in values), {})
    named = (("RSI", "rsi"), ("MACD", "macd"), ("ATR", "atr"))
    words = [f"{name} {value:.6g}" for name, column in named if (value := newest.get(column)) is not None]
    return f"{told} {', '.join(words)}." if words else told


def _notes(bars: Sequence[Bar], missing: Sequence[tuple[datetime, datetime]]) -> list[str]:
    notes = []
    pending = sum(not bar["is_final"] for bar in bars)
    if pending:
        notes.append(
            f"{pending} of {len(bars)} candles {'is' if pending == 1 else 'are'} in progress: dotted, and changing."
        )
    if missing:
        shown = ", ".join(
            f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}" for start, end in missing[-MOST_HOLES_TOLD:]
        )
        more = f" The newest of {len(missing)}:" if len(missing) > MOST_HOLES_TOLD else ""
        notes.append(f"Hatched: candles are missing (UTC).{more} {shown}.")
    return notes
