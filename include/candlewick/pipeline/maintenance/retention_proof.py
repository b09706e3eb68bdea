"""What proves that a day's rows may go: all that was made of them is there, counts at least as much, and what is missing is explained."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from candlewick.market import DataType, Interval
from candlewick.pipeline.maintenance.retention_due import BOOKS, CANDLES, Protected, outside
from candlewick.spans import common, of_day, without
from candlewick.warehouse import expired, partitions, tables
from candlewick.warehouse.facts import FEEDS
from candlewick.warehouse.staging import KLINES, ORDERBOOK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from candlewick.pipeline.maintenance.retention_due import BigTable
    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session

DAY_MINUTES = 1440
# Whose queue must not hold a load with rows of the day. What reads staging is not among them: staging waits for its readers.
OF_CANDLES = (CANDLES.name, *FEEDS, "daily_klines", "klines_4h")
OF_BOOKS = (BOOKS.name, "orderbook_metrics")
# The tables that stay, with the column of their buckets' start; each counts the minutes it was made of.
ROLL_UPS = {
    "hourly_klines": "hour_start", "klines_5m": "open_time", "klines_15m": "open_time", "klines_4h": "open_time",
    "daily_klines": "date",
}  # fmt: skip
# Those that are made of minutes, with their length; the others are made of hours.
OF_MINUTES = {"hourly_klines": 60, "klines_5m": 5, "klines_15m": 15}
OF_HOURS = ("klines_4h", "daily_klines")
METRICS, COVERAGE = "orderbook_metrics", "coverage_daily"
_CHUNK = 500


def held(
    session: Session, config: Settings, table: BigTable, day: date, symbols: Collection[str], keep: Protected
) -> dict[str, str]:
    """Return the symbols whose rows of a day have to stay, with the reason; all others may go.

    Args:
        session: reads both schemas.
        config: names them and the exchange.
        table: whose rows are to go.
        day: UTC.
        symbols: that are old enough.
        keep: protected spans; they are no matter here.
    """
    found = waiting(session, config, table, day, symbols)
    gone = (
        expired.spans(session, config.exchange, CANDLES.data_type, CANDLES.interval_code) if table is not BOOKS else {}
    )
    rest = [one for one in symbols if one not in found and without(outside(one, day, keep), gone.get(one, []))]
    for start in range(0, len(rest), _CHUNK):
        part = rest[start : start + _CHUNK]
        if table is BOOKS:
            found |= _books(session, config, day, part)
        else:
            partly_gone = {one for one in part if common([of_day(day)], gone.get(one, []))}
            found |= _Candles(session, config, day, part, partly_gone).reasons()
    return found


def waiting(session: Session, config: Settings, table: BigTable, day: date, symbols: Collection[str]) -> dict[str, str]:
    """Return the symbols of which a load with rows of the day has yet to reach a model, with the reason."""
    facts, staged, models = (BOOKS, ORDERBOOK, OF_BOOKS) if table is BOOKS else (CANDLES, KLINES, OF_CANDLES)
    if not tables.exist(session, config.marts_schema, facts.name):
        return {}
    span, marks = of_day(day), ", ".join(["%s"] * len(models))
    queued = f"SELECT load_id, MIN(model) AS model FROM pending_loads WHERE model IN ({marks}) GROUP BY load_id"
    rows = session.all(
        f"SELECT f.symbol, MIN(q.load_id), MIN(q.model) FROM ({queued}) AS q STRAIGHT_JOIN {config.marts_schema}.{facts.name} "
        f"AS f FORCE INDEX (by_load) ON f.load_id = q.load_id WHERE f.{facts.time} >= %s AND f.{facts.time} < %s "
        f"AND f.{facts.aging} GROUP BY f.symbol",
        (*models, span.start, span.end, config.exchange),
    )
    rows += session.all(
        f"SELECT s.symbol, MIN(q.load_id), MIN(q.model) FROM pending_loads AS q STRAIGHT_JOIN {staged} AS s "
        f"ON s.load_id = q.load_id WHERE q.model = %s AND s.{facts.time} >= %s AND s.{facts.time} < %s "
        f"AND s.{facts.aging} GROUP BY s.symbol",
        (facts.name, span.start, span.end, config.exchange),
    )
    return {symbol: f"load {load} has yet to reach {model}" for symbol, load, model in rows if symbol in set(symbols)}


class _Candles:
    """The 1m candles of one day and some symbols against what was made of them."""

    def __init__(
        self, session: Session, config: Settings, day: date, symbols: Sequence[str], partly_gone: Collection[str]
    ) -> None:
        self.session, self.config, self.day, self.symbols = session, config, day, symbols
        self.partly_gone = partly_gone
        self.marts, self.span = config.marts_schema, of_day(day)

    def reasons(self) -> dict[str, str]:
        """Return the symbols whose day has to stay, with the reason."""
        if not self.symbols:
            return {}
        missing = [name for name in ROLL_UPS if not tables.exist(self.session, self.marts, name)]
        if missing:
            return dict.fromkeys(self.symbols, f"{missing[0]} is not built")
        final = dict(self._final())
        counted = {name: dict(self._sums(name, column, "SUM(candle_count)")) for name, column in ROLL_UPS.items()}
        is_final = dict(self._sums("daily_klines", "date", "MIN(is_final)"))
        unexplained = dict(self._unexplained())
        found = {}
        for symbol in self.symbols:
            minutes = final.get(symbol, 0)
            less = next((name for name in ROLL_UPS if counted[name].get(symbol, -1) < minutes), None)
            if less:
                found[symbol] = self._lack(symbol, less, minutes, counted[less].get(symbol))
            elif symbol in self.partly_gone and (reason := self._lack_beside_expired(symbol, counted)):
                found[symbol] = reason
            elif not is_final.get(symbol):
                found[symbol] = "its row in daily_klines is not final"
            elif minutes < DAY_MINUTES and unexplained.get(symbol) != 0:
                found[symbol] = self._gap(symbol, minutes, unexplained.get(symbol))
        return found

    def _final(self) -> Iterator[tuple[str, int]]:
        """Count the final minutes; of a day with a partition of its own without comparing the symbol of each row."""
        own = partitions.name_of_day(self.session, self.marts, CANDLES.name, self.day)
        if own is None:
            return self._sums(CANDLES.name, "open_time", "SUM(is_final)", f" AND interval_code = '{Interval.MINUTE_1}'")
        rows = self.session.all(
            f"SELECT symbol, SUM(is_final) FROM {self.marts}.{CANDLES.name} PARTITION ({own}) FORCE INDEX (PRIMARY) "
            f"WHERE {CANDLES.aging} GROUP BY symbol",
            (self.config.exchange,),
        )
        return ((symbol, int(value or 0)) for symbol, value in rows)

    def _sums(self, table: str, column: str, what: str, more: str = "") -> Iterator[tuple[str, int]]:
        marks = ", ".join(["%s"] * len(self.symbols))
        for symbol, value in self.session.all(
            f"SELECT symbol, {what} FROM {self.marts}.{table} FORCE INDEX (PRIMARY) WHERE exchange = %s "
            f"AND symbol IN ({marks}){more} AND {column} >= %s AND {column} < %s GROUP BY symbol",
            (self.config.exchange, *self.symbols, self.span.start, self.span.end),
        ):
            yield symbol, int(value or 0)

    def _unexplained(self) -> Iterator[tuple[str, int]]:
        if not tables.exist(self.session, self.marts, COVERAGE):
            return iter(())
        return self._sums(COVERAGE, "date", "MAX(unexplained_minutes)")

    def _lack(self, symbol: str, table: str, minutes: int, counted: int | None) -> str:
        """Name what a roll-up lacks; of hours the first one that does."""
        if counted is None:
            return f"{table} has no row of it"
        if table == "hourly_klines":
            row = self.session.one(
                "SELECT f.hour_start, f.minutes, COALESCE(h.candle_count, 0) FROM (SELECT exchange, symbol, "
                "CAST(DATE_FORMAT(open_time, '%%Y-%%m-%%d %%H:00:00') AS DATETIME(3)) AS hour_start, SUM(is_final) AS minutes "
                f"FROM {self.marts}.{CANDLES.name} FORCE INDEX (PRIMARY) WHERE {CANDLES.series} AND open_time >= %s "
                "AND open_time < %s GROUP BY exchange, symbol, hour_start) AS f "
                f"LEFT JOIN {self.marts}.hourly_klines AS h ON h.exchange = f.exchange AND h.symbol = f.symbol "
                "AND h.hour_start = f.hour_start WHERE COALESCE(h.candle_count, 0) < f.minutes ORDER BY f.hour_start LIMIT 1",
                (self.config.exchange, symbol, self.span.start, self.span.end),
            )
            if row:
                return f"the hour {row[0]:%H:%M} counts {row[2]} of {row[1]} minutes in hourly_klines"
        return f"{table} counts {counted} of its {minutes} final minutes"

    def _lack_beside_expired(self, symbol: str, counted: Mapping[str, Mapping[str, int]]) -> str | None:
        """Name what lacks minutes of a day of which others have expired: those are in its sum, and would make up for them."""
        hours = counted["hourly_klines"][symbol]
        for name in OF_HOURS:
            if counted[name][symbol] < hours:
                return f"{name} counts {counted[name][symbol]} of the {hours} minutes that its hours count"
        minute = f" AND interval_code = '{Interval.MINUTE_1}' AND is_final = 1"
        opened = self._rows(symbol, CANDLES.name, CANDLES.time, CANDLES.time, minute)
        for name, minutes in OF_MINUTES.items():
            column, length = ROLL_UPS[name], timedelta(minutes=minutes)
            counts = dict(self._rows(symbol, name, column, f"{column}, candle_count"))
            there = Counter(self.span.start + (time - self.span.start) // length * length for (time,) in opened)
            for start, number in sorted(there.items()):
                if counts.get(start, 0) < number:
                    return f"{name} counts {counts.get(start, 0)} of the {number} minutes from {start:%H:%M} on"
        return None

    def _rows(self, symbol: str, table: str, column: str, what: str, more: str = "") -> list[tuple[Any, ...]]:
        return self.session.all(
            f"SELECT {what} FROM {self.marts}.{table} FORCE INDEX (PRIMARY) WHERE exchange = %s AND symbol = %s{more} "
            f"AND {column} >= %s AND {column} < %s",
            (self.config.exchange, symbol, self.span.start, self.span.end),
        )

    def _gap(self, symbol: str, minutes: int, unexplained: int | None) -> str:
        """Name the minutes that nobody has explained."""
        told = f"{minutes} of {DAY_MINUTES} minutes are final and "
        if unexplained is None:
            return f"{told}coverage_daily does not know the day"
        row = self.session.one(
            "SELECT from_time, to_time FROM gap_ledger WHERE exchange = %s AND symbol = %s AND data_type = %s AND "
            "interval_code = %s AND from_time < %s AND to_time > %s AND status <> 'closed' "
            "AND (evidence IS NULL OR reason IN ('unknown', 'fetch_failed')) ORDER BY from_time LIMIT 1",
            (
                self.config.exchange, symbol, DataType.KLINES.value, Interval.MINUTE_1.value, self.span.end,
                self.span.start,
            ),
        )  # fmt: skip
        where = f", first {row[0]:%Y-%m-%d %H:%M} … {row[1]:%Y-%m-%d %H:%M}" if row else ""
        return f"{told}{unexplained} are not explained{where}"


def _books(session: Session, config: Settings, day: date, symbols: Sequence[str]) -> dict[str, str]:
    """Return the symbols with a book that has no row in orderbook_metrics; a book without any quantity needs none."""
    if not symbols:
        return {}
    marts, span, marks = config.marts_schema, of_day(day), ", ".join(["%s"] * len(symbols))
    if not tables.exist(session, marts, METRICS):
        return dict.fromkeys(symbols, f"{METRICS} is not built")
    rows = session.all(
        f"SELECT b.symbol, b.captured_at FROM (SELECT DISTINCT exchange, symbol, captured_at FROM {marts}.{BOOKS.name} "
        f"WHERE exchange = %s AND symbol IN ({marks}) AND captured_at >= %s AND captured_at < %s) AS b "
        f"LEFT JOIN {marts}.{METRICS} AS m ON m.exchange = b.exchange AND m.symbol = b.symbol "
        "AND m.captured_at = b.captured_at WHERE m.symbol IS NULL "
        f"AND EXISTS (SELECT 1 FROM {marts}.{BOOKS.name} AS l WHERE l.exchange = b.exchange AND l.symbol = b.symbol "
        "AND l.captured_at = b.captured_at AND l.quantity > 0)",
        (config.exchange, *symbols, span.start, span.end),
    )
    without_metrics: dict[str, list[datetime]] = defaultdict(list)
    for symbol, captured_at in rows:
        without_metrics[symbol].append(captured_at)
    return {
        symbol: f"{len(stamps)} books have no row in {METRICS}, first that of {min(stamps):%H:%M}"
        for symbol, stamps in without_metrics.items()
    }
