"""Moving average convergence/divergence."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from candlewick_ui.analytics.formulas import macd
from candlewick_ui.analytics.indicator import Bars, Computed, Recipe, indicator
from candlewick_ui.analytics.warm_up import LEFT_OF_A_PRICE, bars_for_exponential, left_of_exponential
from candlewick_ui.providers.base import Answer, Asked, Provider, ProviderParameters
from candlewick_ui.queries.indicators import Kind

# Line: what is left of two seeds. Signal: the same of the values it averages, and of three times that size its own seed. Histogram: both.
SEEDS = 7


class Parameters(ProviderParameters):
    """The bars of its three averages."""

    fast_period: int = Field(12, ge=2, le=499, description="Bars of the fast average; fewer than the slow one's.")
    slow_period: int = Field(26, ge=3, le=500, description="Bars of the slow average.")
    signal_period: int = Field(9, ge=2, le=500, description="Bars of the signal, an average of fast less slow.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.fast_period >= self.slow_period:
            raise ValueError(
                f"expected fast_period below slow_period, got {self.fast_period} and {self.slow_period}; exchange them"
            )
        return self


def answer(asked: Asked, parameters: Parameters) -> Answer:
    """Return the newest values, in quote asset."""
    fast, slow, signal = parameters.fast_period, parameters.slow_period, parameters.signal_period

    def compute(bars: Bars) -> Computed:
        return Computed(macd(bars.closes, fast, slow, signal), bars.closes)

    recipe = Recipe(
        Kind.MACD,
        {"macd_fast_period": fast, "macd_slow_period": slow, "macd_signal_period": signal},
        bars_for_exponential(slow) + bars_for_exponential(signal),
        compute,
        lambda bars: SEEDS * _left_of_a_seed(bars, slow, signal),
    )
    return indicator(asked, parameters, recipe)


def _left_of_a_seed(bars: int, slow: int, signal: int) -> float:
    """Return what may be left of a seed after so many bars: part of them for the line to forget its own, the rest for the signal."""
    share = min(bars / (bars_for_exponential(slow) + bars_for_exponential(signal)), 1.0)
    if share == 1.0:
        return LEFT_OF_A_PRICE
    return max(left_of_exponential(share * bars_for_exponential(period), period) for period in (slow, signal))


PROVIDER = Provider(
    "macd", "Fast less slow exponential average of the closes of final bars, its signal and the difference, in quote asset.",
    Parameters, answer,
)  # fmt: skip
