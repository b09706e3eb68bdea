"""From what is missing now to the ledger: rows that stay, shrink, fall apart, grow, close or begin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from candlewick.market import DataType, GapReason, Interval
from candlewick.pipeline.gaps.requested import SETTLED_BY_LIFE
from candlewick.spans import Span, common, joined, without
from candlewick.warehouse import gaps
from candlewick.warehouse.facts import FACTS
from candlewick.warehouse.gaps import Gap, GapStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from candlewick.pipeline.gaps.requested import Outside
    from candlewick.warehouse.database import Session

# A gap with one of these reasons that goes on is one gap; with any other, what follows is looked at by itself.
GROWS = {GapReason.UNKNOWN, GapReason.FETCH_FAILED, GapReason.EXCHANGE_OUTAGE, GapReason.ARCHIVE_HOLE}


@dataclass
class Changes:
    """What reconciling did."""

    found: int = 0
    grown: int = 0
    closed: int = 0

    def add(self, other: Changes) -> None:
        """Add those of another series."""
        self.found, self.grown, self.closed = (
            self.found + other.found,
            self.grown + other.grown,
            self.closed + other.closed,
        )


def reconcile(
    session: Session,
    marts: str,
    series: tuple[str, str],
    missing: Sequence[Span],
    outside: Sequence[Outside],
    now: datetime,
    *,
    window: Sequence[Span] | None = None,
    rows: Sequence[Gap] | None = None,
) -> Changes:
    """Bring a symbol's rows of minutes in line with what is missing, in the caller's transaction.

    Args:
        session: the transaction.
        marts: schema of the facts.
        series: exchange and symbol whose rows they are.
        missing: expected minutes without a fact, within the window.
        outside: requested minutes outside of life or retention, of all time.
        now: our clock.
        window: what was looked at; rows outside of it stay as they are. None: all of history.
        rows: the symbol's rows that are not closed, where the caller has read them in this transaction.
    """
    exchange, symbol = series
    if rows is None:
        rows = gaps.standing(session, exchange, DataType.KLINES, symbol=symbol)
    of_life = [row for row in rows if row.rule in SETTLED_BY_LIFE]
    others = [row for row in rows if row.rule not in SETTLED_BY_LIFE]
    lost = list(missing)
    if window is not None:
        beyond = without([row.span for row in others], window)
        lost += without(beyond, [one.span for one in outside])
    writer = _Writer(session, marts, now)
    for row, parts in shrunk(others, joined(lost)):
        writer.shrink(row, parts)
    new = Gap(
        exchange=exchange, symbol=symbol, data_type=DataType.KLINES, interval_code=Interval.MINUTE_1.value,
        span=Span(now, now), detected_at=now, next_attempt_at=now,
    )  # fmt: skip
    intact = [row for row in others if common([row.span], lost) == [row.span]]
    for grows, span in begun(intact, [row.span for row in others], joined(lost)):
        writer.begin(grows, span, new)
    writer.settle_life(of_life, outside, new)
    return writer.changes


def shrunk(rows: Sequence[Gap], missing: Sequence[Span]) -> list[tuple[Gap, list[Span]]]:
    """Return the rows of which something is there now, each with what is left of it."""
    found = []
    for row in rows:
        parts = common([row.span], missing)
        if parts != [row.span]:
            found.append((row, parts))
    return found


def begun(intact: Sequence[Gap], known: Sequence[Span], missing: Sequence[Span]) -> list[tuple[Gap | None, Span]]:
    """Return the missing spans no row knows, each with the row that grows by it, if one does."""
    found: list[tuple[Gap | None, Span]] = []
    growing = {row.span.end: row for row in intact if row.reason in GROWS}
    leading = {row.span.start: row for row in intact if row.reason in GROWS}
    used: set[int] = set()
    for span in without(missing, known):
        row = growing.get(span.start) or leading.get(span.end)
        if row and row.gap_id in used:
            row = None
        if row:
            used.add(row.gap_id)
        found.append((row, span))
    return found


class _Writer:
    """Writes rows and counts what it did."""

    def __init__(self, session: Session, marts: str, now: datetime) -> None:
        self.session, self.marts, self.now = session, marts, now
        self.changes = Changes()

    def shrink(self, row: Gap, parts: Sequence[Span]) -> None:
        """Close a row of which something is there now; what is left goes on with its attempts and evidence."""
        left = [gaps.add(self.session, replace(row, span=part), self.now) for part in parts]
        closed_by = self._loads(row, without([row.span], parts))
        if left:
            closed_by += f"; the rest: gap {', '.join(map(str, left))}"
        gaps.close(self.session, row.gap_id, closed_by, self.now)
        self.changes.closed += 1

    def begin(self, row: Gap | None, span: Span, new: Gap) -> None:
        """Write a gap nobody knew; where one goes on, that one grows and is looked at anew as a whole."""
        if row is None:
            gaps.add(self.session, replace(new, span=span), self.now)
            self.changes.found += 1
            return
        whole = Span(min(row.span.start, span.start), max(row.span.end, span.end))
        grown = replace(
            row, span=whole, reason=GapReason.UNKNOWN, evidence={}, status=GapStatus.OPEN, attempts=0,
            next_attempt_at=self.now,
        )  # fmt: skip
        gaps.rewrite(self.session, grown, self.now)
        self.changes.grown += 1

    def settle_life(self, rows: Sequence[Gap], outside: Sequence[Outside], new: Gap) -> None:
        """Have one row for each span outside of life or retention; it moves with the listing or the horizon."""
        left = list(rows)
        written = []
        for one in outside:
            same = [row for row in left if row.rule == one.evidence["rule"] and row.span.touches(one.span)]
            settled = replace(
                new, span=one.span, reason=one.reason, evidence=one.evidence, status=GapStatus.EXPLAINED,
                next_attempt_at=None,
            )  # fmt: skip
            if same:
                left.remove(same[0])
            written.append((same[0] if same else None, settled))
        for row in left:
            gaps.close(self.session, row.gap_id, "no longer outside of what can be had", self.now)
            self.changes.closed += 1
        for known, settled in written:
            if known is None:
                gaps.add(self.session, settled, self.now)
                self.changes.found += 1
            elif (known.span, known.reason, known.evidence) != (settled.span, settled.reason, settled.evidence):
                gaps.rewrite(self.session, replace(settled, gap_id=known.gap_id), self.now)

    def _loads(self, row: Gap, spans: Sequence[Span]) -> str:
        """Name the loads that brought what is there now."""
        loads: list[int] = []
        for span in spans:
            found = self.session.one(
                f"SELECT MIN(load_id), MAX(load_id) FROM {self.marts}.{FACTS} FORCE INDEX (PRIMARY) WHERE exchange = %s "
                "AND symbol = %s AND interval_code = %s AND open_time >= %s AND open_time < %s",
                (row.exchange, row.symbol, row.interval_code, span.start, span.end),
            )
            loads += [load_id for load_id in found or () if load_id is not None]
        if not loads:
            return "no longer expected: not asked for, or outside of life or retention"
        return f"load {loads[0]}" if min(loads) == max(loads) else f"loads {min(loads)} to {max(loads)}"
