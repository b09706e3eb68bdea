"""What maintenance did to which object or table, and why: ``lifecycle_events``, a row for every action.

A row is written in the transaction of the action, or, where a server or a store cannot take the action back, after it:
a row says that something was done, never that it was meant to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from candlewick.spans import of_day

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from candlewick.warehouse.database import Session

SUBJECT_LENGTH, REASON_LENGTH = 255, 1000


class Step(StrEnum):
    """Who did it."""

    ARCHIVE = "archive"
    EXPIRE = "expire"
    RETENTION = "retention"
    CARE = "care"
    SWEEP = "sweep"
    BACKUP = "backup"


class Action(StrEnum):
    """What was done."""

    ARCHIVED = "archived"  # objects → one bundle, read back
    SOURCES_DELETED = "sources_deleted"
    EXPIRED = "expired"  # an object deleted for good, by age
    ROWS_DELETED = "rows_deleted"
    PRUNED = "pruned"  # rows of a ledger
    KEPT = "kept"  # due, but not touched: the reason says why
    REPAIRED = "repaired"
    REPORTED = "reported"  # wrong, and not for a program to repair
    ANALYSED = "analysed"
    OPTIMISED = "optimised"
    APPROVED = "approved"  # a person allowed a plan above the guard
    SAVED = "saved"  # a backup, or checkpoints


class Store(StrEnum):
    """Where."""

    RAW = "raw"
    ARCHIVE = "archive"
    BACKUP = "backup"
    WAREHOUSE = "warehouse"


@dataclass(frozen=True, kw_only=True, slots=True)
class LifecycleEvent:
    """One action. Times are naive UTC, the span is [from_time, to_time)."""

    step: Step
    action: Action
    store: Store
    subject: str
    reason: str
    symbol: str = ""
    from_time: datetime | None = None
    to_time: datetime | None = None
    object_count: int = 0
    row_count: int = 0
    byte_count: int = 0

    @classmethod
    def of_day(cls, day: date, **what: Any) -> LifecycleEvent:
        """Make an event whose span is a UTC day."""
        span = of_day(day)
        return cls(from_time=span.start, to_time=span.end, **what)


def has_done(session: Session, run_id: str, step: Step, action: Action, subject: str | None = None) -> bool:
    """Tell whether a run has done this, to the subject where one is named."""
    named, values = ("", ()) if subject is None else (" AND subject = %s", (subject,))
    return bool(
        session.one(
            f"SELECT event_id FROM lifecycle_events WHERE run_id = %s AND step = %s AND action = %s{named} LIMIT 1",
            (run_id, step.value, action.value, *values),
        )
    )


def record(session: Session, events: Iterable[LifecycleEvent], *, run_id: str, now: datetime) -> None:
    """Write events; the caller commits."""
    session.run_many(
        "INSERT INTO lifecycle_events (occurred_at, run_id, step, action, store, subject, symbol, from_time, to_time, "
        "object_count, row_count, byte_count, reason) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            (
                now, run_id, e.step.value, e.action.value, e.store.value, e.subject[:SUBJECT_LENGTH], e.symbol, e.from_time,
                e.to_time, e.object_count, e.row_count, e.byte_count, e.reason[:REASON_LENGTH],
            )
            for e in events
        ],
    )  # fmt: skip
