"""The exchange's own 15m and 1h candles of a gap: they are loaded like any other, and compared with our minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from candlewick.market import Interval
from candlewick.pipeline.bulk import load_objects
from candlewick.pipeline.gaps.classify import Proof
from candlewick.pipeline.gaps.staged import candles
from candlewick.pipeline.rest_span import fetch_span
from candlewick.spans import Span, common, minutes_of, without
from candlewick.warehouse.database import from_ms, to_ms

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from candlewick.pipeline.backfill.tools import Tools
    from candlewick.warehouse.gaps import Gap

QUARTER, HOUR = Interval.MINUTE_15, Interval.HOUR_1
MOST_BUCKETS = 3000


@dataclass(frozen=True, slots=True)
class Candle:
    """A higher candle, and the object it came in."""

    interval: Interval
    open_time: datetime
    trades: int
    volume: Decimal
    object_key: str

    @property
    def span(self) -> Span:
        """Its bucket."""
        return Span(self.open_time, from_ms(to_ms(self.open_time) + self.interval.milliseconds))


class Higher:
    """The higher candles around one gap."""

    def __init__(self, tools: Tools, gap: Gap, found: list[Candle]) -> None:
        self.tools, self.gap, self.found = tools, gap, found

    @classmethod
    def ask(cls, tools: Tools, gap: Gap, until: datetime) -> Self:
        """Ask for the quarters of the gap, and for the hours of all days that the gap and an hour around it touch.

        Whole days, since a day of which only some hours are there would disagree with ours in all the others. Nothing that
        closes after ``until``: it may still be forming, or hold minutes that are on their way to us.

        Raises:
            ExchangeError: no answer.
        """
        found: list[Candle] = []
        for interval, whole, beyond in ((QUARTER, QUARTER, 0), (HOUR, Interval.DAY_1, HOUR.milliseconds)):
            start = whole.floor(to_ms(gap.span.start) - beyond)
            end = whole.floor(to_ms(gap.span.end) + beyond - 1) + whole.milliseconds
            end = min(end, interval.floor(to_ms(until)))
            if not start < end <= start + MOST_BUCKETS * interval.milliseconds:
                continue  # not over yet; or months, which are no hole in the archive
            label = f"gaps {gap.symbol} {interval.value} {gap.span}"
            asked = fetch_span(
                tools.exchange, tools.lake, tools.warehouse, gap.symbol, interval, start, end, tools.run_id, label=label
            )
            load_objects(tools.lake, tools.warehouse, tools.run_id, asked.object_ids)
            rows = candles(tools.warehouse, asked.object_ids, "open_time, trade_count, volume, object_key")
            found += [Candle(interval, *row) for row in rows]
        return cls(tools, gap, found)

    def fuller(self) -> list[Proof]:
        """Return the buckets of which the exchange's candle holds more trades or volume than our minutes."""
        proofs: list[Proof] = []
        for interval in (QUARTER, HOUR):
            known = [proof.span for proof in proofs]
            quarters = [one.span for one in self.found if one.interval is QUARTER]
            for candle in (one for one in self.found if one.interval is interval):
                inside = [Span(max(candle.span.start, self.gap.span.start), min(candle.span.end, self.gap.span.end))]
                if not without(inside, known) or (interval is HOUR and not without(inside, quarters)):
                    continue  # what a finer candle speaks for is not judged by a coarser one
                trades, volume = self._ours(candle.span)
                if (candle.trades > trades or candle.volume > volume) and self._is_accounted_for(candle.span):
                    proofs.append(Proof(candle.span, _told(candle, trades, volume)))
        return proofs

    def absent_hours(self) -> list[dict[str, Any]]:
        """Return the whole hours of the gap that the exchange has no candle of, between two it has."""
        hours = {one.open_time for one in self.found if one.interval is HOUR}
        if not hours:
            return []
        found, step = [], HOUR.milliseconds
        start = -(-to_ms(self.gap.span.start) // step) * step
        for at in range(start, to_ms(self.gap.span.end) - step + 1, step):
            opened = from_ms(at)
            if opened not in hours and min(hours) < opened < max(hours):
                found.append({"no_candle": HOUR.value, "open_time": str(opened)})
        return found

    def _ours(self, bucket: Span) -> tuple[int, Decimal]:
        with self.tools.warehouse.session() as session:
            row = session.one(
                "SELECT COALESCE(SUM(trade_count), 0), COALESCE(SUM(volume), 0) FROM "
                f"{self.tools.warehouse.config.marts_schema}.fact_klines FORCE INDEX (PRIMARY) WHERE exchange = %s "
                "AND symbol = %s AND interval_code = '1m' AND open_time >= %s AND open_time < %s",
                (self.gap.exchange, self.gap.symbol, bucket.start, bucket.end),
            )
        trades, volume = row or (0, 0)
        return int(trades), volume

    def _is_accounted_for(self, bucket: Span) -> bool:
        """Tell whether each minute is there, or was asked for: one nobody asked for may be what the candle has more."""
        series = (self.gap.exchange, self.gap.symbol)
        with self.tools.warehouse.session() as session:
            there = session.one(
                f"SELECT COUNT(*) FROM {self.tools.warehouse.config.marts_schema}.fact_klines FORCE INDEX (PRIMARY) "
                "WHERE exchange = %s AND symbol = %s AND interval_code = '1m' AND open_time >= %s AND open_time < %s "
                "AND is_final = 1",
                (*series, bucket.start, bucket.end),
            )
            asked = session.all(
                "SELECT from_time, to_time FROM gap_ledger WHERE exchange = %s AND symbol = %s AND data_type = 'klines' "
                "AND (status = 'explained' OR (status <> 'closed' AND attempts > 0 AND reason <> 'fetch_failed')) "
                "AND from_time < %s AND to_time > %s",
                (*series, bucket.end, bucket.start),
            )
        known = minutes_of(common([bucket], [Span(*row) for row in asked]))
        return known + (there[0] if there else 0) >= bucket.minutes


def _told(candle: Candle, trades: int, volume: Decimal) -> dict[str, Any]:
    return {
        "interval": candle.interval.value,
        "open_time": str(candle.open_time),
        "trades": candle.trades,
        "our_trades": trades,
        "volume": str(candle.volume),
        "our_volume": str(volume),
        "object": candle.object_key,
    }
