"""How the log returns of a symbol are distributed: a histogram, its moments, value at risk and volatility."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from candlewick_ui.analytics.returns import histogram, log_returns, moments
from candlewick_ui.database import NotBuilt
from candlewick_ui.providers.base import MOST_BARS, Answer, Asked, Provider, ProviderParameters
from candlewick_ui.queries.candles import Interval, final_bars
from candlewick_ui.queries.distributions import RETURN_COLUMNS, return_histogram, return_moments
from candlewick_ui.queries.vars import mart_vars


class Parameters(ProviderParameters):
    """The window, and the bins."""

    interval: Interval = Field(Interval.MINUTE_5, description="What one return spans.")
    limit: int = Field(288, ge=1, le=MOST_BARS, description="Length of the window in bars, up to the newest final one.")
    bins: int = Field(50, ge=1, le=500, description="Bins of equal width from the smallest to the largest return.")


def answer(asked: Asked, parameters: Parameters) -> Answer:
    """Return the bins, lowest first."""
    return _of_the_mart(asked, parameters) or _computed(asked, parameters)


def _of_the_mart(asked: Asked, parameters: Parameters) -> Answer | None:
    built_with = mart_vars()
    window = built_with.window(parameters.interval.seconds // 60, parameters.limit)
    if window is None or parameters.bins != built_with["return_bins"]:
        return None
    try:
        told = return_moments(asked.reader, asked.exchange, asked.symbol, window.name)
        rows = return_histogram(asked.reader, asked.exchange, asked.symbol, window.name) if told else []
    except NotBuilt:
        return None
    return Answer(RETURN_COLUMNS, rows, {"source": "mart", "moments": told}) if rows else None


def _computed(asked: Asked, parameters: Parameters) -> Answer:
    seconds = parameters.interval.seconds
    # One bar more than the window has: its first return begins there.
    bars = final_bars(
        asked.reader, asked.exchange, asked.symbol, parameters.interval, parameters.limit + 1, decimals=float
    )
    after = bars[-1]["open_time"] - timedelta(seconds=seconds * parameters.limit) if bars else None
    returns = [one for one in log_returns(bars, seconds) if after is None or one[0] > after]
    told = moments(returns, seconds / 60, mart_vars()["days_per_year"])
    return Answer(RETURN_COLUMNS, histogram(returns, parameters.bins), {"source": "computed", "moments": told})


PROVIDER = Provider(
    "return_distribution",
    "Histogram of the log returns from one final bar to the next, with moments, value at risk and volatility a year.",
    Parameters,
    answer,
)
