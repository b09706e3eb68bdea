"""Other symbols: were they silent too? A candle of theirs in the facts shows that they were not; that they were, the exchange says.

Facts that lack a minute prove nothing: it may be one that we have lost, or not asked for yet.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from candlewick.exchange.errors import UnknownSymbol
from candlewick.market import Interval
from candlewick.pipeline.gaps.aside import ask_aside
from candlewick.pipeline.gaps.classify import Witness
from candlewick.spans import Span, common, joined
from candlewick.warehouse.database import from_ms, to_ms
from candlewick.warehouse.symbols import TRADING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from candlewick.pipeline.backfill.tools import Tools
    from candlewick.warehouse.gaps import Gap

AROUND = timedelta(hours=1)
MOST = 8
PAGE_MINUTES = 1000


class Witnesses:
    """The witnesses of one run; what was asked for one gap is remembered for the next ones of the same time."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.config = tools.warehouse.config
        self._asked: dict[tuple[str, Span], tuple[list[Span], tuple[str, ...]]] = {}
        self._names: list[str] | None = None

    def of(self, gap: Gap) -> list[Witness]:
        """Return the symbols that have candles within an hour before and after a gap, with those they have inside.

        Raises:
            ExchangeError: one that has to be asked for gives no answer: then nobody can say that all were silent.
        """
        around = Span(gap.span.start - AROUND, gap.span.end + AROUND)
        found: list[Witness] = []
        for name in self._candidates():
            if name == gap.symbol:
                continue
            spans, objects = self._candles(name, gap.span, around)
            before = common(spans, [Span(around.start, gap.span.start)])
            after = common(spans, [Span(gap.span.end, around.end)])
            if before and after:
                found.append(Witness(name, tuple(common(spans, [gap.span])), objects))
            if len(found) == MOST:
                break
        return found

    def _candidates(self) -> Sequence[str]:
        if self._names is None:
            with self.tools.warehouse.session() as session:
                rows = session.all(
                    "SELECT symbol FROM tracked_symbols WHERE exchange = %s AND active = 1 AND COALESCE(status, %s) = %s "
                    "ORDER BY symbol",
                    (self.config.exchange, TRADING, TRADING),
                )
            self._names = list(dict.fromkeys([*self.config.outage_witnesses, *(row[0] for row in rows)]))
        return self._names

    def _candles(self, name: str, span: Span, around: Span) -> tuple[list[Span], tuple[str, ...]]:
        """Return the stretches of time a symbol has candles of, and the answers that say so (none: our facts do)."""
        key = (name, around)
        if key not in self._asked:
            own = self._own(name, around)
            # A page of minutes reaches this far; beyond it hours would be asked for, which are coarser than our own minutes.
            has_all = common(own, [span]) == [span] or around.minutes > PAGE_MINUTES
            self._asked[key] = (own, ()) if own and has_all else self._ask(name, around)
        return self._asked[key]

    def _own(self, name: str, around: Span) -> list[Span]:
        """Return what the facts hold, when they hold something near both ends."""
        with self.tools.warehouse.session() as session:
            rows = session.all(
                f"SELECT open_time FROM {self.config.marts_schema}.fact_klines FORCE INDEX (PRIMARY) WHERE exchange = %s "
                "AND symbol = %s AND interval_code = '1m' AND open_time >= %s AND open_time < %s",
                (self.config.exchange, name, around.start, around.end),
            )
        spans = joined(Span(row[0], row[0] + timedelta(minutes=1)) for row in rows)
        edges = (Span(around.start, around.start + AROUND), Span(around.end - AROUND, around.end))
        return spans if all(common(spans, [edge]) for edge in edges) else []

    def _ask(self, name: str, around: Span) -> tuple[list[Span], tuple[str, ...]]:
        """Ask for the minutes, or for the hours of a longer time."""
        interval = Interval.MINUTE_1 if around.minutes <= PAGE_MINUTES else Interval.HOUR_1
        try:
            asked = ask_aside(self.tools, name, interval, interval.floor(to_ms(around.start)), to_ms(around.end))
        except UnknownSymbol:
            return [], ()
        step = interval.milliseconds
        return joined(Span(from_ms(at), from_ms(at + step)) for at in asked.open_times_ms), (asked.object_key,)
