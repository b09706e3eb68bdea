"""Order books that nobody has: a book cannot be asked for later, so its minute gets a reason at once and for ever.

Each look begins where the last one ended (``gap_checks``) and reads the outcomes of requests by time. A symbol's minutes
count from its first request on. The reason: another state than TRADING, an outage the candles have proved, books in
quarantine, requests that failed (these leave the minutes unexplained), or nobody asked.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from candlewick.market import DataType, GapReason
from candlewick.pipeline.gaps.requested import settled_until
from candlewick.spans import MINUTE, Span, common, floor_minute, joined, without
from candlewick.warehouse import gaps
from candlewick.warehouse.database import utc_now
from candlewick.warehouse.gaps import Gap, GapStatus
from candlewick.warehouse.symbols import TRADING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from candlewick.warehouse.database import Session, Warehouse

log = logging.getLogger(__name__)

SLICE = timedelta(hours=6)
MOST_SLICES = 28
LISTED = 5


@dataclass
class BooksSummary:
    """Minutes without a book, by reason."""

    minutes: Counter[str] = field(default_factory=Counter)
    unexplained: list[Gap] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        told = ", ".join(f"{count} {reason}" for reason, count in sorted(self.minutes.items()))
        return f"minutes without a book: {told or 'none'}"


@dataclass
class _Requests:
    """What became of one symbol's requests in a slice."""

    stored: list[Span] = field(default_factory=list)
    rejected: list[tuple[Span, int]] = field(default_factory=list)
    failed: list[tuple[Span, str]] = field(default_factory=list)


def look_at_books(warehouse: Warehouse, *, now: datetime | None = None) -> BooksSummary:
    """Write the minutes without a book since the last look into the ledger, at most a week of them at once.

    Args:
        warehouse: the writer's account.
        now: our clock, which stamps the requests.

    Raises:
        WarehouseError: nothing of the slice in hand was written; the next look begins with it.
    """
    config, summary = warehouse.config, BooksSummary()
    if not config.depth_levels:
        return summary
    until = settled_until(config, now or utc_now())
    with warehouse.session() as session:
        starts = _starts(session, config.exchange)
    at = min(starts.values(), default=until)
    for _ in range(MOST_SLICES):
        if at >= until:
            break
        piece = Span(at, min(at + SLICE, until))
        with warehouse.session() as session:
            _Slice(session, config.exchange, piece, summary).look(starts)
        at = piece.end
    log.info("%s", summary.sentence)
    return summary


def _starts(session: Session, exchange: str) -> dict[str, datetime]:
    """Return where each tracked symbol's next look begins; one that nobody asked for yet is left out."""
    rows = session.all(
        "SELECT s.symbol, s.added_at, c.checked_until FROM tracked_symbols AS s LEFT JOIN gap_checks AS c "
        "ON c.exchange = s.exchange AND c.symbol = s.symbol AND c.data_type = %s "
        "WHERE s.exchange = %s AND s.active = 1",
        (DataType.DEPTH.value, exchange),
    )
    found = {symbol: checked for symbol, _, checked in rows if checked}
    new = {symbol: added for symbol, added, checked in rows if not checked}
    if new:
        # The last look has seen no request of theirs: of a symbol that is never asked for, not all of history is read every hour.
        since = max(min(new.values()), max(found.values(), default=min(new.values())) - SLICE)
        first = session.all(
            "SELECT symbol, MIN(captured_at) FROM extraction_outcomes WHERE captured_at >= %s AND exchange = %s "
            "AND data_type = %s GROUP BY symbol",
            (since, exchange, DataType.DEPTH.value),
        )
        found |= {symbol: floor_minute(moment) for symbol, moment in first if symbol in new}
    return found


