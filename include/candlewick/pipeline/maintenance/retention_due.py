"""Which days of a big table are old enough to go, of which symbols, with how many rows; protected spans never are.

Days inside the window of retention have partitions of their own and are counted whole; what lies in wider ones is found
by steps of the primary key from day to day, so that years of kept history cost a step a symbol.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.market import DataType, Interval
from candlewick.pipeline.maintenance.retention_plan import cutoff
from candlewick.spans import Span, common, joined, of_day, without
from candlewick.warehouse import partitions
from candlewick.warehouse.database import EPOCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from candlewick.pipeline.maintenance.retention_plan import RetentionDays
    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session

Protected = dict[str, list[Span]]
WHOLE = partitions.Partition("", None, None)


@dataclass(frozen=True, slots=True)
class BigTable:
    """A table of the marts whose rows age by the day: its column of time, and how the ledgers call its rows."""

    name: str
    time: str
    data_type: str
    interval_code: str
    is_of_facts: bool = False
    """Whether it holds candles of other intervals, which stay."""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of its primary key."""
        if self is BOOKS:
            return "exchange", "symbol", "captured_at", "side", "level"
        return ("exchange", "symbol", *(("interval_code",) * self.is_of_facts), self.time)

    @property
    def series(self) -> str:
        """The condition on one symbol's rows that age: parameters exchange, symbol."""
        return "exchange = %s AND symbol = %s" + (f" AND interval_code = '{Interval.MINUTE_1}'" * self.is_of_facts)

    @property
    def aging(self) -> str:
        """The condition on rows that age, of all symbols: parameter exchange."""
        return "exchange = %s" + (f" AND interval_code = '{Interval.MINUTE_1}'" * self.is_of_facts)

    def cutoffs(self, now: datetime, days: RetentionDays) -> tuple[datetime | None, dict[str, datetime | None]]:
        """Return the midnight before which rows are due, and that of symbols with days of their own; None: never."""
        if self is BOOKS:
            return cutoff(now, days.orderbook), {}
        usual = days.klines if self is CANDLES else days.indicators
        return cutoff(now, usual), {symbol: cutoff(now, own) for symbol, own in days.by_symbol.items()}


CANDLES = BigTable("fact_klines", "open_time", DataType.KLINES.value, Interval.MINUTE_1.value, is_of_facts=True)
INDICATORS = BigTable("indicators_1m", "open_time", "indicators", Interval.MINUTE_1.value)
BOOKS = BigTable("fact_orderbook", "captured_at", DataType.DEPTH.value, "")
TABLES = (CANDLES, INDICATORS, BOOKS)


def protected(session: Session, exchange: str) -> Protected:
    """Return the spans of each symbol's minutes that never go: all parts of kept backfills, all a running backfill names."""
    found: dict[str, list[Span]] = defaultdict(list)
    minute = Interval.MINUTE_1.value
    for symbol, start, end in session.all(
        "SELECT p.symbol, p.from_time, p.to_time FROM backfill_parts AS p JOIN backfills AS b "
        "ON b.backfill_id = p.backfill_id WHERE b.is_kept = 1 AND p.exchange = %s AND p.interval_code = %s",
        (exchange, minute),
    ):
        found[symbol].append(Span(start, end))
    for symbols, start, end in session.all(
        "SELECT symbols, from_time, to_time FROM backfills WHERE exchange = %s AND interval_code = %s AND state = 'running'",
        (exchange, minute),
    ):
        for symbol in symbols.split(","):
            found[symbol].append(Span(start, end))
    return {symbol: joined(spans) for symbol, spans in found.items()}


def due(
    session: Session, config: Settings, table: BigTable, now: datetime, days: RetentionDays, keep: Protected
) -> dict[date, dict[str, int]]:
    """Return the rows that may go by age, by day and symbol.

    Args:
        session: reads both schemas.
        config: names the marts and the exchange.
        table: one that is there.
        now: naive UTC.
        days: ages.
        keep: spans that stay; of books there are none.
    """
    usual, own = table.cutoffs(now, days)
    last = max((moment for moment in (usual, *own.values()) if moment), default=EPOCH)
    found: dict[date, dict[str, int]] = defaultdict(dict)
    wide: list[Span] = []
    for part in partitions.of_table(session, config.marts_schema, table.name) or [WHOLE]:
        start = of_day(part.start).start if part.start else EPOCH
        if start >= last:
            break
        if part.is_day:
            counted = _rows_of_day(session, config, table, part.name).items()
            found[start.date()] = {
                symbol: rows for symbol, rows in counted if start < (own.get(symbol, usual) or EPOCH)
            }
        else:
            wide.append(Span(start, min(of_day(part.end).start if part.end else last, last)))
    for symbol in _symbols(session, config.exchange) if wide else ():
        spans = common(wide, [Span(EPOCH, own.get(symbol, usual) or EPOCH)])
        for day, rows in _by_steps(session, config, table, symbol, without(spans, keep.get(symbol, []))):
            found[day][symbol] = rows
    less = {day: _less(session, config, table, day, rows, keep) for day, rows in sorted(found.items())}
    return {day: rows for day, rows in less.items() if rows}


