"""What a load leaves behind: its own row, a row per object, the rows in quarantine, and word to the models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.warehouse.staging import KLINES, ORDERBOOK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from candlewick.market import Lane, RejectReason
    from candlewick.warehouse.database import Session
    from candlewick.warehouse.outcomes import LoadableObject

# The models that consume staging; each hands the load on to those it feeds (dbt macro `pending_loads`).
CONSUMERS = {KLINES: "fact_klines", ORDERBOOK: "fact_orderbook"}

LOADED, PARTIAL, QUARANTINED = "loaded", "partial", "quarantined"


@dataclass(frozen=True, slots=True)
class ProcessedObject:
    """An object as a load found it."""

    source: LoadableObject
    record_count: int
    rejected_count: int
    sha256: str | None
    payload_bytes: int | None
    reason: str | None

    @property
    def status(self) -> str:
        """``loaded``, ``partial`` (some rows in quarantine) or ``quarantined`` (nothing of it was staged)."""
        if not self.rejected_count:
            return LOADED
        return PARTIAL if self.record_count else QUARANTINED


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row in quarantine; number 0 is the whole payload."""

    source: LoadableObject
    row_number_in_object: int
    open_time: datetime | None
    reason: RejectReason
    offending: str


def have_begun(session: Session) -> bool:
    """Tell whether there ever was a load; their rows are kept for good."""
    return session.one("SELECT 1 FROM loads LIMIT 1") is not None


def begin_load(session: Session, lane: Lane, run_id: str, now: datetime) -> int:
    """Allocate a load_id; the row stays invisible until the load commits."""
    return session.insert(
        "INSERT INTO loads (lane, run_id, objects, rows_staged, rows_rejected, started_at, loaded_at) "
        "VALUES (%s, %s, 0, 0, 0, %s, %s)",
        (lane, run_id, now, now),
    )


def finish_load(
    session: Session,
    load_id: int,
    objects: int,
    staged: dict[str, int],
    rejected: int,
    now: datetime,
    *,
    models: Sequence[str] | None = None,
) -> None:
    """Complete the load's row and tell the models that have something to consume: those of staging, unless named."""
    if models is None:
        models = [CONSUMERS[table] for table, rows in staged.items() if rows]
    session.run(
        "UPDATE loads SET objects = %s, rows_staged = %s, rows_rejected = %s, loaded_at = %s WHERE load_id = %s",
        (objects, sum(staged.values()), rejected, now, load_id),
    )
    session.run_many(
        "INSERT INTO pending_loads (model, load_id) VALUES (%s, %s)",
        [(model, load_id) for model in models],
    )


def record_objects(session: Session, load_id: int, objects: Sequence[ProcessedObject], now: datetime) -> None:
    """Mark objects as processed; one that is loaded again gets its new load and stays where it lies."""
    session.run_many(
        "INSERT INTO processed_files (object_id, bucket, object_key, exchange, symbol, data_type, interval_code, source, "
        "captured_at, record_count, rejected_count, payload_bytes, sha256, load_id, status, reason, processed_at, bundle_id, "
        "archived_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
        "ON DUPLICATE KEY UPDATE record_count = VALUES(record_count), rejected_count = VALUES(rejected_count), "
        "payload_bytes = VALUES(payload_bytes), sha256 = VALUES(sha256), load_id = VALUES(load_id), "
        "status = VALUES(status), reason = VALUES(reason), processed_at = VALUES(processed_at)",
        [
            (
                o.source.object_id, o.source.bucket, o.source.object_key, *o.source.series, o.source.source,
                o.source.captured_at, o.record_count, o.rejected_count, o.payload_bytes, o.sha256, load_id, o.status,
                o.reason, now, o.source.bundle_id, now if o.source.bundle_id else None,
            )
            for o in objects
        ],
    )  # fmt: skip


def horizon(session: Session, exchange: str) -> datetime | None:
    """Return the moment before which captures may be missing here because their rows were pruned; None: none was."""
    row = session.one(
        "SELECT MAX(horizon) FROM retention_horizons WHERE exchange = %s AND data_type = 'processed_files'", (exchange,)
    )
    return row[0] if row else None


def record_quarantine(
    session: Session, load_id: int, object_ids: Sequence[int], rows: Sequence[QuarantinedRow], now: datetime
) -> None:
    """Put rejected rows into quarantine, and take out what an earlier load of the same objects had put there."""
    for start in range(0, len(object_ids), 1000):
        part = object_ids[start : start + 1000]
        marks = ", ".join(["%s"] * len(part))
        session.run(
            f"UPDATE quarantined_rows SET resolved_load_id = %s WHERE resolved_load_id IS NULL AND object_id IN ({marks})",
            (load_id, *part),
        )
    session.run_many(
        "INSERT INTO quarantined_rows (object_id, row_number_in_object, load_id, exchange, symbol, data_type, interval_code, "
        "open_time, reason, offending, quarantined_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
        "ON DUPLICATE KEY UPDATE load_id = VALUES(load_id), quarantined_at = VALUES(quarantined_at), resolved_load_id = NULL",
        [
            (
                row.source.object_id, row.row_number_in_object, load_id, *row.source.series, row.open_time,
                row.reason.value, row.offending, now,
            )
            for row in rows
        ],
    )  # fmt: skip


def record_counts(session: Session, object_ids: Sequence[int]) -> dict[int, int]:
    """Return the staged rows of objects by id; one that was never loaded is absent."""
    if not object_ids:
        return {}
    marks = ", ".join(["%s"] * len(object_ids))
    return dict(
        session.all(
            f"SELECT object_id, record_count FROM processed_files WHERE object_id IN ({marks})", list(object_ids)
        )
    )
