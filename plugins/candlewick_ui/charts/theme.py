"""Colours and the common layout of the charts, light and dark."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Theme(StrEnum):
    """As the Airflow UI is shown."""

    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by what they stand for; text and lines have contrast 4.5 on the panel, up and down differ in lightness."""

    text: str
    grid: str
    panel: str
    up: str
    down: str
    pending: str
    missing: str
    first: str
    second: str
    third: str
    diverging: tuple[str, str, str]  # -1, 0, 1

    def soft(self, colour: str, alpha: float = 0.2) -> str:
        """Return a colour, see-through."""
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        return f"rgba({red},{green},{blue},{alpha:g})"


PALETTES = {
    Theme.LIGHT: Palette(
        text="#1a202c", grid="#e3e7ee", panel="#ffffff", up="#12855a", down="#c23a48", pending="#8a5a00",
        missing="#556074", first="#2f5fb3", second="#b3591f", third="#7a4bb0", diverging=("#b3591f", "#f4f5f7", "#2f5fb3"),
    ),
    Theme.DARK: Palette(
        text="#e6e9ef", grid="#2f3746", panel="#171b22", up="#3ccb8b", down="#f2848d", pending="#e9b44c",
        missing="#a3adbf", first="#8fb4ff", second="#f0a36b", third="#c9a3f5", diverging=("#f0a36b", "#202632", "#8fb4ff"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart.

    Attributes:
        data: traces of Plotly's schema.
        layout: of Plotly's schema.
        summary: what is to be seen, in words, for those who do not see it.
        notes: what a reader of the chart has to know: what is missing, what is in progress.
    """

    data: list[dict[str, Any]]
    layout: dict[str, Any]
    summary: str
    notes: list[str] = field(default_factory=list)


def layout(palette: Palette, height_pixels: int, **more: Any) -> dict[str, Any]:
    """Return the layout all charts share, and more."""
    return {
        "height": height_pixels,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": palette.panel,
        "plot_bgcolor": palette.panel,
        "font": {"color": palette.text, "family": "system-ui, sans-serif", "size": 12},
        "hoverlabel": {
            "bgcolor": palette.panel,
            "bordercolor": palette.grid,
            "font": {"color": palette.text},
            "namelength": -1,
        },
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": palette.missing, "activecolor": palette.first},
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        "separators": ".,",
        **more,
    }


def axis(palette: Palette, title: str = "", **more: Any) -> dict[str, Any]:
    """Return an axis as all charts have it, and more."""
    return {
        "gridcolor": palette.grid,
        "zerolinecolor": palette.grid,
        "linecolor": palette.grid,
        "automargin": True,
        "exponentformat": "none",
        "separatethousands": True,
        **({"title": {"text": title, "standoff": 4}} if title else {}),
        **more,
    }


def nothing(why: str) -> Figure:
    """Return a chart of nothing, and the reason."""
    return Figure([], {}, why)
