"""Log returns and what they are like: the rules of `window_returns`, `return_distribution`, `volatility`, `return_histogram`."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from candlewick_ui.analytics.bins import edges

if TYPE_CHECKING:
    from collections.abc import Sequence


Return: TypeAlias = tuple[datetime, float, float]

DAY_MINUTES = 1440
# Below so many returns a figure says nothing of them (docs/market-marts.md).
LEAST = {"standard_deviation": 2, "skewness": 3, "excess_kurtosis": 4, "var_95": 20, "var_99": 100}


def log_returns(bars: Sequence[dict[str, Any]], seconds: int) -> list[Return]:
    """Return (open time, log return, log range) of each bar that follows directly after another one.

    Across a missing bar there is no return, so neither a gap nor a halt turns into one large move.

    Args:
        bars: final ones, oldest first, prices as floats.
        seconds: length of a bar.
    """
    step, found = timedelta(seconds=seconds), []
    for before, bar in pairwise(bars):
        earlier, later, low = before["close_price"], bar["close_price"], bar["low_price"]
        if bar["open_time"] - before["open_time"] == step and min(earlier, later, low) > 0:
            log_range = math.log(bar["high_price"] / low)
            found.append((bar["open_time"], math.log(later / earlier), log_range))
    return found


def moments(returns: Sequence[Return], step_minutes: float, days_per_year: float) -> dict[str, Any]:
    """Return the figures of `return_distribution` and `volatility`; None where there are too few returns for one.

    Skewness is m₃ / m₂^1.5, excess kurtosis m₄ / m₂² - 3 (Joanes and Gill 1998); value at risk minus the interpolated
    quantile (type 7 of Hyndman and Fan 1996); Parkinson's volatility √(mean(range²) / (4 ln 2)) (Parkinson 1980).
    """
    import numpy as np

    if not returns:
        return {"observations": 0}
    moves = np.array([move for _, move, _ in returns])
    count, mean = len(moves), float(moves.mean())
    off = moves - mean
    second, third, fourth = (float((off**power).mean()) for power in (2, 3, 4))
    is_still = bool(moves.max() == moves.min())
    varies = not is_still and second > (mean * 1e-15) ** 2
    deviation = 0.0 if is_still else math.sqrt(second * count / (count - 1)) if count > 1 else None
    ranges = np.array([log_range for _, _, log_range in returns])
    a_year = math.sqrt(days_per_year * DAY_MINUTES / step_minutes)
    told = {
        "first_open_time": returns[0][0], "last_open_time": returns[-1][0], "observations": count,
        "mean": float(moves.min()) if is_still else mean,
        "standard_deviation": deviation,
        "skewness": third / second**1.5 if varies else None,
        "excess_kurtosis": fourth / second**2 - 3 if varies else None,
        "var_95": -float(np.quantile(moves, 0.05)), "var_99": -float(np.quantile(moves, 0.01)),
        "minimum": float(moves.min()), "maximum": float(moves.max()),
        "realised_volatility": None if deviation is None or count < LEAST["standard_deviation"] else deviation * a_year,
        "parkinson_volatility": math.sqrt(float((ranges**2).mean()) / (4 * math.log(2))) * a_year,
    }  # fmt: skip
    return told | {name: None for name, least in LEAST.items() if count < least}


def histogram(returns: Sequence[Return], bins: int) -> list[dict[str, Any]]:
    """Return the rows of `return_histogram`: a bin holds what lies within the bounds its row shows."""
    import numpy as np

    if not returns:
        return []
    moves = np.array([move for _, move, _ in returns])
    bounds = edges(float(moves.min()), float(moves.max()), bins)
    places = np.clip(np.searchsorted(bounds, moves, side="right") - 1, 0, len(bounds) - 2)
    counts = np.bincount(places, minlength=len(bounds) - 1).tolist()
    return [
        {
            "bin_number": number + 1, "lower_bound": bounds[number], "upper_bound": bounds[number + 1],
            "observations": count, "share": count / len(returns),
        }
        for number, count in enumerate(counts)
    ]  # fmt: skip
