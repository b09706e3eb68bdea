"""What a run of market_maintenance would do, in numbers: counted before anything is touched, with cutoffs that stay.

A plan is made once, at the begin of a run, and handed from task to task; every deleting step makes its part again with
the same ``now`` (``guard.demand``). Counts of things that go are exact; how many there are may grow in between, so
totals are no part of the digest.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from candlewick.pipeline.maintenance.request import MaintenanceRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

DELETING = ("expire", "retention")
"""Steps after which something is nowhere any more. The archive's sources are deleted too, but lie read back in it."""


class PlanItem(BaseModel):
    """One thing of one unit: of ``total`` there are, ``count`` are touched; times are naive UTC, [from, to)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str
    subject: str
    """A table, or the buckets."""
    unit: str
    """objects, bytes or rows."""
    count: int
    total: int
    from_time: datetime | None = None
    to_time: datetime | None = None
    is_guarded: bool = True
    """False: losing it loses nothing, so that nobody is asked."""

    @property
    def share(self) -> float:
        """How much of it goes, 0 to 1."""
        return self.count / self.total if self.total else float(self.count > 0)

    @property
    def cells(self) -> tuple[str, ...]:
        """What a row of the table says."""
        return (
            self.step,
            self.subject,
            f"{self.count:,} {self.unit}",
            f"{self.total:,}",
            f"{self.share:.1%}" + ("" if self.is_guarded else " (not guarded)"),
            f"{_shown(self.from_time)} … {_shown(self.to_time)}" if self.count else "",
        )

    def holds(self, other: PlanItem) -> bool:
        """Whether the other is what a part of this leaves to do: the same thing, not more of it, nothing beyond its span."""
        return (
            (self.step, self.subject, self.unit) == (other.step, other.subject, other.unit)
            and other.count <= self.count
            and _contains(self, other)
        )


class Plan(BaseModel):
    """All of it. ``now`` (naive UTC) is what every cutoff counts from, also in tasks that run a day later."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    now: datetime
    request: MaintenanceRequest
    items: tuple[PlanItem, ...]
    kept: tuple[str, ...] = ()
    """Sentences: what is old enough and stays all the same, and why."""

    @classmethod
    def read(cls, handed_on: Mapping[str, Any]) -> Plan:
        """Read what :meth:`hand_on` wrote."""
        return cls.model_validate_json(json.dumps(handed_on))

    def hand_on(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return self.model_dump(mode="json")

    def of(self, step: str) -> tuple[PlanItem, ...]:
        """Return what one step would do."""
        return tuple(item for item in self.items if item.step == step)

    def above(self, share: float) -> tuple[PlanItem, ...]:
        """Return what would be deleted for good and is more than this share of all there is."""
        return tuple(item for item in self._guarded() if item.share > share)

    @property
    def digest(self) -> str:
        """12 hex digits of the sha256 over what would be deleted: equal digests, equal deletions."""
        said = [
            (item.step, item.subject, item.unit, item.count, str(item.from_time), str(item.to_time))
            for item in self._guarded()
            if item.count
        ]
        return hashlib.sha256(json.dumps([str(self.now), sorted(said)]).encode()).hexdigest()[:12]

    def part(self, step: str) -> Plan:
        """Return the plan of one step alone."""
        return self.model_copy(update={"items": self.of(step), "kept": ()})

    def holds(self, other: Plan) -> bool:
        """Whether the other would delete nothing that this would not."""
        mine = self._guarded()
        return self.now == other.now and all(
            any(item.holds(left) for item in mine) for left in other._guarded() if left.count
        )

    @property
    def text(self) -> str:
        """The plan for the log, the same for a dry run."""
        rows = [("step", "what", "touched", "of", "share", "span (UTC)"), *(item.cells for item in self.items)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [
            " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        head = f"plan {self.digest} of {_shown(self.now)} UTC" + (", a dry run" if self.request.dry_run else "")
        return "\n".join([head, *lines, *(f"kept: {sentence}" for sentence in self.kept)])

    def question(self, share: float) -> str:
        """Return what a person is asked, in Markdown."""
        rows = [
            "| " + " | ".join(("**" + cell + "**" if item.share > share else cell) for cell in item.cells) + " |"
            for item in self.items
            if item.step in DELETING and item.count
        ]
        return "\n".join(
            [
                f"More than {share:.0%} of something would be deleted for good (plan `{self.digest}`).",
                "",
                "| step | what | deleted | of | share | span (UTC) |",
                "|---|---|---|---|---|---|",
                *rows,
                "",
                "Approve: this plan is made again and followed if it is still the same. Reject, or no answer: nothing is deleted.",
            ]
        )

    def _guarded(self) -> list[PlanItem]:
        return [item for item in self.items if item.step in DELETING and item.is_guarded]


def _contains(outer: PlanItem, inner: PlanItem) -> bool:
    if outer.from_time is None or outer.to_time is None or inner.from_time is None or inner.to_time is None:
        return outer.from_time == inner.from_time and outer.to_time == inner.to_time
    return outer.from_time <= inner.from_time and inner.to_time <= outer.to_time


def _shown(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
