"""Bollinger bands."""

from __future__ import annotations

from pydantic import Field

from candlewick_ui.analytics.formulas import bollinger
from candlewick_ui.analytics.indicator import Bars, Computed, Recipe, indicator
from candlewick_ui.providers.base import Answer, Asked, Provider, ProviderParameters
from candlewick_ui.queries.indicators import Kind


class Parameters(ProviderParameters):
    """The bars of the mean, and the width of the bands."""

    period: int = Field(20, ge=2, le=500, description="Bars of the mean and the deviation.")
    std_dev: float = Field(2.0, gt=0, le=10, description="Population standard deviations from the mean to a band.")


def answer(asked: Asked, parameters: Parameters) -> Answer:
    """Return the newest values, in quote asset."""
    period, deviations = parameters.period, parameters.std_dev

    def compute(bars: Bars) -> Computed:
        return Computed(bollinger(bars.closes, period, deviations), bars.closes)

    recipe = Recipe(
        Kind.BOLLINGER,
        {"bollinger_period": period, "bollinger_deviations": deviations},
        period - 1,
        compute,
        lambda _: 0.0,  # a plain window has no seed
    )
    return indicator(asked, parameters, recipe)


PROVIDER = Provider(
    "bollinger",
    "Mean of the last closes of final bars with a band above and below, in quote asset.",
    Parameters,
    answer,
)
