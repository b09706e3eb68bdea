"""Relative strength index after Wilder."""

from __future__ import annotations

from pydantic import Field

from candlewick_ui.analytics.formulas import gains_and_losses, rsi
from candlewick_ui.analytics.indicator import Bars, Computed, Recipe, indicator
from candlewick_ui.analytics.warm_up import bars_for_wilder, left_of_wilder
from candlewick_ui.providers.base import Answer, Asked, Provider, ProviderParameters
from candlewick_ui.queries.indicators import Kind


class Parameters(ProviderParameters):
    """The bars it is smoothed over."""

    period: int = Field(14, ge=2, le=500, description="Bars the moves are smoothed over.")


def answer(asked: Asked, parameters: Parameters) -> Answer:
    """Return the newest values, 0 to 100."""
    period = parameters.period

    def compute(bars: Bars) -> Computed:
        gains, losses = gains_and_losses(bars.closes, period)
        moves = [
            None if gain is None or loss is None else gain + loss for gain, loss in zip(gains, losses, strict=True)
        ]
        return Computed((rsi(gains, losses),), moves)

    # Both averages can be off by what is left of their seeds.
    recipe = Recipe(
        Kind.RSI,
        {"rsi_period": period},
        bars_for_wilder(period),
        compute,
        lambda bars: 2 * left_of_wilder(bars, period),
    )
    return indicator(asked, parameters, recipe)


PROVIDER = Provider(
    "rsi", "Relative strength index (Wilder) at the close of each final bar, 0 to 100.", Parameters, answer
)
