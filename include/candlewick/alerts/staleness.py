"""Which symbols are late: read from the facts, so that it also sees what never failed loudly, dbt standing still included."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from candlewick.market import DataType, Interval, Lane
from candlewick.warehouse import symbols, tables
from candlewick.warehouse.database import utc_now
from candlewick.warehouse.events import Event, Kind, Severity

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session, Warehouse

FACTS = "fact_klines"
_NEVER_ASKED = "market_minute has asked for nothing yet: is it paused, or the scheduler down?"
MINUTE = Interval.MINUTE_1
LENGTH = timedelta(milliseconds=MINUTE.milliseconds)
# ORDER BY ... LIMIT 1 walks the key backwards and stops; GROUP BY with MAX reads all of history.
_NEWEST_FACT = """(
        SELECT f.open_time FROM {marts}.fact_klines f FORCE INDEX (PRIMARY)
        WHERE f.exchange = s.exchange AND f.symbol = s.symbol AND f.interval_code = '1m' AND f.is_final = 1
        ORDER BY f.open_time DESC LIMIT 1
    )"""
_NEWEST = f"""
    SELECT s.symbol, {{newest}}, m.last_open_time, {symbols.TRACKED_SINCE}, s.status
    FROM tracked_symbols s
    LEFT JOIN extraction_metadata m
        ON m.exchange = s.exchange AND m.symbol = s.symbol AND m.data_type = %s AND m.interval_code = %s
    WHERE s.exchange = %s AND s.active = 1
    ORDER BY s.symbol
"""


def stale_symbols(warehouse: Warehouse, config: Settings, *, now: datetime | None = None) -> list[Event]:
    """Return an event per active, trading symbol of which nothing new is final for longer than ``stale_after_minutes``.

    Before dbt has built the facts, the watermarks stand in for them. A symbol without a candle since it was added (or
    added again) is late when that is as long ago, whatever is there of the time before, also one whose state nobody has
    asked for. While no symbol was ever tracked, one event says so: the first run of market_minute would have begun with
    ``CANDLEWICK_SYMBOLS``.
    """
    moment = now or utc_now()
    allowed = timedelta(minutes=config.stale_after_minutes)
    with warehouse.session() as session:
        if symbols.is_empty(session, config.exchange):
            return [Event(Kind.STALE, Severity.ERROR, "market_minute", "no symbol is followed yet; " + _NEVER_ASKED)]
        newest = (
            _NEWEST_FACT.format(marts=config.marts_schema)
            if tables.exist(session, config.marts_schema, FACTS)
            else "m.last_open_time"
        )
        rows = session.all(_NEWEST.format(newest=newest), (DataType.KLINES.value, MINUTE.value, config.exchange))
        late = [row for row in rows if symbols.is_late(row[4], _closed(row[1]), row[3], moment, allowed)]
        silence = _silence(session, config, moment - allowed) if late else ""
    found = []
    for symbol, built, loaded, tracked_since, _ in late:
        closed = _closed(built)
        age = moment - symbols.silent_since(closed, tracked_since)
        what = (
            f"newest final candle closed at {closed:%Y-%m-%d %H:%M} UTC"
            if closed and closed > tracked_since
            else "no candle since it was added"
        )
        found.append(
            Event(
                Kind.STALE,
                Severity.ERROR,
                symbol,
                f"{what}, {int(age.total_seconds() // 60)} minutes ago (allowed: {config.stale_after_minutes}); "
                + (silence or _where_to_look(built, loaded)),
            )
        )
    return found


def _closed(open_time: datetime | None) -> datetime | None:
    return open_time + LENGTH if open_time else None


def _silence(session: Session, config: Settings, since: datetime) -> str:
    """Say that nothing at all was asked lately, which a paused DAG leaves as its only trace; empty when something was."""
    row = session.one(
        "SELECT captured_at FROM extraction_outcomes WHERE exchange = %s AND lane = %s ORDER BY outcome_id DESC LIMIT 1",
        (config.exchange, Lane.LIVE.value),
    )
    if row is None:
        return _NEVER_ASKED
    if row[0] >= since:
        return ""
    return (
        f"market_minute has asked for nothing since {row[0]:%Y-%m-%d %H:%M} UTC: is it paused, or the scheduler down?"
    )


def _where_to_look(built: datetime | None, loaded: datetime | None) -> str:
    """Say which step stands still: what is loaded and not built waits for dbt."""
    if loaded and (built is None or loaded > built):
        return f"loaded is up to {loaded + LENGTH:%Y-%m-%d %H:%M} UTC, not built: look at transform in the runs of market_minute"
    return "look at extraction_outcomes of the symbol and at the runs of market_minute"
