"""What was backfilled and how far it is: a row for each request, a row for each of its parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from candlewick.market import Interval
from candlewick.warehouse.database import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from candlewick.warehouse.database import Session

REASON_LIMIT = 500


class Method(StrEnum):
    """How a part was planned to be brought."""

    ARCHIVE_MONTHLY = "archive_monthly"
    ARCHIVE_DAILY = "archive_daily"
    REST = "rest"
    FILES = "files"


class PartState(StrEnum):
    """How far a part is; a worker that was killed leaves it pending."""

    PENDING = "pending"
    DONE = "done"
    UNCHANGED = "unchanged"
    MISSING = "missing"
    FAILED = "failed"


class BackfillState(StrEnum):
    """How far a backfill is."""

    RUNNING = "running"
    FINISHED = "finished"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Part:
    """A month, a day or a span of one series; stamps in ms, the end exclusive."""

    number: int
    symbol: str
    interval: Interval
    method: Method
    start_ms: int
    end_ms: int
    state: PartState = PartState.PENDING
    reason: str | None = None

    @property
    def name(self) -> str:
        """The part for people: symbol, interval, first and last moment."""
        start, end = from_ms(self.start_ms), from_ms(self.end_ms)
        form = "%Y-%m-%d" if start.time() == end.time() == time() else "%Y-%m-%d %H:%M"
        last = end - timedelta(days=1) if form == "%Y-%m-%d" else end
        return f"{self.symbol} {self.interval.value} {start:{form}} … {last:{form}}"


@dataclass(frozen=True, slots=True)
class PartResult:
    """What became of a part."""

    state: PartState
    objects: int = 0
    rows: int = 0
    payload_bytes: int = 0
    seconds: float = 0.0
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """A request as it was made; times are naive UTC, ``to_time`` exclusive."""

    run_id: str
    exchange: str
    symbols: tuple[str, ...]
    interval: Interval
    from_time: datetime
    to_time: datetime
    source: str
    is_forced: bool
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """Parts of one symbol in one state, and what they brought."""

    symbol: str
    state: PartState
    parts: int
    rows: int
    payload_bytes: int


def find(session: Session, run_id: str) -> int | None:
    """Return the backfill of a run; None when it has none yet."""
    row = session.one("SELECT backfill_id FROM backfills WHERE run_id = %s", (run_id,))
    return int(row[0]) if row else None


def create(session: Session, backfill: Backfill, parts: Sequence[Part], now: datetime) -> int:
    """Write a backfill and its parts; return its id."""
    state = BackfillState.RUNNING
    backfill_id = session.insert(
        "INSERT INTO backfills (run_id, exchange, symbols, interval_code, from_time, to_time, source, is_forced, is_kept, "
        "state, requested_at, updated_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            backfill.run_id, backfill.exchange, ",".join(backfill.symbols), backfill.interval.value, backfill.from_time,
            backfill.to_time, backfill.source, backfill.is_forced, backfill.is_kept, state.value, now, now,
        ),
    )  # fmt: skip
    session.run_many(
        "INSERT INTO backfill_parts (backfill_id, part_number, exchange, symbol, interval_code, method, from_time, to_time, "
        "state, reason, finished_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            (
                backfill_id, part.number, backfill.exchange, part.symbol, part.interval.value, part.method.value,
                from_ms(part.start_ms), from_ms(part.end_ms), part.state.value, part.reason,
                None if part.state is PartState.PENDING else now,
            )
            for part in parts
        ],
    )  # fmt: skip
    return backfill_id


def read(session: Session, backfill_id: int) -> Backfill:
    """Return what was asked for."""
    rows = session.all(
        "SELECT run_id, exchange, symbols, interval_code, from_time, to_time, source, is_forced, is_kept FROM backfills "
        "WHERE backfill_id = %s",
        (backfill_id,),
    )
    ((run_id, exchange, symbols, interval, from_time, to_time, source, is_forced, is_kept),) = rows
    return Backfill(
        run_id=run_id,
        exchange=exchange,
        symbols=tuple(symbols.split(",")),
        interval=Interval(interval),
        from_time=from_time,
        to_time=to_time,
        source=source,
        is_forced=bool(is_forced),
        is_kept=bool(is_kept),
    )


def resume(session: Session, backfill_id: int, now: datetime) -> list[Part]:
    """Have the parts of a run tried again that failed before; return all of its parts."""
    session.run(
        "UPDATE backfill_parts SET state = 'pending', finished_at = NULL WHERE backfill_id = %s AND state = 'failed'",
        (backfill_id,),
    )
    set_state(session, backfill_id, BackfillState.RUNNING, now)
    return parts(session, backfill_id, 1, 2**31 - 1)


def parts(session: Session, backfill_id: int, first: int, last: int) -> list[Part]:
    """Return parts by number, both ends included."""
    rows = session.all(
        "SELECT part_number, symbol, interval_code, method, from_time, to_time, state, reason FROM backfill_parts "
        "WHERE backfill_id = %s AND part_number BETWEEN %s AND %s ORDER BY part_number",
        (backfill_id, first, last),
    )
    return [_part(row) for row in rows]


def finish_part(session: Session, backfill_id: int, number: int, result: PartResult, now: datetime) -> None:
    """Write what became of a part, in the words of its newest try."""
    session.run(
        "UPDATE backfill_parts SET state = %s, object_count = %s, row_count = %s, payload_bytes = %s, seconds = %s, "
        "reason = %s, finished_at = %s WHERE backfill_id = %s AND part_number = %s",
        (
            result.state.value, result.objects, result.rows, result.payload_bytes, result.seconds,
            result.reason and result.reason[:REASON_LIMIT], None if result.state is PartState.PENDING else now,
            backfill_id, number,
        ),
    )  # fmt: skip
    set_state(session, backfill_id, BackfillState.RUNNING, now)


def narrow(session: Session, backfill_id: int, part: Part) -> None:
    """Say which span a part really has, when that is only known at its end."""
    session.run(
        "UPDATE backfill_parts SET from_time = %s, to_time = %s WHERE backfill_id = %s AND part_number = %s",
        (from_ms(part.start_ms), from_ms(part.end_ms), backfill_id, part.number),
    )


def set_state(session: Session, backfill_id: int, state: BackfillState, now: datetime) -> None:
    """Say how far a backfill is."""
    session.run(
        "UPDATE backfills SET state = %s, updated_at = %s, finished_at = %s WHERE backfill_id = %s",
        (state.value, now, None if state is BackfillState.RUNNING else now, backfill_id),
    )


def end_abandoned(session: Session, untouched_since: datetime) -> int:
    """Call incomplete what says it runs and has not moved since: its run was cancelled, or died with its platform."""
    return session.run(
        "UPDATE backfills SET state = %s, finished_at = updated_at WHERE state = %s AND updated_at < %s",
        (BackfillState.INCOMPLETE.value, BackfillState.RUNNING.value, untouched_since),
    )


def totals(session: Session, backfill_id: int) -> list[Totals]:
    """Return what there is of each symbol and state."""
    rows = session.all(
        "SELECT symbol, state, COUNT(*), SUM(row_count), SUM(payload_bytes) FROM backfill_parts "
        "WHERE backfill_id = %s GROUP BY symbol, state ORDER BY symbol, state",
        (backfill_id,),
    )
    return [Totals(symbol, PartState(state), int(n), int(rows), int(size)) for symbol, state, n, rows, size in rows]


def newest(session: Session, backfill_id: int, most: int) -> list[tuple[datetime, float, int]]:
    """Return (finished_at, seconds, rows) of the parts a task finished last, newest first."""
    return session.all(
        "SELECT finished_at, seconds, row_count FROM backfill_parts WHERE backfill_id = %s AND finished_at IS NOT NULL "
        "AND seconds > 0 ORDER BY finished_at DESC LIMIT %s",
        (backfill_id, most),
    )


def told(session: Session, backfill_id: int, most: int) -> list[Part]:
    """Return the parts that have something to tell (a reason), those that are not done first."""
    rows = session.all(
        "SELECT part_number, symbol, interval_code, method, from_time, to_time, state, reason FROM backfill_parts "
        "WHERE backfill_id = %s AND reason IS NOT NULL ORDER BY FIELD(state, 'unchanged', 'done', 'missing', 'pending', 'failed') "
        "DESC, part_number LIMIT %s",
        (backfill_id, most),
    )
    return [_part(row) for row in rows]


def _part(row: tuple[Any, ...]) -> Part:
    number, symbol, interval, method, start, end, state, reason = row
    return Part(number, symbol, Interval(interval), Method(method), to_ms(start), to_ms(end), PartState(state), reason)
