"""How far a backfill is: a line for the log after each part, and a table at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.warehouse import backfills
from candlewick.warehouse.backfills import PartState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from candlewick.warehouse.backfills import Part, Totals
    from candlewick.warehouse.database import Session

RECENT_PARTS = 50
TOLD_PARTS = 50


@dataclass(frozen=True, slots=True)
class Progress:
    """Parts and rows of a backfill; ``pace`` is parts and rows a second of the newest parts, however many tasks work."""

    totals: Sequence[Totals]
    parts_per_second: float
    rows_per_second: float

    def count(self, *states: PartState) -> int:
        """Return how many parts are in one of these states."""
        return sum(one.parts for one in self.totals if one.state in states)

    @property
    def parts(self) -> int:
        """All parts."""
        return sum(one.parts for one in self.totals)

    @property
    def rows(self) -> int:
        """Rows loaded."""
        return sum(one.rows for one in self.totals)

    @property
    def seconds_left(self) -> float | None:
        """Estimated at the pace of the newest parts; None before there is one."""
        left = self.count(PartState.PENDING)
        return left / self.parts_per_second if self.parts_per_second else (None if left else 0.0)

    @property
    def sentence(self) -> str:
        """Where it stands, in one line."""
        done = self.parts - self.count(PartState.PENDING)
        line = f"{done} of {self.parts} parts, {self.rows:,} rows, {self.rows_per_second:,.0f} rows/s"
        for state, word in ((PartState.MISSING, "missing"), (PartState.FAILED, "failed")):
            if number := self.count(state):
                line += f", {number} {word}"
        if done < self.parts and self.seconds_left is not None:
            line += f", about {_duration(self.seconds_left)} left"
        return line

    @property
    def table(self) -> list[str]:
        """One line a symbol: parts by state, rows, MiB."""
        states = list(PartState)
        head = f"{'symbol':<16}" + "".join(f"{state.value:>11}" for state in states) + f"{'rows':>14}{'MiB':>9}"
        lines = [head]
        for symbol in dict.fromkeys(one.symbol for one in self.totals):
            own = [one for one in self.totals if one.symbol == symbol]
            by_state = {one.state: one.parts for one in own}
            lines.append(
                f"{symbol:<16}"
                + "".join(f"{by_state.get(state, 0):>11,}" for state in states)
                + f"{sum(one.rows for one in own):>14,}{sum(one.payload_bytes for one in own) / 2**20:>9,.1f}"
            )
        return lines


def progress(session: Session, backfill_id: int) -> Progress:
    """Read how far a backfill is."""
    newest = backfills.newest(session, backfill_id, RECENT_PARTS)
    parts_per_second, rows_per_second = pace(newest)
    return Progress(backfills.totals(session, backfill_id), parts_per_second, rows_per_second)


def pace(newest: Sequence[tuple[datetime, float, int]]) -> tuple[float, float]:
    """Return parts and rows a second from (finished_at, seconds, rows): since the first of them began."""
    if not newest:
        return 0.0, 0.0
    last = max(finished for finished, _, _ in newest)
    span = max((last - finished).total_seconds() + seconds for finished, seconds, _ in newest)
    if span <= 0:
        return 0.0, 0.0
    return len(newest) / span, sum(rows for _, _, rows in newest) / span


def stories(session: Session, backfill_id: int) -> list[str]:
    """Return a line for each part with something to tell, the worst first."""
    return [story(part) for part in backfills.told(session, backfill_id, TOLD_PARTS)]


def story(part: Part) -> str:
    """Name a part and what became of it."""
    return f"{part.name}: {part.state.value}" + (f", {part.reason}" if part.reason else "")


def _duration(seconds: float) -> str:
    """Say a time as people do."""
    if seconds < 90:  # noqa: PLR2004 -- up to here seconds read better
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004 -- likewise
