"""What is missing of a span, in as few questions as possible. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def missing_stretches(
    present: Collection[int], start_ms: int, end_ms: int, step_ms: int, page_limit: int
) -> list[tuple[int, int]]:
    """Return [from, to) stretches of open times that are not present; neighbours that fit into one page are one.

    Asking again for a few candles that are there is cheaper than another question, and changes nothing.
    """
    found: list[tuple[int, int]] = []
    for at in range(-(-start_ms // step_ms) * step_ms, end_ms, step_ms):
        if at in present:
            continue
        end = at + step_ms
        if found and (at == found[-1][1] or end - found[-1][0] <= page_limit * step_ms):
            found[-1] = found[-1][0], end
        else:
            found.append((at, end))
    return found
