"""The oldest and the newest row of each table, each found by a few look-ups in an index."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from candlewick.spans import as_datetime

if TYPE_CHECKING:
    from collections.abc import Iterable

    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session
    from candlewick.warehouse.storage import TableSize

Ages = tuple[datetime | None, datetime | None]

# An index begins with the time.
BY_TIME = {
    "extraction_outcomes": "captured_at", "loads": "loaded_at", "pipeline_events": "occurred_at",
    "lifecycle_events": "occurred_at", "quarantined_rows": "quarantined_at", "storage_samples": "sampled_at",
}  # fmt: skip
# The key's first column grows with time.
BY_NUMBER = {
    "staging_klines": ("load_id", "captured_at"), "staging_orderbook": ("load_id", "captured_at"),
    "processed_files": ("object_id", "captured_at"), "archive_bundles": ("bundle_id", "archived_at"),
}  # fmt: skip
# The key is a symbol's, then the time: asked for each symbol. Of the facts, minutes.
BY_SYMBOL = {
    "fact_klines": "open_time", "fact_orderbook": "captured_at", "indicators_1m": "open_time", "indicators_1h": "open_time",
    "indicators_1d": "open_time", "klines_5m": "open_time", "klines_15m": "open_time", "klines_4h": "open_time",
    "hourly_klines": "hour_start", "daily_klines": "date", "orderbook_metrics": "captured_at",
}  # fmt: skip
_MINUTES_ONLY = {"fact_klines": "interval_code"}


def of_tables(session: Session, config: Settings, tables: Iterable[TableSize]) -> dict[str, Ages]:
    """Return (oldest, newest) by full table name, naive UTC; tables without a known time are left out."""
    found: dict[str, Ages] = {}
    for table in tables:
        query = _query(table.name, table.full_name, config) if _is_known(table, config) else None
        if query:
            row = session.one(query)
            found[table.full_name] = (as_datetime(row[0]), as_datetime(row[1])) if row else (None, None)
    return found


def _is_known(table: TableSize, config: Settings) -> bool:
    """Whether its name means what it means here: each name belongs to one of the schemas."""
    return (table.schema == config.marts_schema) == (table.name in BY_SYMBOL)


def _query(name: str, full_name: str, config: Settings) -> str | None:
    if column := BY_TIME.get(name):
        return f"SELECT (SELECT MIN({column}) FROM {full_name}), (SELECT MAX({column}) FROM {full_name})"
    if numbered := BY_NUMBER.get(name):
        number, column = numbered
        ends = (f"(SELECT {column} FROM {full_name} ORDER BY {number} {way} LIMIT 1)" for way in ("ASC", "DESC"))
        return f"SELECT {', '.join(ends)}"
    if column := BY_SYMBOL.get(name):
        oldest, newest = (_of_a_symbol(name, full_name, column, way) for way in ("ASC", "DESC"))
        return (
            f"SELECT MIN(ends.oldest), MAX(ends.newest) FROM (SELECT {oldest} AS oldest, {newest} AS newest "
            f"FROM {config.raw_schema}.tracked_symbols AS s) AS ends"
        )
    return None


def _of_a_symbol(name: str, full_name: str, column: str, way: str) -> str:
    """Return a look-up of one end; ORDER BY names the key from its first column on, or MySQL sorts all of it."""
    minutes = _MINUTES_ONLY.get(name)
    only = f"AND f.{minutes} = '1m' " if minutes else ""
    key = ["f.exchange", "f.symbol", *([f"f.{minutes}"] if minutes else []), f"f.{column}"]
    order = ", ".join(f"{part} {way}" for part in key)
    return (
        f"(SELECT f.{column} FROM {full_name} AS f FORCE INDEX (PRIMARY) WHERE f.exchange = s.exchange "
        f"AND f.symbol = s.symbol {only}ORDER BY {order} LIMIT 1)"
    )
