"""The charts of order books: depth of the newest one, and the spread over the last ones."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from candlewick_ui.charts import theme
from candlewick_ui.charts.bars import before, exact, stamp
from candlewick_ui.charts.theme import PALETTES, Figure, Theme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

HEIGHT_PIXELS = 300
SIDES = ("bid", "ask")


def depth(
    symbol: str,
    captured_at: datetime | None,
    levels: Sequence[Mapping[str, Any]],
    look: Theme,
    until: datetime | None = None,
) -> Figure:
    """Draw how much can be bought and sold up to each price.

    Args:
        symbol: what is traded.
        captured_at: when the book was received, naive UTC; None when there is no book.
        levels: `side`, `level`, `price`, `quantity` of the book, each side from the best price on.
        look: light or dark.
        until: the book is the newest one before it, naive UTC; None where it is the newest there is.
    """
    if captured_at is None:
        return theme.nothing(f"There is no order book of {symbol}{before(until)}.")
    if not levels:
        return theme.nothing(
            f"The newest book of {symbol}{before(until)} was captured {captured_at:%Y-%m-%d %H:%M:%S} UTC; "
            "its levels are not kept any more."
        )
    palette = PALETTES[look]
    data, sums = [], {}
    for side, colour in zip(SIDES, (palette.up, palette.down), strict=True):
        total, x, y, texts = Decimal(0), [], [], []
        for level in (one for one in levels if one["side"] == side):
            total += level["quantity"]
            x.append(float(level["price"]))
            y.append(float(total))
            texts.append([exact(level["price"]), exact(level["quantity"]), exact(total)])
        sums[side] = total
        data.append({
            "type": "scatter", "mode": "lines", "name": f"{side}s", "x": x, "y": y, "customdata": texts,
            "line": {"color": colour, "width": 1.5, "shape": "hv"}, "fill": "tozeroy", "fillcolor": palette.soft(colour),
            "hovertemplate": side + " %{customdata[0]}<br>quantity %{customdata[1]}<br>up to here %{customdata[2]}<extra></extra>",
        })  # fmt: skip
    layout = theme.layout(
        palette,
        HEIGHT_PIXELS,
        hovermode="closest",
        xaxis=theme.axis(palette, "price"),
        yaxis=theme.axis(palette, "quantity, summed"),
    )
    return Figure(data, layout, _told(symbol, captured_at, levels, sums, until))


def spread(symbol: str, books: Sequence[Mapping[str, Any]], look: Theme, until: datetime | None = None) -> Figure:
    """Draw the spread of the last books, in basis points, and the imbalance of their levels.

    Args:
        symbol: what is traded.
        books: rows of `orderbook_metrics`, oldest first.
        look: light or dark.
        until: the books are the newest before it, naive UTC; None where they are the newest there are.
    """
    known = [book for book in books if book["spread_basis_points"] is not None]
    if not known:
        return theme.nothing(f"There is no order book of {symbol} with both sides{before(until)}.")
    palette = PALETTES[look]
    x = [stamp(book["captured_at"]) for book in known]
    data: list[dict[str, Any]] = [
        {
            "type": "scatter", "mode": "lines", "name": "spread", "x": x, "y": [float(book["spread_basis_points"]) for book in known],
            "line": {"color": palette.first, "width": 1.4, "shape": "hv"},
            "customdata": [[exact(book["spread"]), exact(book["spread_basis_points"])] for book in known],
            "hovertemplate": "spread %{customdata[0]} (%{customdata[1]} bp)<extra></extra>",
        },
        {
            "type": "scatter", "mode": "lines", "name": "imbalance of the book", "x": x, "yaxis": "y2",
            "y": [None if book["book_imbalance"] is None else float(book["book_imbalance"]) for book in known],
            "line": {"color": palette.second, "width": 1.2}, "hovertemplate": "imbalance %{y:.3f}<extra></extra>",
        },
    ]  # fmt: skip
    layout = theme.layout(
        palette, HEIGHT_PIXELS, hovermode="x unified", hoversubplots="axis",
        xaxis=theme.axis(palette, "UTC", type="date", anchor="y2", hoverformat="%Y-%m-%d %H:%M:%S UTC"),
        yaxis=theme.axis(palette, "spread, basis points", domain=[0.42, 1], rangemode="tozero"),
        yaxis2=theme.axis(palette, "imbalance", domain=[0, 0.36], range=[-1, 1]),
    )  # fmt: skip
    widths = [book["spread_basis_points"] for book in known]
    summary = (
        f"Spread of the {len(known)} newest books of {symbol}{before(until)}, from {known[0]['captured_at']:%Y-%m-%d %H:%M:%S} to "
        f"{known[-1]['captured_at']:%Y-%m-%d %H:%M:%S} UTC: {'at the end' if until else 'now'} {exact(widths[-1])} basis points, "
        f"between {exact(min(widths))} and {exact(max(widths))}."
    )
    return Figure(data, layout, summary)


def _told(
    symbol: str,
    captured_at: datetime,
    levels: Sequence[Mapping[str, Any]],
    sums: Mapping[str, Decimal],
    until: datetime | None,
) -> str:
    best = {side: next((one["price"] for one in levels if one["side"] == side), None) for side in SIDES}
    words = [
        f"best {side} {exact(price)}, {exact(sums[side])} in all {sum(one['side'] == side for one in levels)} levels"
        for side, price in best.items()
        if price is not None
    ]
    return f"Newest book of {symbol}{before(until)}, captured {captured_at:%Y-%m-%d %H:%M:%S} UTC: {'; '.join(words)}."
