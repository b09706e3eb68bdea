"""Where the price stood, how much was traded there, and how large the moves were: the charts of bins."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from candlewick_ui.charts import theme
from candlewick_ui.charts.bars import exact
from candlewick_ui.charts.theme import PALETTES, Figure, Theme

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Rows = Sequence[Mapping[str, Any]]

HEIGHT_PIXELS = 320
BAR_SHARE = 0.95  # of the width of a bin


def volume_profile(symbol: str, bins: Rows, look: Theme) -> Figure:
    """Draw how much was traded at which price; the value area and the point of control stand out.

    Args:
        symbol: what is traded.
        bins: `lower_price`, `upper_price`, `volume`, `share`, `is_point_of_control`, `is_value_area`, and the window
            (`from_time`, `to_time`); lowest first.
        look: light or dark.
    """
    if not any(one["volume"] for one in bins):
        return theme.nothing(f"There is no volume profile of {symbol} yet; market_hourly makes it.")
    palette = PALETTES[look]
    kinds: tuple[tuple[str, str, Callable[[Mapping[str, Any]], bool]], ...] = (
        ("value area", palette.first, lambda one: one["is_value_area"] and not one["is_point_of_control"]),
        ("point of control", palette.second, lambda one: one["is_point_of_control"]),
        ("outside", palette.missing, lambda one: not one["is_value_area"] and not one["is_point_of_control"]),
    )
    data = []
    for name, colour, belongs in kinds:
        these = [one for one in bins if belongs(one)]
        data.append({
            **_bars(name, these, "lower_price", "upper_price", "volume", colour), "orientation": "h",
            "x": [float(one["volume"]) for one in these], "y": _centres(these, "lower_price", "upper_price"),
            # Said, and not left to be guessed from how far apart bars are: the point of control is one alone.
            **({"width": widths} if all(widths := [BAR_SHARE * _width(one) for one in these]) else {}),
        })  # fmt: skip
    control = next(one for one in bins if one["is_point_of_control"])
    area = [one for one in bins if one["is_value_area"]]
    summary = f"Volume of {symbol} by price, {_window(bins)}: most between {_range(control, 'price')}"
    if area:
        summary += (
            f"; the value area reaches from {_bound(area[0]['lower_price'])} to {_bound(area[-1]['upper_price'])}"
        )
    layout = theme.layout(
        palette,
        HEIGHT_PIXELS,
        barmode="overlay",
        xaxis=theme.axis(palette, "volume"),
        yaxis=theme.axis(palette, "price"),
    )
    return Figure(data, layout, f"{summary}.")


def prices(symbol: str, bins: Rows, look: Theme) -> Figure:
    """Draw for how many minutes the price closed where.

    Args:
        symbol: what is traded.
        bins: `lower_price`, `upper_price`, `bars`, `share`, and the window; lowest first.
        look: light or dark.
    """
    if not any(one["bars"] for one in bins):
        return theme.nothing(f"There is no price distribution of {symbol} yet; market_hourly makes it.")
    palette = PALETTES[look]
    trace = _bars("minutes", bins, "lower_price", "upper_price", "bars", palette.first)
    trace |= {"x": _centres(bins, "lower_price", "upper_price"), "y": [int(one["bars"]) for one in bins]}
    most = max(bins, key=lambda one: one["bars"])
    summary = (
        f"Minutes of {symbol} by closing price, {_window(bins)}: {sum(one['bars'] for one in bins)} minutes between "
        f"{_bound(bins[0]['lower_price'])} and {_bound(bins[-1]['upper_price'])}, most of them between {_range(most, 'price')}."
    )
    layout = theme.layout(
        palette,
        HEIGHT_PIXELS,
        bargap=0.05,
        showlegend=False,
        xaxis=theme.axis(palette, "price"),
        yaxis=theme.axis(palette, "minutes"),
    )
    return Figure([trace], layout, summary)


def returns(
    symbol: str,
    window: str,
    bins: Rows,
    moments: Mapping[str, Any] | None,
    look: Theme,
    step_minutes: int | None,
) -> Figure:
    """Draw how often returns of which size came, and the losses 95 % and 99 % of them did not exceed.

    Args:
        symbol: what is traded.
        window: its name, as `24h`.
        bins: `lower_bound`, `upper_bound`, `observations`, `share`; lowest first.
        moments: mean, deviation, ... of the same returns, and when the first and the last begin; None when there are none.
        look: light or dark.
        step_minutes: how long each return is; None of a window there is not.
    """
    if not bins or moments is None or step_minutes is None:
        return theme.nothing(f"There are no returns of {symbol} in {window} yet; market_hourly makes them.")
    palette = PALETTES[look]
    trace = _bars("returns", bins, "lower_bound", "upper_bound", "observations", palette.third)
    trace |= {"x": _centres(bins, "lower_bound", "upper_bound"), "y": [int(one["observations"]) for one in bins]}
    risks = [
        (name, -float(moments[column]))
        for name, column in (("95 %", "var_95"), ("99 %", "var_99"))
        if moments[column] is not None
    ]
    lines = [
        {
            "type": "line",
            "yref": "paper",
            "x0": at,
            "x1": at,
            "y0": 0,
            "y1": 1,
            "line": {"color": palette.down, "dash": "dash", "width": 1},
        }
        for _, at in risks
    ]
    words = [
        {
            "x": at,
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "showarrow": False,
            "text": name,
            "font": {"color": palette.down},
        }
        for name, at in risks
    ]
    told = (("mean", "mean"), ("standard deviation", "standard_deviation"), ("skewness", "skewness"),
            ("excess kurtosis", "excess_kurtosis"), ("value at risk 95 %", "var_95"), ("value at risk 99 %", "var_99"),
            ("realised volatility a year", "realised_volatility"))  # fmt: skip
    known = [f"{name} {moments[column]:.4g}" for name, column in told if moments[column] is not None]
    layout = theme.layout(
        palette, HEIGHT_PIXELS, bargap=0.05, showlegend=False, shapes=lines, annotations=words, margin={"l": 8, "r": 8, "t": 24, "b": 8},
        xaxis=theme.axis(palette, f"log return of {span(step_minutes)}", tickformat=".2%"), yaxis=theme.axis(palette, "returns"),
    )  # fmt: skip
    first, end = moments["first_open_time"], moments["last_open_time"] + timedelta(minutes=step_minutes)
    summary = (
        f"{moments['observations']:,} log returns of {symbol} over {span(step_minutes)} each, {window} "
        f"({first:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC): {', '.join(known)}."
    )
    return Figure([trace], layout, summary)


def span(minutes: int) -> str:
    """Write how long something is, in its largest unit: `5 minutes`, `1 hour`."""
    units = ((1440, "day"), (60, "hour"), (1, "minute"))
    size, unit = next((size, unit) for size, unit in units if minutes % size == 0)
    return f"{minutes // size} {unit}{'' if minutes == size else 's'}"


def _bars(name: str, bins: Rows, low: str, high: str, value: str, colour: str) -> dict[str, Any]:
    """Return a trace of bars with what each says, digit for digit; where they stand is left to the caller."""
    return {
        "type": "bar", "name": name, "marker": {"color": colour},
        "customdata": [[_plain(one[low]), _plain(one[high]), _plain(one[value])] for one in bins],
        "hovertemplate": "%{customdata[0]} to %{customdata[1]}<br>" + name + " %{customdata[2]}<extra></extra>",
    }  # fmt: skip


def _plain(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else exact(value)


def _width(one: Mapping[str, Any]) -> float:
    return float(one["upper_price"]) - float(one["lower_price"])


def _centres(bins: Rows, low: str, high: str) -> list[float]:
    return [(float(one[low]) + float(one[high])) / 2 for one in bins]


def _range(one: Mapping[str, Any], what: str) -> str:
    return f"{_bound(one[f'lower_{what}'])} and {_bound(one[f'upper_{what}'])}"


def _bound(value: Any) -> str:
    """Write a bound of a bin: a third of a cent has no end."""
    return exact(round(Decimal(f"{value:.8g}"), 8))


def _window(bins: Rows) -> str:
    return f"{bins[0]['from_time']:%Y-%m-%d %H:%M} to {bins[0]['to_time']:%Y-%m-%d %H:%M} UTC"
