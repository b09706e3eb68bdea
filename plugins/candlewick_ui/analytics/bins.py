"""Bins of equal width, and what is counted in them: the rules of the marts, for windows no mart holds.

A value on a bound belongs to the upper bin, the highest value to the last one (numpy.histogram's rule). Where all
values are the same there is one bin.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from candlewick_ui.analytics.exact import exactly

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal


def edges(lowest: float, highest: float, bins: int) -> list[float]:
    """Return the bounds of the bins, one more than there are bins."""
    if lowest == highest:
        return [highest, highest]
    return [lowest + number * ((highest - lowest) / bins) for number in range(bins)] + [highest]


@exactly()
def exact_places(values: Sequence[Decimal], bins: int) -> list[int]:
    """Return for each value the number of its bin, from 0, decided without rounding."""
    lowest, highest = min(values), max(values)
    if lowest == highest:
        return [0] * len(values)
    units = [int((value - lowest).scaleb(8)) for value in values]  # prices have eight decimals
    span = int((highest - lowest).scaleb(8))
    return [min(unit * bins // span, bins - 1) for unit in units]


def price_bins(closes: Sequence[Decimal], bins: int) -> list[dict[str, Any]]:
    """Return how many bars closed in which bin of price: the rows of `price_distribution`."""
    if not closes:
        return []
    bounds = edges(float(min(closes)), float(max(closes)), bins)
    counts = [0] * (len(bounds) - 1)  # closes that no float tells apart have one bin, as those that are the same
    for place in exact_places(closes, len(counts)):
        counts[place] += 1
    rows, so_far = [], 0
    for number, (lower, upper) in enumerate(pairwise(bounds)):
        so_far += counts[number]
        rows.append({
            "bin_number": number + 1, "lower_price": lower, "upper_price": upper, "bars": counts[number],
            "share": counts[number] / len(closes), "cumulative_share": so_far / len(closes),
        })  # fmt: skip
    return rows


@exactly()
def volume_bins(bars: Sequence[dict[str, Any]], bins: int, share: Fraction) -> list[dict[str, Any]]:
    """Return how much was traded in which bin of typical price: the rows of `volume_profile`.

    Args:
        bars: with high_price, low_price, close_price and volume; a bar's volume counts where its typical price
            (high + low + close) / 3 is.
        bins: their number.
        share: of the volume that the value area holds.
    """
    if not bars:
        return []
    thrice = [bar["high_price"] + bar["low_price"] + bar["close_price"] for bar in bars]
    bounds = [bound / 3 for bound in edges(float(min(thrice)), float(max(thrice)), bins)]
    zero = bars[0]["volume"] * 0
    volumes, counts = [zero] * (len(bounds) - 1), [0] * (len(bounds) - 1)
    for bar, place in zip(bars, exact_places(thrice, len(counts)), strict=True):
        volumes[place] += bar["volume"]
        counts[place] += 1
    total = sum(volumes, zero)
    area = value_area(volumes, share)
    control = max(range(len(volumes)), key=lambda place: (volumes[place], -place))
    return [
        {
            "bin_number": place + 1, "lower_price": bounds[place], "upper_price": bounds[place + 1], "bars": counts[place],
            "volume": volumes[place], "share": float(volumes[place]) / float(total) if total else None,
            "is_point_of_control": bool(total) and place == control, "is_value_area": place in area,
        }
        for place in range(len(volumes))
    ]  # fmt: skip


def value_area(volumes: Sequence[Decimal], share: Fraction) -> range:
    """Return the places of the bins that hold the value area; it is contiguous, and empty without volume.

    From the point of control (the bin with most volume, the lowest of several) on, the two bins above and the two below
    are compared, and those with more volume are taken, the upper ones at a tie, until the share is reached. The rule
    of CBOT's Market Profile, as in www.linnsoft.com/qa/a/123.htm (method A).
    """
    exact = [Fraction(volume) for volume in volumes]
    wanted = sum(exact) * share
    if not wanted:
        return range(0)
    low = high = max(range(len(exact)), key=lambda place: (exact[place], -place))
    reached = exact[low]
    while reached < wanted:
        above, below = exact[high + 1 : high + 3], exact[max(low - 2, 0) : low]
        if above and (not below or sum(above) >= sum(below)):
            high += len(above)
            reached += sum(above)
        else:
            low -= len(below)
            reached += sum(below)
    return range(low, high + 1)
