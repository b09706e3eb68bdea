"""The one event of a deletion in batches: what a killed run has deleted is counted, and no batch twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from candlewick.warehouse.lifecycle import record

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.warehouse.database import Session
    from candlewick.warehouse.lifecycle import LifecycleEvent


class Counted:
    """An event that is written with the first rows and grows in the transaction of each batch."""

    def __init__(self, session: Session, event: LifecycleEvent, run_id: str, now: datetime) -> None:
        self.session, self.event, self.run_id, self.now = session, event, run_id, now
        self.rows, self._event_id = 0, 0

    def add(self, rows: int) -> None:
        """Count a batch and commit it."""
        if rows and not self._event_id:
            record(self.session, [self.event], run_id=self.run_id, now=self.now)
            self._event_id = (self.session.one("SELECT LAST_INSERT_ID()") or (0,))[0]
        if rows:
            self.session.run(
                "UPDATE lifecycle_events SET row_count = row_count + %s WHERE event_id = %s", (rows, self._event_id)
            )
        self.rows += rows
        self.session.commit()
