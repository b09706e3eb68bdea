"""What a sweep found and did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from candlewick.warehouse.events import Event, Severity

if TYPE_CHECKING:
    from candlewick.warehouse.events import Kind


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong and not for a program to repair."""

    kind: Kind
    subject: str
    sentence: str


@dataclass
class SweepSummary:
    """Counts of what was repaired; findings are for people."""

    objects: int = 0
    """Objects looked at."""
    repaired: int = 0
    """Answers that have a row again."""
    bundles: int = 0
    """Bundles no row knew: registered, or deleted because all they hold lies elsewhere."""
    tables: int = 0
    """Tables that killed runs left, dropped."""
    sessions: int = 0
    """Sessions that slept with a lock, ended."""
    backfills: int = 0
    """Backfills that died long ago, called incomplete."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def events(self) -> list[Event]:
        """The findings as people are told."""
        return [Event(one.kind, Severity.WARNING, one.subject, one.sentence) for one in self.findings]

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        told = f"{self.objects} objects looked at"
        for count, what in (
            (self.repaired, "answers without a row queued"),
            (self.bundles, "bundles without a row settled"),
            (self.tables, "left-over tables dropped"),
            (self.sessions, "sleeping holders of a lock ended"),
            (self.backfills, "dead backfills called incomplete"),
        ):
            told += f", {count} {what}" if count else ""
        return told + (f"; reported: {'; '.join(one.sentence for one in self.findings)}" if self.findings else "")
