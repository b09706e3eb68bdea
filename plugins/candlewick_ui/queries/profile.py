"""How much was traded at which price, as the hourly mart holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from candlewick_ui.database import Reader

COLUMNS = (
    "bin_number", "lower_price", "upper_price", "bars", "volume", "share", "is_point_of_control", "is_value_area",
)  # fmt: skip

_PROFILE = """
SELECT bin_number, lower_price, upper_price, minutes AS bars, volume, share, is_point_of_control, is_value_area,
    from_time, to_time
FROM volume_profile WHERE exchange = :exchange AND symbol = :symbol ORDER BY exchange, symbol, bin_number
"""


def volume_profile(reader: Reader, exchange: str, symbol: str) -> list[dict[str, Any]]:
    """Return the bins of the mart, lowest first: `COLUMNS`, and the window (from_time, to_time) in each."""
    rows = reader.rows(_PROFILE, exchange=exchange, symbol=symbol)
    for row in rows:
        row["is_point_of_control"], row["is_value_area"] = bool(row["is_point_of_control"]), bool(row["is_value_area"])
    return rows
