"""Gather what the rules want to know of a gap, each piece when it is asked for, from the ledgers, facts and exchange."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from candlewick.exchange.errors import UnknownSymbol
from candlewick.market import GapReason
from candlewick.pipeline.gaps.classify import Proof, Witness
from candlewick.pipeline.gaps.files import cut_short
from candlewick.pipeline.gaps.higher import Higher
from candlewick.spans import MINUTE, Span, floor_minute, joined
from candlewick.warehouse.database import from_ms
from candlewick.warehouse.symbols import NOT_LISTED, TRADING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from candlewick.pipeline.backfill.tools import Tools
    from candlewick.pipeline.gaps.witnesses import Witnesses
    from candlewick.warehouse.gaps import Gap

MS_DIGITS = 13
_STAMP = re.compile(r"\b1\d{12}(\d{3})?\b")  # ms, or µs in the archive from 2025 on
_NEIGHBOUR = (
    "SELECT open_time, close_time, load_id FROM {marts}.fact_klines FORCE INDEX (PRIMARY) WHERE exchange = %s "
    "AND symbol = %s AND interval_code = '1m' AND open_time {side} %s ORDER BY open_time {order} LIMIT 1"
)


class Evidence:
    """The evidence of one gap, as :class:`classify.Gathered` wants it; candles before ``until`` have all arrived.

    Every property may raise ExchangeError: then nothing is known, and the gap is looked at again later.
    """

    def __init__(self, tools: Tools, gap: Gap, witnesses: Witnesses, until: datetime) -> None:
        self.tools, self.gap, self._witnesses, self.until = tools, gap, witnesses, until
        self.warehouse, self.config = tools.warehouse, tools.warehouse.config
        self.series = (gap.exchange, gap.symbol)

    @property
    def span(self) -> Span:
        """The gap."""
        return self.gap.span

    @cached_property
    def unfinished(self) -> Sequence[Span]:
        """Minutes of which the facts have a candle that never became final."""
        rows = self._all(
            f"SELECT open_time FROM {self.config.marts_schema}.fact_klines FORCE INDEX (PRIMARY) WHERE exchange = %s "
            "AND symbol = %s AND interval_code = '1m' AND open_time >= %s AND open_time < %s AND is_final = 0",
            (*self.series, self.span.start, self.span.end),
        )
        return joined(Span(opened, opened + MINUTE) for (opened,) in rows)

    @cached_property
    def rejected(self) -> Sequence[Proof]:
        """Rows of these minutes in quarantine, and whole payloads that were to hold them."""
        span = self.span
        rows = self._all(
            "SELECT q.open_time, q.quarantine_id, q.reason, COALESCE(o.object_key, p.object_key) FROM quarantined_rows AS q "
            "LEFT JOIN extraction_outcomes AS o ON o.outcome_id = q.object_id "
            "LEFT JOIN processed_files AS p ON p.object_id = q.object_id WHERE q.exchange = %s AND q.symbol = %s "
            "AND q.interval_code = '1m' AND q.open_time >= %s AND q.open_time < %s AND q.resolved_load_id IS NULL "
            "ORDER BY q.open_time",
            (*self.series, span.start, span.end),
        )
        proofs = [
            Proof(
                Span(floor_minute(opened), floor_minute(opened) + MINUTE),
                {"quarantine_id": number, "reason": reason, "object": key},
            )
            for opened, number, reason, key in rows
        ]
        return proofs + self._rejected_without_a_time()

    def _rejected_without_a_time(self) -> list[Proof]:
        """Rows whose open time could not be read tell it in their text; a whole payload was to hold all of its span."""
        span, proofs = self.span, []
        for first, last, number, row, reason, offending, key in self._all(
            "SELECT o.first_open_time, o.last_open_time, q.quarantine_id, q.row_number_in_object, q.reason, q.offending, "
            "o.object_key FROM quarantined_rows AS q JOIN extraction_outcomes AS o ON o.outcome_id = q.object_id "
            "WHERE q.exchange = %s AND q.symbol = %s AND q.interval_code = '1m' AND q.open_time IS NULL "
            "AND q.resolved_load_id IS NULL AND o.first_open_time < %s AND o.last_open_time >= %s",
            (*self.series, span.end, span.start),
        ):
            told = _STAMP.search(offending) if row else None
            minute = floor_minute(from_ms(int(told[0][:MS_DIGITS]))) if told else None
            if row and minute is None:
                continue
            found = Span(minute or first, (minute or last) + MINUTE)
            proofs.append(Proof(found, {"quarantine_id": number, "reason": reason, "object": key}))
        return proofs

    @cached_property
    def unlisted(self) -> Sequence[tuple[GapReason, Proof]]:
        """The time in which the exchange knew no such symbol, if it knows it again; else the whole gap.

        The latter needs that nothing follows it or nothing precedes it.
        """
        said = [answer for answer in self.gap.evidence.get("asked", []) if answer.get("error") == "UnknownSymbol"]
        states = self._all(
            "SELECT valid_from FROM symbol_states WHERE exchange = %s AND symbol = %s AND status = %s AND valid_to IS NULL",
            (*self.series, NOT_LISTED),
        )
        if not said or not states or (self.before and self.after):
            return [(GapReason.DELISTED, proof) for proof in self._times_without_listing()]
        reason = GapReason.DELISTED if self.before else GapReason.NOT_LISTED
        evidence = {
            "status": NOT_LISTED,
            "heard_at": str(states[0][0]),
            "last_candle": str(self.before[0]) if self.before else None,
            "answer": said[0],
        }
        return [(reason, Proof(self.span, evidence))]

    def _times_without_listing(self) -> list[Proof]:
        """Times that are over."""
        rows = self._all(
            "SELECT valid_from, valid_to FROM symbol_states WHERE exchange = %s AND symbol = %s AND status = %s "
            "AND valid_to IS NOT NULL ORDER BY valid_from",
            (*self.series, NOT_LISTED),
        )
        return [
            Proof(
                Span(self._earliest(heard_at), floor_minute(ended_at)),
                {"status": NOT_LISTED, "heard_at": str(heard_at), "until": str(ended_at)},
            )
            for heard_at, ended_at in rows
        ]

    def _earliest(self, heard_at: datetime) -> datetime:
        """Return when a state may have begun: up to one look before it was heard, if no candle came in between."""
        if self.after and self.after[0] < heard_at:
            return floor_minute(heard_at)
        return floor_minute(heard_at - timedelta(minutes=self.config.exchange_info_minutes + 1))

    @cached_property
    def halted(self) -> Sequence[Proof]:
        """States other than TRADING.

        A state that holds since the symbol was first asked for may be older than that: it counts from the last candle on.
        """
        rows = self._all(
            "SELECT status, valid_from, valid_to FROM symbol_states WHERE exchange = %s AND symbol = %s ORDER BY valid_from",
            self.series,
        )
        found = []
        for number, (status, heard_at, ended_at) in enumerate(rows):
            if status in (TRADING, NOT_LISTED):
                continue
            start = self._earliest(heard_at)
            if number == 0 and (self.after is None or self.after[0] >= heard_at):
                start = min(start, self.span.start)
            end = self.span.end if ended_at is None else ended_at
            evidence = {"status": status, "heard_at": str(heard_at), "until": str(ended_at) if ended_at else None}
            if start < end:
                found.append(Proof(Span(start, floor_minute(end)), evidence))
        return found

    @cached_property
    def fuller(self) -> Sequence[Proof]:
        """Buckets of which the exchange's own candle holds more than our minutes."""
        return self._higher.fuller()

    @cached_property
    def cut_short(self) -> Sequence[Proof]:
        """Minutes a published file of a day lacks at its end or beginning."""
        return cut_short(self.tools, self.gap, self.before, self.after)

    @cached_property
    def witnesses(self) -> Sequence[Witness]:
        """Other symbols that traded within the hour before and after."""
        return self._witnesses.of(self.gap)

    @cached_property
    def signs(self) -> Sequence[dict[str, Any]]:
        """A last candle that closes early; hours the exchange has no candle of, between two it has."""
        found: list[dict[str, Any]] = []
        if self.before and self.before[0] + MINUTE == self.span.start:
            opened, closed, load_id = self.before
            if closed < opened + MINUTE - timedelta(milliseconds=1):
                found.append({"candle": str(opened), "closed_at": str(closed), "load_id": load_id})
        return found + list(self._higher.absent_hours())

    @cached_property
    def before(self) -> tuple[datetime, datetime, int] | None:
        """The last minute before the gap: open time, close time, load."""
        return self._neighbour("<", "DESC", self.span.start)

    @cached_property
    def after(self) -> tuple[datetime, datetime, int] | None:
        """The first minute after the gap."""
        return self._neighbour(">=", "ASC", self.span.end)

    @cached_property
    def _higher(self) -> Higher:
        try:
            return Higher.ask(self.tools, self.gap, self.until)
        except UnknownSymbol:
            return Higher(self.tools, self.gap, [])

    def _neighbour(self, side: str, order: str, moment: datetime) -> tuple[datetime, datetime, int] | None:
        query = _NEIGHBOUR.format(marts=self.config.marts_schema, side=side, order=order)
        rows = self._all(query, (*self.series, moment))
        return (rows[0][0], rows[0][1], rows[0][2]) if rows else None

    def _all(self, query: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        with self.warehouse.session() as session:
            return session.all(query, parameters)
