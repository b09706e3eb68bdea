"""What is said of how full the stores are: each level once while it lasts, and once when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from candlewick.warehouse import room
from candlewick.warehouse.events import Event, Kind, Severity

if TYPE_CHECKING:
    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session, Warehouse
    from candlewick.warehouse.room import Room

BACKFILLS, WARNING, BOOKS = "history waits", "nearly full", "order books stop"


def fullness(warehouse: Warehouse, config: Settings) -> list[Event]:
    """Return an event per level that is reached, and per level that was announced and is not reached any more."""
    with warehouse.session() as session:
        found = room.look(session, config)
        said = _said(session)
    reached = levels(found)
    over = [subject for subject in (BACKFILLS, WARNING, BOOKS) if said.get(subject) and subject not in reached]
    return [
        *(Event(Kind.NEARLY_FULL, severity, subject, message) for subject, (severity, message) in reached.items()),
        *(
            Event(
                Kind.ROOM_AGAIN, Severity.INFO, subject, f"there is room again: {found.fullest or 'no size is known'}"
            )
            for subject in over
        ),
    ]


def levels(found: Room) -> dict[str, tuple[Severity, str]]:
    """Return what is reached, by subject, in the order of the levels."""
    told: dict[str, tuple[Severity, str]] = {}
    config = found.config
    if found.stops_backfills:
        told[BACKFILLS] = (
            Severity.WARNING,
            (
                f"{found.fullest}: backfills and gap fetches stop (at {config.stop_backfills_share:.0%}), candles and order "
                "books go on; make room (docs/storage.md)"
            ),
        )
    if found.warns:
        told[WARNING] = (
            Severity.WARNING,
            (
                f"{found.fullest}: order books stop at {config.stop_depth_share:.0%}; run market_maintenance, shorten the "
                "retention or give more room (docs/storage.md)"
            ),
        )
    if found.stops_depth:
        told[BOOKS] = (
            Severity.ERROR,
            (
                f"{found.fullest}: no order books are captured (from {config.stop_depth_share:.0%} on), which nobody can bring "
                "later; candles go on until it is full: make room now (docs/storage.md)"
            ),
        )
    return told


def _said(session: Session) -> dict[str, bool]:
    """Return by subject whether the last word about it was that it is reached."""
    rows = session.all(
        "SELECT subject, kind, MAX(event_id) FROM pipeline_events WHERE kind IN (%s, %s) GROUP BY kind, subject",
        (Kind.NEARLY_FULL.value, Kind.ROOM_AGAIN.value),
    )
    newest: dict[str, tuple[int, bool]] = {}
    for subject, kind, number in rows:
        newest[subject] = max(newest.get(subject, (0, False)), (int(number), kind == Kind.NEARLY_FULL.value))
    return {subject: is_reached for subject, (_, is_reached) in newest.items()}
