"""How much was traded at which price, with point of control and value area."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from pydantic import Field

from candlewick_ui.analytics.bins import volume_bins
from candlewick_ui.database import NotBuilt
from candlewick_ui.providers.base import MOST_BARS, Answer, Asked, Provider, ProviderParameters
from candlewick_ui.queries.candles import Interval, final_window
from candlewick_ui.queries.profile import COLUMNS, volume_profile
from candlewick_ui.queries.vars import mart_vars


class Parameters(ProviderParameters):
    """The window, the bins and the value area."""

    limit: int = Field(
        1440, ge=1, le=MOST_BARS, description="Length of the window in bars, up to the newest final one."
    )
    bins: int = Field(50, ge=1, le=500, description="Bins of equal width from the lowest to the highest typical price.")
    value_area_share: float = Field(0.7, gt=0, le=1, description="Share of the volume that the value area holds.")


def answer(asked: Asked, parameters: Parameters) -> Answer:
    """Return the bins, lowest first."""
    made = _of_the_mart(asked, parameters) or _computed(asked, parameters)
    control = next((row for row in made.rows if row["is_point_of_control"]), None)
    area = [row for row in made.rows if row["is_value_area"]]
    told = {
        "point_of_control": None if control is None else (control["lower_price"] + control["upper_price"]) / 2,
        "value_area_low": area[0]["lower_price"] if area else None,
        "value_area_high": area[-1]["upper_price"] if area else None,
    }
    return Answer(made.columns, made.rows, {**made.more, **told})


def _of_the_mart(asked: Asked, parameters: Parameters) -> Answer | None:
    built_with = mart_vars()
    held = (
        Interval.MINUTE_1, 60 * built_with["volume_profile_hours"], built_with["volume_profile_bins"],
        built_with["value_area_share"],
    )  # fmt: skip
    if (parameters.interval, parameters.limit, parameters.bins, parameters.value_area_share) != held:
        return None
    try:
        rows = volume_profile(asked.reader, asked.exchange, asked.symbol)
    except NotBuilt:
        return None
    window = {name: rows[0][name] for name in ("from_time", "to_time")} if rows else {}
    return Answer(COLUMNS, rows, {"source": "mart", **window}) if rows else None


def _computed(asked: Asked, parameters: Parameters) -> Answer:
    length = timedelta(seconds=parameters.interval.seconds)
    bars = final_window(asked.reader, asked.exchange, asked.symbol, parameters.interval, parameters.limit)
    until = bars[-1]["open_time"] + length if bars else None
    since = until - parameters.limit * length if until else None
    share = Fraction(repr(parameters.value_area_share))  # the number as it was written, not its binary neighbour
    rows = volume_bins(bars, parameters.bins, share)
    return Answer(COLUMNS, rows, {"source": "computed", "from_time": since, "to_time": until})


PROVIDER = Provider(
    "volume_profile",
    "Volume of final bars by typical price (high + low + close) / 3, the bin with most of it, and the value area around it.",
    Parameters,
    answer,
)
