"""A line without axes: the shape of a day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

WIDTH, HEIGHT, MARGIN = 100, 30, 2


def path(points: Sequence[tuple[datetime, Any]], step: timedelta) -> str:
    """Return the `d` of an SVG path in a box of 100 x 30; broken where a step is missing, empty below two points.

    Args:
        points: times and values, oldest first.
        step: between two of them.
    """
    if len(points) < 2:  # noqa: PLR2004 -- one point is no line
        return ""
    first, last = points[0][0], points[-1][0]
    values = [float(value) for _, value in points]
    low, height = min(values), max(values) - min(values)
    long = (last - first).total_seconds()
    parts, before = [], None
    for (time, _), value in zip(points, values, strict=True):
        x = WIDTH * (time - first).total_seconds() / long
        share = (value - low) / height if height else 0.5
        y = HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)
        command = "L" if before is not None and time - before <= step else "M"
        parts.append(f"{command}{x:.2f} {y:.2f}")
        before = time
    return "".join(parts)