def rows_of_day(
    session: Session, config: Settings, table: BigTable, day: date, symbols: Sequence[str], keep: Protected
) -> dict[str, int]:
    """Return the rows of a day that are not protected, of those of the symbols that have any."""
    if not symbols:
        return {}
    if own := partitions.name_of_day(session, config.marts_schema, table.name, day):
        found = _rows_of_day(session, config, table, own)
        return _less(session, config, table, day, {one: found[one] for one in symbols if one in found}, keep)
    marks, span = ", ".join(["%s"] * len(symbols)), of_day(day)
    rows = session.all(
        f"SELECT symbol, COUNT(*) FROM {config.marts_schema}.{table.name} FORCE INDEX (PRIMARY) WHERE {table.aging} "
        f"AND symbol IN ({marks}) AND {table.time} >= %s AND {table.time} < %s GROUP BY symbol",
        (config.exchange, *symbols, span.start, span.end),
    )
    return _less(session, config, table, day, {symbol: int(count) for symbol, count in rows}, keep)


def outside(symbol: str, day: date, keep: Protected) -> list[Span]:
    """Return what of a symbol's day may go."""
    return without([of_day(day)], keep.get(symbol, []))


def _rows_of_day(session: Session, config: Settings, table: BigTable, partition: str) -> dict[str, int]:
    rows = session.all(
        f"SELECT symbol, COUNT(*) FROM {config.marts_schema}.{table.name} PARTITION ({partition}) FORCE INDEX (PRIMARY) "
        f"WHERE {table.aging} GROUP BY symbol",
        (config.exchange,),
    )
    return {symbol: int(count) for symbol, count in rows}


def _symbols(session: Session, exchange: str) -> list[str]:
    """Return every symbol there may be rows of."""
    return [row[0] for row in session.all("SELECT symbol FROM tracked_symbols WHERE exchange = %s", (exchange,))]


def _by_steps(
    session: Session, config: Settings, table: BigTable, symbol: str, spans: Sequence[Span]
) -> Iterator[tuple[date, int]]:
    """Step from one day with rows to the next; of each, count its rows in the spans."""
    place = f"{config.marts_schema}.{table.name} FORCE INDEX (PRIMARY) WHERE {table.series}"
    for span in spans:
        at = span.start
        while at < span.end:
            row = session.one(
                f"SELECT {table.time} FROM {place} AND {table.time} >= %s AND {table.time} < %s "
                f"ORDER BY exchange, symbol, {'interval_code, ' * table.is_of_facts}{table.time} LIMIT 1",
                (config.exchange, symbol, at, span.end),
            )
            if row is None:
                break
            day = row[0].date()
            end = min(of_day(day).end, span.end)
            yield day, _count(session, config, table, symbol, Span(row[0], end))
            at = end


def _less(
    session: Session, config: Settings, table: BigTable, day: date, rows: Mapping[str, int], keep: Protected
) -> dict[str, int]:
    """Leave out symbols whose day is protected, and count anew where a part of it is."""
    found = {}
    for symbol, count in rows.items():
        if not common([of_day(day)], keep.get(symbol, [])):
            found[symbol] = count
        elif left := sum(_count(session, config, table, symbol, span) for span in outside(symbol, day, keep)):
            found[symbol] = left
    return found


def _count(session: Session, config: Settings, table: BigTable, symbol: str, span: Span) -> int:
    row = session.one(
        f"SELECT COUNT(*) FROM {config.marts_schema}.{table.name} FORCE INDEX (PRIMARY) WHERE {table.series} "
        f"AND {table.time} >= %s AND {table.time} < %s",
        (config.exchange, symbol, span.start, span.end),
    )
    return int(row[0]) if row else 0
