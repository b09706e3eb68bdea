"""An indicator of a symbol: from the mart where it holds these periods, else computed over enough bars."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from candlewick_ui.analytics.room import room_for
from candlewick_ui.analytics.warm_up import EXACT, MOST_BARS, TIMES_THE_HIGHEST
from candlewick_ui.database import NotBuilt
from candlewick_ui.providers.base import Answer
from candlewick_ui.queries.candles import Interval, final_bars, has_expired
from candlewick_ui.queries.indicators import COLUMNS, newest
from candlewick_ui.queries.vars import mart_vars

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from candlewick_ui.analytics.formulas import Values
    from candlewick_ui.providers.base import Asked, ProviderParameters
    from candlewick_ui.queries.indicators import Kind


@dataclass(frozen=True, slots=True)
class Bars:
    """Final bars as floats, oldest first."""

    highs: list[float]
    lows: list[float]
    closes: list[float]


@dataclass(frozen=True, slots=True)
class Computed:
    """A value per bar for each column of the indicator, and what an error is measured by."""

    columns: tuple[Values, ...]
    scale: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an indicator is made with certain periods.

    Args:
        kind: which one.
        periods: the var of the dbt project that each parameter corresponds to, and the value asked for.
        before: bars to begin with before the first one shown.
        compute: the values.
        left_of_seeds: how much of the seeds is left at a bar, by the number of bars before it.
    """

    kind: Kind
    periods: Mapping[str, float]
    before: int
    compute: Callable[[Bars], Computed]
    left_of_seeds: Callable[[int], float]


def indicator(asked: Asked, parameters: ProviderParameters, recipe: Recipe) -> Answer:
    """Return the newest final bars with their values; None while a value is not warm."""
    return _of_the_mart(asked, parameters, recipe) or _computed(asked, parameters, recipe)


def columns_of(kind: Kind) -> tuple[str, ...]:
    """Return the columns of the answer."""
    return ("open_time", "close_price", *COLUMNS[kind])


def _of_the_mart(asked: Asked, parameters: ProviderParameters, recipe: Recipe) -> Answer | None:
    """Return the mart's rows; None when it has other periods, none for this interval, or is not as far as the bars."""
    if any(mart_vars()[name] != value for name, value in recipe.periods.items()):
        return None
    try:
        rows = newest(asked.reader, asked.exchange, asked.symbol, parameters.interval, recipe.kind, parameters.limit)
    except NotBuilt:
        return None
    bars = final_bars(asked.reader, asked.exchange, asked.symbol, parameters.interval, 1) if rows else []
    if not bars or rows[-1]["open_time"] != bars[0]["open_time"]:
        return None
    return Answer(columns_of(recipe.kind), rows, {"source": "mart"}, COLUMNS[recipe.kind])


def _computed(asked: Asked, parameters: ProviderParameters, recipe: Recipe) -> Answer:
    """Compute the values, over more bars as long as the seeds they began with could be seen in them."""
    rows: list[dict[str, Any]] = []
    wanted = min(parameters.limit + recipe.before, MOST_BARS)
    while True:
        with room_for(wanted):
            earliest = rows[0]["open_time"] if rows else None
            # As text: thousands of bars are computed with as floats, and of some the close is told with all its digits.
            rows[:0] = final_bars(
                asked.reader,
                asked.exchange,
                asked.symbol,
                parameters.interval,
                wanted - len(rows),
                earliest,
                decimals=str,
            )
            bars = Bars(*([float(row[name]) for row in rows] for name in ("high_price", "low_price", "close_price")))
            made, shown_from = recipe.compute(bars), max(len(rows) - parameters.limit, 0)
        is_all = len(rows) < wanted
        is_from_first_bar = is_all and not _is_cut(asked, parameters.interval)
        error = 0.0 if is_from_first_bar or not rows else _error_bound(bars, made, shown_from, recipe)
        if is_all or error <= EXACT or wanted == MOST_BARS:
            break
        wanted = min(4 * wanted, MOST_BARS)
    warm_up: dict[str, Any] = {"bars": shown_from, "is_from_first_bar": is_from_first_bar, "error_bound": error}
    columns = columns_of(recipe.kind)
    shown = [
        dict(zip(columns, (row["open_time"], Decimal(row["close_price"]), *values), strict=True))
        for row, *values in zip(rows[shown_from:], *(values[shown_from:] for values in made.columns), strict=True)
    ]
    return Answer(columns, shown, {"source": "computed", "warm_up": warm_up}, COLUMNS[recipe.kind])


def _is_cut(asked: Asked, interval: Interval) -> bool:
    """Whether retention took bars there were: of the others, the first one there is was not the first one ever."""
    return interval is Interval.MINUTE_1 and has_expired(asked.reader, asked.exchange, asked.symbol)


def _error_bound(bars: Bars, made: Computed, shown_from: int, recipe: Recipe) -> float:
    """Return how far off the first value shown can be, relative to its scale; those after it are nearer."""
    left, scale = recipe.left_of_seeds(shown_from), made.scale[shown_from]
    if not left:
        return 0.0
    return left * TIMES_THE_HIGHEST * max(bars.highs) / scale if scale else math.inf
