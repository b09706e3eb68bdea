"""Which minutes should be there: somebody asked for them, the symbol lived, retention has not taken them, they are over.

What retention has taken is known span by span (``expired_spans``): a day that had to stay is expected on. A new backfill
that keeps its span makes it expected again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from candlewick.market import DataType, GapReason, Interval
from candlewick.spans import MINUTE, Span, common, floor_minute, joined, without
from candlewick.warehouse import expired
from candlewick.warehouse.database import utc_now
from candlewick.warehouse.symbols import NEVER_TRACKED, NOT_LISTED, asked_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session

# "horizon" is what the ledger has called expired minutes since its first days.
LISTING, DELISTING, EXPIRED = "listing", "delisting", "horizon"
SETTLED_BY_LIFE = (LISTING, DELISTING, EXPIRED)


@dataclass(frozen=True, slots=True)
class Outside:
    """Requested minutes that nobody can have, with the reason."""

    span: Span
    reason: GapReason
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Requested:
    """What was asked for of a symbol's minutes: those expected, and those outside of its life or of retention."""

    symbol: str
    expected: tuple[Span, ...]
    outside: tuple[Outside, ...]


def exchange_now(session: Session) -> datetime:
    """Return the exchange's clock as it was last heard, else ours."""
    row = session.one("SELECT clock_offset_ms FROM host_state ORDER BY updated_at DESC LIMIT 1")
    return utc_now() + timedelta(milliseconds=row[0] if row else 0)


def settled_until(config: Settings, now: datetime) -> datetime:
    """Return the minute from which on candles are still on their way."""
    return floor_minute(now) - timedelta(minutes=config.gap_settle_minutes)


def requested(
    session: Session, config: Settings, now: datetime, symbols: Sequence[str] | None = None
) -> list[Requested]:
    """Return what was asked for of each known symbol that anything was asked for of.

    Args:
        session: reads the ledgers.
        config: exchange and waiting times.
        now: the present, naive UTC.
        symbols: only these; None: all.
    """
    exchange, until = config.exchange, settled_until(config, now)
    wanted, asked, kept = _backfilled(session, exchange)
    gone_on_purpose = expired.spans(session, exchange, DataType.KLINES.value, Interval.MINUTE_1.value)
    gone = dict(
        session.all(
            "SELECT symbol, valid_from FROM symbol_states WHERE exchange = %s AND status = %s AND valid_to IS NULL",
            (exchange, NOT_LISTED),
        )
    )
    rows = session.all(
        f"SELECT s.symbol, s.added_at, s.removed_at, {NEVER_TRACKED}, s.first_open_time, o.object_key "
        "FROM tracked_symbols AS s LEFT JOIN extraction_outcomes AS o ON o.outcome_id = s.first_open_object_id "
        "WHERE s.exchange = %s ORDER BY s.symbol",
        (exchange,),
    )
    found = []
    for symbol, added_at, removed_at, never_tracked, opened, opened_key in rows:
        if symbols is not None and symbol not in symbols:
            continue
        tracked = []
        # What is asked for first is on its way for as long as a candle is.
        if not never_tracked and floor_minute(added_at) <= until:
            first = asked_from(added_at, config.first_fetch_minutes)
            tracked = [Span(first, floor_minute(removed_at) if removed_at else until)]
        life = _Life(opened, opened_key, gone.get(symbol), gone_on_purpose.get(symbol, []), kept[symbol])
        one = life.cut(symbol, joined([*tracked, *asked[symbol]]), [*tracked, *wanted[symbol]], until)
        if one.expected or one.outside:
            found.append(one)
    return found


@dataclass(frozen=True, slots=True)
class _Life:
    opened: datetime | None
    opened_key: str | None
    gone_at: datetime | None
    expired: list[Span]
    kept: list[Span]

    def cut(self, symbol: str, asked: Iterable[Span], wanted: Iterable[Span], until: datetime) -> Requested:
        """Cut what was asked for to the life, to what has not expired, and to the present."""
        past = [Span(min((span.start for span in [*asked, *wanted]), default=until), until)]
        outside: list[Outside] = []
        expected = common(asked, past)
        if self.opened:
            before = [Span(past[0].start, self.opened)] if past[0].start < self.opened else []
            evidence = {"rule": LISTING, "first_candle": str(self.opened), "object": self.opened_key}
            outside += [Outside(span, GapReason.NOT_LISTED, evidence) for span in common(common(wanted, past), before)]
            expected = without(expected, before)
        if self.gone_at:
            after = [Span(floor_minute(self.gone_at) + MINUTE, max(until, self.gone_at + 2 * MINUTE))]
            reason = GapReason.DELISTED if self.opened else GapReason.NOT_LISTED
            evidence = {"rule": DELISTING, "status": NOT_LISTED, "heard_at": str(self.gone_at)}
            outside += [Outside(span, reason, evidence) for span in common(expected, after)]
            expected = without(expected, after)
        taken = without(common(expected, self.expired), self.kept)
        reason = GapReason.RETENTION_EXPIRED
        outside += [
            Outside(span, reason, {"rule": EXPIRED, "expired": [str(span.start), str(span.end)]}) for span in taken
        ]
        expected = without(expected, taken)
        return Requested(symbol, tuple(expected), tuple(outside))


def _backfilled(
    session: Session, exchange: str
) -> tuple[dict[str, list[Span]], dict[str, list[Span]], dict[str, list[Span]]]:
    """Return by symbol: the spans requests name, the parts somebody worked on, and those of them that are kept."""
    wanted, asked, kept = defaultdict(list), defaultdict(list), defaultdict(list)
    minute = Interval.MINUTE_1.value
    for symbols, start, end in session.all(
        "SELECT symbols, from_time, to_time FROM backfills WHERE exchange = %s AND interval_code = %s",
        (exchange, minute),
    ):
        for symbol in symbols.split(","):
            wanted[symbol].append(Span(start, end))
    for symbol, start, end, is_kept in session.all(
        "SELECT p.symbol, p.from_time, p.to_time, b.is_kept FROM backfill_parts AS p "
        "JOIN backfills AS b ON b.backfill_id = p.backfill_id "
        "WHERE p.exchange = %s AND p.interval_code = %s AND p.state <> 'pending'",
        (exchange, minute),
    ):
        asked[symbol].append(Span(start, end))
        if is_kept:
            kept[symbol].append(Span(start, end))
    return wanted, asked, kept