class _Slice:
    """A few hours of all symbols, in one transaction."""

    def __init__(self, session: Session, exchange: str, span: Span, summary: BooksSummary) -> None:
        self.session, self.exchange, self.span, self.summary = session, exchange, span, summary
        self.now = utc_now()

    def look(self, starts: dict[str, datetime]) -> None:
        requests = self._requests()
        standing = defaultdict(list)
        for row in gaps.standing(self.session, self.exchange, DataType.DEPTH, ending_from=self.span.start):
            standing[row.symbol].append(row)
        for symbol, start in starts.items():
            piece = Span(max(start, self.span.start), self.span.end)
            if piece.start >= piece.end:
                continue
            asked = requests.get(symbol, _Requests())
            for missing in without([piece], asked.stored):
                for span, reason, evidence in self._reasons(symbol, missing, asked):
                    self._write(symbol, span, reason, evidence, standing[symbol])
            self.session.run(
                "INSERT INTO gap_checks (exchange, symbol, data_type, checked_until) VALUES (%s, %s, %s, %s) "
                "ON DUPLICATE KEY UPDATE checked_until = VALUES(checked_until)",
                (self.exchange, symbol, DataType.DEPTH.value, self.span.end),
            )

    def _requests(self) -> dict[str, _Requests]:
        found: dict[str, _Requests] = defaultdict(_Requests)
        rows = self.session.all(
            "SELECT symbol, captured_at, status, load_state, error_kind, outcome_id FROM extraction_outcomes "
            "WHERE captured_at >= %s AND captured_at < %s AND exchange = %s AND data_type = %s",
            (self.span.start, self.span.end, self.exchange, DataType.DEPTH.value),
        )
        for symbol, captured_at, status, load_state, error_kind, number in rows:
            minute = Span(floor_minute(captured_at), floor_minute(captured_at) + MINUTE)
            if status != "stored":
                found[symbol].failed.append((minute, error_kind or ""))
            elif load_state == "quarantined":
                found[symbol].rejected.append((minute, number))
            else:
                found[symbol].stored.append(minute)
        return found

    def _reasons(
        self, symbol: str, missing: Span, asked: _Requests
    ) -> Iterable[tuple[Span, GapReason, dict[str, Any]]]:
        left = [missing]
        for reason, span, evidence in [*self._halts(symbol, missing), *self._outages(symbol, missing)]:
            for part in common(left, [span]):
                yield part, reason, evidence
            left = without(left, [span])
        refused = [span for span, _ in asked.rejected]
        for part in common(left, joined(refused)):
            numbers = [number for span, number in asked.rejected if common([span], [part])]
            yield part, GapReason.REJECTED, {"rule": "rejected", "objects": numbers[:LISTED], "count": len(numbers)}
        for part in without(left, refused):
            kinds = Counter(kind for span, kind in asked.failed if common([span], [part]))
            if kinds:
                yield part, GapReason.FETCH_FAILED, {"rule": "failed", "errors": dict(kinds)}
            else:
                between = [str(part.start), str(part.end)]
                yield part, GapReason.NOT_CAPTURED, {"rule": "not_captured", "no_request_between": between}

    def _halts(self, symbol: str, span: Span) -> list[tuple[GapReason, Span, dict[str, Any]]]:
        rows = self.session.all(
            "SELECT status, valid_from, valid_to FROM symbol_states WHERE exchange = %s AND symbol = %s "
            "AND status <> %s AND valid_from < %s AND (valid_to IS NULL OR valid_to > %s)",
            (self.exchange, symbol, TRADING, span.end, span.start),
        )
        return [
            (
                GapReason.SYMBOL_HALTED,
                Span(floor_minute(start), floor_minute(end) if end else span.end),
                {"rule": "halted", "status": status, "heard_at": str(start)},
            )
            for status, start, end in rows
        ]

    def _outages(self, symbol: str, span: Span) -> list[tuple[GapReason, Span, dict[str, Any]]]:
        rows = self.session.all(
            "SELECT gap_id, from_time, to_time FROM gap_ledger WHERE exchange = %s AND symbol = %s AND data_type = %s "
            "AND status = 'explained' AND reason = %s AND from_time < %s AND to_time > %s",
            (
                self.exchange, symbol, DataType.KLINES.value, GapReason.EXCHANGE_OUTAGE.value, span.end, span.start,
            ),
        )  # fmt: skip
        return [
            (GapReason.EXCHANGE_OUTAGE, Span(start, end), {"rule": "outage", "gap_of_candles": number})
            for number, start, end in rows
        ]

    def _write(self, symbol: str, span: Span, reason: GapReason, evidence: dict[str, Any], rows: list[Gap]) -> None:
        """Write minutes, or lengthen the row they go on from."""
        status = GapStatus.EXPLAINED if reason.explains else GapStatus.UNEXPLAINED
        self.summary.minutes[reason.value] += span.minutes
        goes_on = next((row for row in rows if row.span.end == span.start and row.reason is reason), None)
        if goes_on:
            longer = replace(
                goes_on, span=Span(goes_on.span.start, span.end), evidence=_both(goes_on.evidence, evidence)
            )
            rows[rows.index(goes_on)] = longer
            gaps.rewrite(self.session, longer, self.now)
            return
        new = Gap(
            exchange=self.exchange, symbol=symbol, data_type=DataType.DEPTH, interval_code="", span=span, reason=reason,
            evidence=evidence, status=status, detected_at=self.now,
        )  # fmt: skip
        rows.append(replace(new, gap_id=gaps.add(self.session, new, self.now)))
        if status is GapStatus.UNEXPLAINED:
            self.summary.unexplained.append(new)


def _both(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the evidence of two stretches of one gap."""
    if "no_request_between" in first and "no_request_between" in second:
        return {**first, "no_request_between": [first["no_request_between"][0], second["no_request_between"][1]]}
    if "errors" in first:
        return {**first, "errors": dict(Counter(first["errors"]) + Counter(second.get("errors", {})))}
    return first
