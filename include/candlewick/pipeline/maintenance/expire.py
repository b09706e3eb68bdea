"""Expire: archived objects past their age are deleted for good, and their rows say when and by which rule.

A bundle is marked ``expiring`` and that is committed before its object is deleted; only then it is ``expired``. Killed
in between, the next run deletes it again, which a store takes as done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from candlewick.warehouse import ageing, bundles

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.settings import Settings
    from candlewick.warehouse.ageing import Held, Holding
    from candlewick.warehouse.database import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpirePlan:
    """What ``run`` would delete, by the ledgers alone. Times are naive UTC."""

    cutoff: datetime
    """What was captured before it is due: a midnight."""
    bundles: Holding
    """Bundles that go, with the bytes of their compressed files."""
    answers: Holding
    """Answers in them, with the bytes they had as captured."""
    plain: Holding
    """Answers that lie in the archive one by one (an older platform put them there) and go too."""
    held: tuple[Held, ...]
    """Bundles that are old enough and stay, by series: ``pending`` (asked for), ``archived`` (sources still there)."""
    raw: Holding
    """All that the bucket of payloads holds."""
    archive: Holding
    """All that the archive holds; a bundle is one object."""


@dataclass
class ExpireSummary:
    """What a run did."""

    bundles: int = 0
    answers: int = 0
    plain: int = 0
    bytes: int = 0
    held: int = 0
    """Bundles that are old enough and stay."""
    unknown: int = 0
    """Objects in the archive that no row knows: reported, not deleted."""
    problems: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        said = f"{self.bundles} bundles with {self.answers} answers and {self.plain} single answers deleted ({self.bytes} bytes)"
        if self.held:
            said += f"; {self.held} bundles stay"
        if self.unknown:
            said += f"; {self.unknown} objects of that age are known to no row"
        return said + (f"; {self.problems[0]}" if self.problems else "")


def plan(session: Session, config: Settings, now: datetime, keep_days: int) -> ExpirePlan:
    """Say what ``run`` with the same arguments would delete now.

    Args:
        session: reads; nothing is written.
        config: names the buckets.
        now: naive UTC.
        keep_days: archived objects captured on a day that ended so many days ago or earlier are due.
    """
    cutoff = ageing.midnight(now, keep_days)
    files, answers = bundles.due(session, cutoff.date())
    raw, archive = ageing.totals(session, config)
    return ExpirePlan(
        cutoff=cutoff,
        bundles=files,
        answers=answers,
        plain=ageing.due(session, config.archive_bucket, cutoff),
        held=bundles.held(session, cutoff.date()),
        raw=raw,
        archive=archive,
    )
