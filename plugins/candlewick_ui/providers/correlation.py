"""How alike the returns of a symbol are to those of others."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from candlewick.pipeline.pearson import correlations
from candlewick.settings import settings
from candlewick_ui.analytics.returns import Return, log_returns
from candlewick_ui.analytics.room import room_for
from candlewick_ui.database import NotBuilt
from candlewick_ui.providers.base import Answer, Asked, Provider, ProviderParameters
from candlewick_ui.queries.candles import Interval, final_bars
from candlewick_ui.queries.correlation import COLUMNS, largest_symbols, of_symbol
from candlewick_ui.queries.known import demand_symbol
from candlewick_ui.queries.vars import mart_vars

NUMBERS = ("correlation",)
MOST_OTHERS = 10
MOST_RETURNS = 2000


class Parameters(ProviderParameters):
    """The window, and with whom."""

    interval: Interval = Field(Interval.MINUTE_5, description="What one return spans.")
    limit: int = Field(
        288,
        ge=2,
        le=MOST_RETURNS,
        description="Length of the window in bars, up to the newest final one of the symbol.",
    )
    others: tuple[Annotated[str, StringConstraints(min_length=1, max_length=50, to_upper=True)], ...] = Field(
        (),
        max_length=MOST_OTHERS,
        description="Symbols it is compared with; none named: every one the marts hold, and for a window they do not "
        f"hold the {MOST_OTHERS} with the largest turnover of 24 hours.",
    )


def answer(asked: Asked, parameters: Parameters) -> Answer:
    """Return a row for each other symbol, by name, the symbol itself included."""
    held = _of_the_mart(asked, parameters)
    if held is not None:
        return held
    with room_for((1 + (len(parameters.others) or MOST_OTHERS)) * parameters.limit):
        return _computed(asked, parameters)


def _of_the_mart(asked: Asked, parameters: Parameters) -> Answer | None:
    window = mart_vars().window(parameters.interval.seconds // 60, parameters.limit)
    if window is None:
        return None
    try:
        rows = of_symbol(asked.reader, asked.exchange, asked.symbol, window.name)
    except NotBuilt:
        return None
    wanted = {asked.symbol, *parameters.others}
    shown = [row for row in rows if not parameters.others or row["other_symbol"] in wanted]
    if not rows or (parameters.others and {row["other_symbol"] for row in shown} != wanted):
        return None
    told = {
        "from_time": rows[0]["window_start"],
        "to_time": rows[0]["window_end"],
        "computed_at": rows[0]["computed_at"],
    }
    return Answer(COLUMNS, shown, {"source": "mart", **told}, NUMBERS)


def _computed(asked: Asked, parameters: Parameters) -> Answer:
    import numpy as np

    own = _returns(asked, asked.symbol, parameters)
    if not own:
        return Answer(COLUMNS, [], {"source": "computed", "from_time": None, "to_time": None}, NUMBERS)
    length = timedelta(seconds=parameters.interval.seconds)
    until = max(own) + length
    since = until - parameters.limit * length
    names = {asked.symbol, *(parameters.others or largest_symbols(asked.reader, asked.exchange, MOST_OTHERS))}
    series = {name: own if name == asked.symbol else _returns(asked, name, parameters) for name in sorted(names)}
    for name in parameters.others:
        if not series[name]:
            demand_symbol(asked.reader, asked.exchange, name)
    moments = sorted(moment for moment in own if moment >= since)
    table = np.array([[found.get(moment, np.nan) for found in series.values()] for moment in moments])
    values, counts = correlations(table, settings().correlation_min_observations)
    place = sorted(names).index(asked.symbol)
    rows: list[dict[str, Any]] = [
        {"other_symbol": name, "correlation": None if np.isnan(value) else value, "observations": count}
        for name, value, count in zip(series, values[place].tolist(), counts[place].tolist(), strict=True)
    ]
    return Answer(COLUMNS, rows, {"source": "computed", "from_time": since, "to_time": until}, NUMBERS)


def _returns(asked: Asked, symbol: str, parameters: Parameters) -> dict[Any, float]:
    bars = final_bars(asked.reader, asked.exchange, symbol, parameters.interval, parameters.limit + 1, decimals=float)
    found: list[Return] = log_returns(bars, parameters.interval.seconds)
    return {moment: move for moment, move, _ in found}


PROVIDER = Provider(
    "correlation",
    "Pearson's correlation of the log returns of final bars with those of other symbols, over the bars both have.",
    Parameters,
    answer,
)
