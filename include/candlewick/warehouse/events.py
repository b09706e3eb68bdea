"""The ledger of what people should know: ``pipeline_events``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from candlewick.warehouse.database import Session, Warehouse

LOCK = "alerts"
MESSAGE_LENGTH, SUBJECT_LENGTH, ERROR_LENGTH = 2000, 191, 1000


class Kind(StrEnum):
    """What happened."""

    TASK_FAILED = "task_failed"
    RUN_TIMED_OUT = "run_timed_out"
    DEADLINE_MISSED = "deadline_missed"
    IP_BANNED = "ip_banned"
    STALE = "stale"
    QUARANTINED = "quarantined"
    SYMBOL_FAILED = "symbol_failed"
    SYMBOL_STATE = "symbol_state"
    STATES_UNKNOWN = "states_unknown"
    SCHEDULE_INVALID = "schedule_invalid"
    UNRECONCILED = "unreconciled"
    GAP = "gap"
    NEARLY_FULL = "nearly_full"
    ROOM_AGAIN = "room_again"
    LAKE_DIFFERS = "lake_differs"  # from what the ledgers say of it
    STUCK = "stuck"  # a session that sleeps with a lock
    EARLIER_HISTORY = "earlier_history"  # written by dbt (macro `say_earlier_history`)
    MAINTENANCE_HELD = "maintenance_held"  # nothing was deleted: rejected, unanswered, or another plan by now

    @property
    def lasts(self) -> bool:
        """Whether it is a condition, found again by every run while it lasts, rather than an occurrence."""
        return self not in _OCCURRENCES


_OCCURRENCES = {
    Kind.TASK_FAILED, Kind.RUN_TIMED_OUT, Kind.DEADLINE_MISSED, Kind.QUARANTINED, Kind.SYMBOL_STATE, Kind.GAP,
    Kind.EARLIER_HISTORY, Kind.MAINTENANCE_HELD, Kind.ROOM_AGAIN,
}  # fmt: skip


class Severity(StrEnum):
    """How much it matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Event:
    """One row; ``subject`` is what it is about: the same subject is not announced twice within a while."""

    kind: Kind
    severity: Severity
    subject: str
    message: str
    dag_id: str | None = None
    task_id: str | None = None
    run_id: str | None = None
    map_index: int | None = None
    try_number: int | None = None


def record_and_claim(
    warehouse: Warehouse, events: Iterable[Event], *, repeat_minutes: int, claim: bool, now: datetime
) -> dict[int, Event]:
    """Write the events and claim those to announce, in one transaction under one lock; return these by event_id.

    Claimed means: ``notified_at`` is set before anything is sent, so of two tasks that fail at the same moment one
    announces. A lasting condition has one row per ``repeat_minutes``, however often it is found again; when its
    announcement failed, the row is claimed again.

    Args:
        warehouse: where the ledger is.
        events: what happened, in order.
        repeat_minutes: the same kind and subject is claimed once within this time.
        claim: False when nobody would be told anyway: the events are only written.
        now: the present, naive UTC.
    """
    due: dict[int, Event] = {}
    with warehouse.session() as session, warehouse.named_lock(session, LOCK):
        for event in events:
            newest, announced = _recent(session, event, now - timedelta(minutes=repeat_minutes))
            again = newest is not None and event.kind.lasts
            event_id = newest if newest is not None and again else _insert(session, event, now)
            if claim and not announced:
                session.run("UPDATE pipeline_events SET notified_at = %s WHERE event_id = %s", (now, event_id))
                due[event_id] = event
        session.commit()  # before the lock is given back: the next holder has to see the claims
    return due


def _recent(session: Session, event: Event, since: datetime) -> tuple[int | None, bool]:
    """Return the newest event_id of this kind and subject since then, and whether any of them was announced."""
    row = session.one(
        "SELECT MAX(event_id), COUNT(notified_at) FROM pipeline_events WHERE kind = %s AND subject = %s AND occurred_at > %s",
        (event.kind.value, event.subject[:SUBJECT_LENGTH], since),
    )
    return (row[0], bool(row[1])) if row else (None, False)


def mark_notified(warehouse: Warehouse, event_ids: Sequence[int], *, via: str, error: str) -> None:
    """Note how the announcement went; what reached nobody is given back, so that its next occurrence is announced."""
    if not event_ids:
        return
    places = ", ".join(["%s"] * len(event_ids))
    with warehouse.session() as session:
        session.run(
            "UPDATE pipeline_events SET notified_via = NULLIF(%s, ''), notify_error = NULLIF(%s, ''), "
            f"notified_at = IF(%s = '', NULL, notified_at) WHERE event_id IN ({places})",
            (via, error[:ERROR_LENGTH], via, *event_ids),
        )


def _insert(session: Session, event: Event, now: datetime) -> int:
    return session.insert(
        "INSERT INTO pipeline_events (occurred_at, kind, severity, subject, message, dag_id, task_id, run_id, map_index, "
        "try_number) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            now, event.kind.value, event.severity.value, event.subject[:SUBJECT_LENGTH], event.message[:MESSAGE_LENGTH],
            event.dag_id, event.task_id, event.run_id, event.map_index, event.try_number,
        ),
    )  # fmt: skip
