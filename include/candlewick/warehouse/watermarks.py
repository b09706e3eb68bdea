"""The watermark of each series (exchange, symbol, data type, interval); moved only with a committed load, never back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.market import DataType
    from candlewick.warehouse.database import Session

Series = tuple[str, str, str, str]


def last_open_times(session: Session, exchange: str, data_type: DataType, interval_code: str) -> dict[str, datetime]:
    """Return the watermark by symbol; a symbol without one is absent."""
    rows = session.all(
        "SELECT symbol, last_open_time FROM extraction_metadata "
        "WHERE exchange = %s AND data_type = %s AND interval_code = %s AND last_open_time IS NOT NULL",
        (exchange, data_type.value, interval_code),
    )
    return dict(rows)


def move(
    session: Session,
    series: Series,
    *,
    fetched_at: datetime,
    last_open_time: datetime | None,
    record_count: int,
    now: datetime,
) -> None:
    """Move a watermark forward, in the transaction of the load.

    Args:
        session: the load's session.
        series: exchange, symbol, data type, interval code.
        fetched_at: capture of the newest payload of the load.
        last_open_time: last final open_time seen (for books the capture); None leaves the watermark where it is.
        record_count: rows of this load.
        now: our clock.
    """
    session.run(
        "INSERT INTO extraction_metadata (exchange, symbol, data_type, interval_code, last_fetch_time, last_open_time, "
        "record_count, updated_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) "
        "ON DUPLICATE KEY UPDATE "
        "last_fetch_time = GREATEST(last_fetch_time, VALUES(last_fetch_time)), "
        "last_open_time = COALESCE(GREATEST(last_open_time, VALUES(last_open_time)), last_open_time, VALUES(last_open_time)), "
        "record_count = VALUES(record_count), updated_at = VALUES(updated_at)",
        (*series, fetched_at, last_open_time, record_count, now),
    )
