"""Which symbols are late: read from the watermarks, so that it also sees what never failed loudly."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from candlewick.market import DataType, Interval
from candlewick.warehouse.database import utc_now
from candlewick.warehouse.events import Event, Kind, Severity

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.settings import Settings
    from candlewick.warehouse.database import Warehouse

_NEWEST = """
    SELECT s.symbol, m.last_open_time, s.added_at
    FROM tracked_symbols s
    LEFT JOIN extraction_metadata m
        ON m.exchange = s.exchange AND m.symbol = s.symbol AND m.data_type = %s AND m.interval_code = %s
    WHERE s.exchange = %s AND s.active = 1 AND s.status = 'TRADING'
    ORDER BY s.symbol
"""


def stale_symbols(warehouse: Warehouse, config: Settings, *, now: datetime | None = None) -> list[Event]:
    """Return an event per active, trading symbol whose newest final candle closed over ``stale_after_minutes`` ago.

    A symbol without any candle is late when it has been tracked for that long.
    """
    moment = now or utc_now()
    minute = Interval.MINUTE_1
    allowed = timedelta(minutes=config.stale_after_minutes)
    with warehouse.session() as session:
        rows = session.all(_NEWEST, (DataType.KLINES.value, minute.value, config.exchange))
    found = []
    for symbol, last_open_time, added_at in rows:
        closed = last_open_time + timedelta(milliseconds=minute.milliseconds) if last_open_time else None
        age = moment - (closed or added_at)
        if age <= allowed:
            continue
        what = (
            f"newest final candle closed at {closed:%Y-%m-%d %H:%M} UTC" if closed else "no candle since it was added"
        )
        found.append(
            Event(
                Kind.STALE,
                Severity.ERROR,
                symbol,
                f"{what}, {int(age.total_seconds() // 60)} minutes ago (allowed: {config.stale_after_minutes}); "
                "look at extraction_outcomes of the symbol and at the runs of market_minute",
            )
        )
    return found
