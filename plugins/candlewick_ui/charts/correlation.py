"""The heat map of correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from candlewick_ui.charts import theme
from candlewick_ui.charts.distributions import span
from candlewick_ui.charts.theme import PALETTES, Figure, Theme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEAST_HEIGHT_PIXELS, ROW_PIXELS, EDGE_PIXELS, MOST_WITH_TEXT = 320, 26, 110, 20


def heat_map(
    window: str, symbols: Sequence[str], pairs: Sequence[Mapping[str, Any]], look: Theme, step_minutes: int | None
) -> Figure:
    """Draw how alike the returns of symbols are; a pair without enough of them stays empty.

    Args:
        window: its name, as `24h`.
        symbols: in the order they are drawn.
        pairs: `symbol`, `other_symbol`, `correlation`, `observations`, one triangle with its diagonal, `window_start`, `window_end`.
        look: light or dark.
        step_minutes: how long each return is; None of a window there is not.
    """
    known = {frozenset((pair["symbol"], pair["other_symbol"])): pair for pair in pairs}
    if not known or step_minutes is None:
        return theme.nothing(f"There are no correlations in {window} yet; market_hourly makes them.")
    palette = PALETTES[look]
    rows = [[known.get(frozenset((one, other))) for other in symbols] for one in symbols]
    values = [[None if pair is None else pair["correlation"] for pair in row] for row in rows]
    seen = [[0 if pair is None else pair["observations"] for pair in row] for row in rows]
    low, middle, high = palette.diverging
    trace = {
        "type": "heatmap", "x": list(symbols), "y": list(symbols), "z": values, "customdata": seen, "zmin": -1, "zmax": 1,
        "colorscale": [[0, low], [0.5, middle], [1, high]], "hoverongaps": False, "xgap": 1, "ygap": 1,
        "colorbar": {"thickness": 10, "tickvals": [-1, 0, 1], "outlinewidth": 0},
        "hovertemplate": "%{y} and %{x}<br>%{z:.4f} of %{customdata} returns<extra></extra>",
        **({"texttemplate": "%{z:.2f}"} if len(symbols) <= MOST_WITH_TEXT else {}),
    }  # fmt: skip
    height = max(LEAST_HEIGHT_PIXELS, EDGE_PIXELS + ROW_PIXELS * len(symbols))
    layout = theme.layout(
        palette, height, xaxis=theme.axis(palette, type="category", showgrid=False),
        yaxis=theme.axis(palette, type="category", showgrid=False, autorange="reversed"),
    )  # fmt: skip
    return Figure([trace], layout, _told(window, symbols, pairs, step_minutes))


def _told(window: str, symbols: Sequence[str], pairs: Sequence[Mapping[str, Any]], step_minutes: int) -> str:
    two = [pair for pair in pairs if pair["symbol"] != pair["other_symbol"] and pair["correlation"] is not None]
    when = f"{pairs[0]['window_start']:%Y-%m-%d %H:%M} to {pairs[0]['window_end']:%Y-%m-%d %H:%M} UTC"
    told = f"Correlation of the returns, over {span(step_minutes)} each, of {len(symbols)} symbols, {window} ({when})."
    if not two:
        return f"{told} No two of them have enough returns in common."
    most, least = max(two, key=lambda pair: pair["correlation"]), min(two, key=lambda pair: pair["correlation"])
    return f"{told} Most alike: {_pair(most)}; least: {_pair(least)}."


def _pair(pair: Mapping[str, Any]) -> str:
    return f"{pair['symbol']} and {pair['other_symbol']} {pair['correlation']:.2f}"
