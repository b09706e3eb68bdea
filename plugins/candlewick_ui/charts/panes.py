"""The traces of the chart of candles that are lines or columns: bands, volume, RSI, MACD, ATR."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from candlewick_ui.charts.bars import columns, exact, opens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from candlewick_ui.charts.theme import Palette

    Bar = Mapping[str, Any]
    Trace = dict[str, Any]


class Pane(StrEnum):
    """What can stand with the candles; Bollinger's bands on them, the others below."""

    BOLLINGER = "bollinger"
    VOLUME = "volume"
    RSI = "rsi"
    MACD = "macd"
    ATR = "atr"


def lacks_minutes(bar: Bar, length: timedelta) -> bool:
    """Whether a final bar is made of fewer minutes than it is long; one of whose minutes nothing is known lacks none."""
    return bool(bar["is_final"]) and bar.get("minutes") is not None and bar["minutes"] < _minutes(length)


def _minutes(length: timedelta) -> int:
    return length // timedelta(minutes=1)


class Chart:
    """What the traces of one chart are made of."""

    def __init__(
        self,
        placed: Sequence[Bar | datetime],
        length: timedelta,
        values: Mapping[datetime, Mapping[str, float | None]],
        palette: Palette,
        names: Mapping[Pane, str],
    ) -> None:
        self.placed, self.x, self.palette, self.names = placed, opens(placed), palette, names
        self._length, self._values = length, values

    @property
    def has_gaps(self) -> bool:
        """Whether bars are missing."""
        return any(isinstance(one, datetime) for one in self.placed)

    def lacks_minutes(self, bar: Bar) -> bool:
        """Whether a final bar is made of fewer minutes than it is long."""
        return lacks_minutes(bar, self._length)

    def state(self, bar: Bar) -> str:
        """Return what has to be known of a bar that is not made of all its minutes, on a line of its own; else nothing."""
        if not bar["is_final"]:
            return "<br>in progress"
        return f"<br>{bar['minutes']} of {_minutes(self._length)} minutes" if self.lacks_minutes(bar) else ""

    def of_bars(self, value: Callable[[Bar], float | None]) -> list[float | None]:
        """Return a value of each bar; None where bars are missing."""
        return [None if isinstance(one, datetime) else value(one) for one in self.placed]

    def indicator(self, name: str) -> list[float | None]:
        """Return an indicator of each bar; None where there is none."""
        return self.of_bars(lambda bar: self._values.get(bar["open_time"], {}).get(name))

    def line(self, name: str, y: list[float | None], colour: str, **more: Any) -> Trace:
        """Return a line: drawn at the middles of the bars, and said by the pointer to be of when they open."""
        style = {"color": colour, "width": 1.4, **more.pop("line", {})}
        stand = {"xperiod": self._length / timedelta(milliseconds=1), "xperiodalignment": "middle"}
        return {"type": "scatter", "mode": "lines", "name": name, "x": self.x, "y": y, "line": style, **stand, **more}

    def columns(self, name: str, y: list[float | None], colour: str, alpha: float = 0.55) -> Trace:
        """Return columns that stand on zero, as one path; none where bars are missing."""
        x, heights = columns(self.placed, y, self._length)
        fill = {"fill": "toself", "fillcolor": self.palette.soft(colour, alpha), "line": {"width": 0}}
        return {
            "type": "scatter", "mode": "lines", "name": name, "x": x, "y": heights, "showlegend": False, "hoverinfo": "skip", **fill,
        }  # fmt: skip


