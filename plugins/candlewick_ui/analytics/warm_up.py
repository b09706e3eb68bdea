"""How many bars before the first one shown make an average what it would be over all of history, and how sure that is.

An average that began `w` bars ago with another value than the true one differs from it by what is left of that seed:
(1 - 1/n)^w of it for Wilder's, (1 - 2/(n + 1))^w for the exponential one. The seed lies inside of the prices there
ever were; they are taken to be at most `TIMES_THE_HIGHEST` the highest one seen. So the difference has a bound, which
is told with each answer; where it is above `EXACT`, as with a price that hardly moved, more bars are read.
"""

from __future__ import annotations

import math

EXACT = 1e-12
TIMES_THE_HIGHEST = 10.0
# What may be left of a seed. Of a price of 1 whose mean move is 1e-6 of it, 1e-20 · 20 / 1e-6 is 2e-13.
LEFT_OF_A_SEED = 1e-20
# Of MACD, which is measured by the price and not by its moves.
LEFT_OF_A_PRICE = 1e-15
MOST_BARS = 100_000


def left_of_wilder(bars: int, period: int) -> float:
    """Return the share of the seed of Wilder's average that is left at the bar after so many; the first has no move."""
    return math.pow(1 - 1 / period, max(bars - period, 0))


def left_of_exponential(bars: float, period: int) -> float:
    """Return the share of an exponential average's seed that is left at the bar after so many."""
    return math.pow(1 - 2 / (period + 1), max(bars - period, 0))


def bars_for_wilder(period: int) -> int:
    """Return the bars after which less than `LEFT_OF_A_SEED` of it is left, those of the seed included."""
    return 1 + period + math.ceil(math.log(LEFT_OF_A_SEED) / math.log1p(-1 / period))


def bars_for_exponential(period: int) -> int:
    """Return the bars after which less than `LEFT_OF_A_PRICE` of an exponential average's seed is left."""
    return period + math.ceil(math.log(LEFT_OF_A_PRICE) / math.log1p(-2 / (period + 1)))
