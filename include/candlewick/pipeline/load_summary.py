"""What a call of the load brought in, for the log and for alerts."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from candlewick.market import RejectReason
    from candlewick.warehouse.processed import QuarantinedRow

log = logging.getLogger(__name__)


@dataclass
class LoadSummary:
    """What a call loaded."""

    objects: int = 0
    rows: int = 0
    rejected: int = 0
    load_ids: list[int] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(self.reasons.items()))
        return f"{self.objects} objects, {self.rows} rows staged" + (f"; in quarantine: {why}" if why else "")

    def count(self, load_id: int, objects: int, rows: int, rejected: list[QuarantinedRow]) -> None:
        """Add a batch that was committed; what went to quarantine is a warning, one for an object and reason."""
        self.load_ids.append(load_id)
        self.objects += objects
        self.rows += rows
        self.rejected += len(rejected)
        groups: dict[tuple[str, RejectReason], list[QuarantinedRow]] = defaultdict(list)
        for row in rejected:
            self.reasons[row.reason.value] = self.reasons.get(row.reason.value, 0) + 1
            groups[row.source.object_key, row.reason].append(row)
        for (key, reason), rows_of_it in groups.items():
            first = rows_of_it[0]
            number = first.row_number_in_object
            where = f"{len(rows_of_it)} rows, the first is row {number}" if number else "whole"
            log.warning("in quarantine: %s (%s): %s: %s", key, where, reason.sentence, first.offending[:200])


@dataclass
class BulkSummary(LoadSummary):
    """What a call loaded of the backfill lane."""

    direct_rows: int = 0
    """Rows that went straight into the facts; the others wait for dbt."""
    rows_by_object: dict[int, int] = field(default_factory=dict)
    """Rows in staging of each object asked for, also of those that were loaded before."""
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """By step; reading runs beside writing, so they add up to more than the time it took."""

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Count the time of a step."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[step] += time.perf_counter() - started

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        return f"{super().sentence}; {self.direct_rows} rows straight into the facts"
