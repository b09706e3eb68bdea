"""For how many bars the price stood where."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from pydantic import Field

from candlewick_ui.analytics.bins import price_bins
from candlewick_ui.database import NotBuilt
from candlewick_ui.providers.base import MOST_BARS, Answer, Asked, Provider, ProviderParameters
from candlewick_ui.queries.candles import Interval, final_window
from candlewick_ui.queries.distributions import PRICE_COLUMNS, price_distribution
from candlewick_ui.queries.vars import mart_vars


class Parameters(ProviderParameters):
    """The window, and the bins."""

    limit: int = Field(
        1440, ge=1, le=MOST_BARS, description="Length of the window in bars, up to the newest final one."
    )
    bins: int = Field(50, ge=1, le=500, description="Bins of equal width from the lowest to the highest close.")


def answer(asked: Asked, parameters: Parameters) -> Answer:
    """Return the bins, lowest first."""
    return _of_the_mart(asked, parameters) or _computed(asked, parameters)


def _of_the_mart(asked: Asked, parameters: Parameters) -> Answer | None:
    built_with = mart_vars()
    held = (Interval.MINUTE_1, 60 * built_with["price_distribution_hours"], built_with["price_bins"])
    if (parameters.interval, parameters.limit, parameters.bins) != held:
        return None
    try:
        rows = price_distribution(asked.reader, asked.exchange, asked.symbol)
    except NotBuilt:
        return None
    window = {name: rows[0][name] for name in ("from_time", "to_time")} if rows else {}
    return Answer(PRICE_COLUMNS, rows, {"source": "mart", **window}) if rows else None


def _computed(asked: Asked, parameters: Parameters) -> Answer:
    length = timedelta(seconds=parameters.interval.seconds)
    # As text: of a bar only the close is computed with.
    bars = final_window(asked.reader, asked.exchange, asked.symbol, parameters.interval, parameters.limit, decimals=str)
    until = bars[-1]["open_time"] + length if bars else None
    since = until - parameters.limit * length if until else None
    rows = price_bins([Decimal(bar["close_price"]) for bar in bars], parameters.bins)
    return Answer(PRICE_COLUMNS, rows, {"source": "computed", "from_time": since, "to_time": until})


PROVIDER = Provider("price_distribution", "Number of final bars that closed in each bin of price.", Parameters, answer)