def told(chart: Chart, *, is_seen: bool) -> Trace:
    """Return the closes as a line that says, where the pointer is, what each bar holds, digit for digit.

    Among candles too thin to be told apart it is to be seen, too.
    """
    names = ("open_price", "high_price", "low_price", "close_price", "volume")
    texts: list[list[str]] = [
        [""] * 6 if isinstance(bar, datetime) else [*(exact(bar[name]) for name in names), chart.state(bar)]
        for bar in chart.placed
    ]
    words = "open %{customdata[0]}<br>high %{customdata[1]}<br>low %{customdata[2]}<br>close %{customdata[3]}<br>"
    return chart.line(
        "candle", chart.of_bars(lambda bar: float(bar["close_price"])), chart.palette.missing,
        line={"width": 1 if is_seen else 0}, showlegend=False, customdata=texts,
        hovertemplate=words + "volume %{customdata[4]}%{customdata[5]}<extra></extra>",
    )  # fmt: skip


def bollinger(chart: Chart) -> list[Trace]:
    """Return the bands, which stand on the candles."""
    colour = chart.palette.first
    # Plotly fills across a gap from one side's line to the other's.
    between = {} if chart.has_gaps else {"fill": "tonexty", "fillcolor": chart.palette.soft(colour, 0.07)}

    def line(name: str, column: str, **more: Any) -> Trace:
        words = {"hovertemplate": f"{name} %{{y:,.8~g}}<extra></extra>", "line": {"width": 1}}
        return chart.line(name, chart.indicator(column), colour, **{**words, **more})

    return [
        line("upper band", "bollinger_upper", showlegend=False),
        line("lower band", "bollinger_lower", showlegend=False, **between),
        line(chart.names[Pane.BOLLINGER], "bollinger_middle", line={"width": 1, "dash": "dash"}),
    ]  # fmt: skip


def _volume(chart: Chart) -> list[Trace]:
    palette = chart.palette
    whole, part = 0.55, 0.25  # what was traded in minutes that are missing is not in it
    kinds = (
        ("rising", palette.up, whole), ("falling", palette.down, whole), ("rising, in part", palette.up, part),
        ("falling, in part", palette.down, part), ("in progress", palette.pending, whole),
    )  # fmt: skip

    def kind_of(bar: Bar) -> str:
        if not bar["is_final"]:
            return "in progress"
        direction = "rising" if bar["close_price"] >= bar["open_price"] else "falling"
        return f"{direction}, in part" if chart.lacks_minutes(bar) else direction

    def of(kind: str) -> list[float | None]:
        return chart.of_bars(lambda bar: float(bar["volume"]) if kind_of(bar) == kind else None)

    traces = [chart.columns("volume", of(kind), colour, alpha) for kind, colour, alpha in kinds]
    return [trace for trace in traces if trace["x"]]


def _rsi(chart: Chart) -> list[Trace]:
    return [
        chart.line(
            chart.names[Pane.RSI],
            chart.indicator("rsi"),
            chart.palette.third,
            hovertemplate="RSI %{y:.2f}<extra></extra>",
        )
    ]


def _macd(chart: Chart) -> list[Trace]:
    bars = chart.indicator("macd_histogram")
    rise = [None if value is None else max(value, 0.0) for value in bars]
    fall = [None if value is None else min(value, 0.0) for value in bars]
    return [
        chart.columns("histogram", rise, chart.palette.up),
        chart.columns("histogram", fall, chart.palette.down),
        chart.line(
            chart.names[Pane.MACD],
            chart.indicator("macd"),
            chart.palette.first,
            hovertemplate="MACD %{y:.6~g}<extra></extra>",
        ),
        chart.line(
            "signal",
            chart.indicator("macd_signal"),
            chart.palette.second,
            hovertemplate="signal %{y:.6~g}<extra></extra>",
        ),
    ]


def _atr(chart: Chart) -> list[Trace]:
    return [
        chart.line(
            chart.names[Pane.ATR],
            chart.indicator("atr"),
            chart.palette.second,
            hovertemplate="ATR %{y:.6~g}<extra></extra>",
        )
    ]


PANES: dict[Pane, Callable[[Chart], list[Trace]]] = {
    Pane.VOLUME: _volume, Pane.RSI: _rsi, Pane.MACD: _macd, Pane.ATR: _atr,
}  # fmt: skip
