"""The traces of the chart of candles that are candles: whole ones, those that lack minutes, those in progress, and none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from candlewick_ui.charts import bars as drawn
from candlewick_ui.charts.panes import lacks_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from candlewick_ui.charts.theme import Palette

    Bar = Mapping[str, Any]
    Trace = dict[str, Any]

HATCH = 90  # the axes from here on lie over those of the panes
MOST_CRISP = 1000  # candles that are an element each; of more, one is hardly a pixel wide


def candles(bars: Sequence[Bar], length: timedelta, palette: Palette) -> list[Trace]:
    """Return the candles, a trace a kind."""
    final = [bar for bar in bars if bar["is_final"] and not lacks_minutes(bar, length)]
    part = [bar for bar in bars if lacks_minutes(bar, length)]
    pending = [bar for bar in bars if not bar["is_final"]]
    kinds = [("rising", _rising(final), palette.up), ("falling", _falling(final), palette.down)]
    halves = [(_rising(part), palette.up), (_falling(part), palette.down)]
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
    traces += _in_part(halves, length, palette, is_dense=len(bars) > MOST_CRISP)
    traces.append(
        {
            **_area("in progress", drawn.candles(pending, length), palette.soft(palette.pending, 0.12)),
            "line": {"color": palette.pending, "width": 1, "dash": "dot"},
        }
    )
    return [trace for trace in traces if trace["x"]]


def _rising(bars: Sequence[Bar]) -> list[Bar]:
    return [bar for bar in bars if bar["close_price"] >= bar["open_price"]]


def _falling(bars: Sequence[Bar]) -> list[Bar]:
    return [bar for bar in bars if bar["close_price"] < bar["open_price"]]


def _in_part(
    halves: Sequence[tuple[Sequence[Bar], str]], length: timedelta, palette: Palette, *, is_dense: bool
) -> list[Trace]:
    """Return candles some of whose minutes are missing: hatched, as a stretch is that has none; pale where they are thin."""
    traces: list[Trace] = []
    for these, colour in halves:
        if not these:
            continue
        x, y = drawn.dense_candles(these, length) if is_dense else drawn.candles(these, length)
        area = _area("minutes missing", (x, y), palette.soft(colour, 0.35 if is_dense else 0.1))
        stroke: Trace = {"line": {"width": 0, "simplify": False}}
        if not is_dense:
            hatch = {"shape": "/", "size": 4, "fgcolor": colour, "bgcolor": "rgba(0,0,0,0)"}
            stroke = {"line": {"color": colour, "width": 1}, "fillpattern": hatch}
        traces.append({**area, **stroke, "legendgroup": "minutes missing", "showlegend": not traces})
    return traces


def _area(name: str, points: drawn.Points, colour: str) -> Trace:
    x, y = points
    more = {"fill": "toself", "fillcolor": colour, "hoverinfo": "skip"}
    return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, **more}


def missing(spans: Sequence[tuple[datetime, datetime]], palette: Palette, panes: int) -> list[Trace]:
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
