"""How prices and returns are distributed, as the hourly marts hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

PRICE_COLUMNS = ("bin_number", "lower_price", "upper_price", "bars", "share", "cumulative_share")
RETURN_COLUMNS = ("bin_number", "lower_bound", "upper_bound", "observations", "share")

_PRICES = """
SELECT bin_number, lower_price, upper_price, minutes AS bars, share, cumulative_share, from_time, to_time
FROM price_distribution WHERE exchange = :exchange AND symbol = :symbol ORDER BY exchange, symbol, bin_number
"""
_HISTOGRAM = """
SELECT bin_number, lower_bound, upper_bound, observations, share FROM return_histogram
WHERE exchange = :exchange AND symbol = :symbol AND window_name = :window ORDER BY exchange, symbol, window_name, bin_number
"""
_MOMENTS = """
SELECT moments.first_open_time, moments.last_open_time, moments.observations, moments.mean, moments.standard_deviation,
    moments.skewness, moments.excess_kurtosis, moments.var_95, moments.var_99, moments.minimum, moments.maximum,
    volatility.realised_volatility, volatility.parkinson_volatility
FROM return_distribution AS moments
LEFT JOIN volatility ON volatility.exchange = moments.exchange AND volatility.symbol = moments.symbol
    AND volatility.window_name = moments.window_name
WHERE moments.exchange = :exchange AND moments.symbol = :symbol AND moments.window_name = :window
"""


def price_distribution(reader: Reader, exchange: str, symbol: str) -> list[dict[str, Any]]:
    """Return the bins of the mart, lowest first: `PRICE_COLUMNS`, and the window (from_time, to_time) in each."""
    return reader.rows(_PRICES, exchange=exchange, symbol=symbol)


def return_histogram(reader: Reader, exchange: str, symbol: str, window: str) -> list[dict[str, Any]]:
    """Return the bins of the log returns of a window, lowest first, with `RETURN_COLUMNS`."""
    return reader.rows(_HISTOGRAM, exchange=exchange, symbol=symbol, window=window)


def return_moments(reader: Reader, exchange: str, symbol: str, window: str) -> dict[str, Any] | None:
    """Return mean, deviation, skewness, kurtosis, value at risk and volatility of a window; None if there is none."""
    return reader.one(_MOMENTS, exchange=exchange, symbol=symbol, window=window)
