"""Average true range after Wilder."""

from __future__ import annotations

from pydantic import Field

from candlewick_ui.analytics.formulas import atr
from candlewick_ui.analytics.indicator import Bars, Computed, Recipe, indicator
from candlewick_ui.analytics.warm_up import bars_for_wilder, left_of_wilder
from candlewick_ui.providers.base import Answer, Asked, Provider, ProviderParameters
from candlewick_ui.queries.indicators import Kind


class Parameters(ProviderParameters):
    """The bars it is smoothed over."""

    period: int = Field(14, ge=2, le=500, description="Bars the true ranges are smoothed over.")


def answer(asked: Asked, parameters: Parameters) -> Answer:
    """Return the newest values, in quote asset."""
    period = parameters.period

    def compute(bars: Bars) -> Computed:
        ranges = atr(bars.highs, bars.lows, bars.closes, period)
        return Computed((ranges,), ranges)

    recipe = Recipe(
        Kind.ATR, {"atr_period": period}, bars_for_wilder(period), compute, lambda bars: left_of_wilder(bars, period)
    )
    return indicator(asked, parameters, recipe)


PROVIDER = Provider(
    "atr", "Average true range (Wilder) at the close of each final bar, in quote asset.", Parameters, answer
)
