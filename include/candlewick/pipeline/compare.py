"""Whether two warehouses hold the same: tables are compared by sums of their parts, and the first difference is named.

The sums are made by the servers, a series and month or day each (by SHA2: MD5 is not part of every MySQL); rows are read only of a part whose sums differ. The two may
be servers of different makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

    from candlewick.spans import Span
    from candlewick.warehouse.database import Session, Warehouse

CANDLE = (
    "open_price", "high_price", "low_price", "close_price", "volume", "close_time", "quote_volume", "trade_count",
    "taker_buy_volume", "taker_buy_quote_volume",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compared:
    """A table of the marts: ``series`` and ``key`` (its first column a time) make a row unique; no column is null."""

    table: str
    series: tuple[str, ...]
    key: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def time(self) -> str:
        """The column that rows are cut into months or days by."""
        return self.key[0]


@dataclass(frozen=True, slots=True)
class Within:
    """What of the tables is compared: whole UTC days, of these symbols (none: all), without some (symbol, day)."""

    days: Span
    symbols: frozenset[str] = frozenset()
    without: frozenset[tuple[str, date]] = frozenset()


@dataclass(frozen=True, slots=True)
class Comparison:
    """A table compared: rows of the left one that were, days of symbols that were left out, the first difference."""

    table: str
    rows: int
    left_out: int
    difference: Difference | None


BUCKET = (*CANDLE, "candle_count", "final_count", "first_open_time", "last_open_time", "is_final")
REVISED = tuple(f"{side}_{name}" for side in ("lost", "kept") for name in CANDLE)
# Data, finality and source; not who brought them (loads, objects) and when they were written.
HISTORY = (
    Compared("fact_klines", ("exchange", "symbol", "interval_code"), ("open_time",), (*CANDLE, "is_final", "source")),
    Compared("hourly_klines", ("exchange", "symbol"), ("hour_start",), BUCKET),
    *(
        Compared(
            table,
            ("exchange", "symbol"),
            ("open_time",),
            (*CANDLE, "candle_count", "final_count", "is_final", "source"),
        )
        for table in ("klines_5m", "klines_15m", "klines_4h")
    ),
    Compared("daily_klines", ("exchange", "symbol"), ("date",), (*BUCKET, "hour_count")),
    Compared(
        "kline_revisions",
        ("exchange", "symbol", "interval_code"),
        ("open_time", "lost_source", "lost_fingerprint"),
        (*REVISED, "lost_captured_at", "kept_source"),
    ),
)

BOOKS = Compared(
    "fact_orderbook",
    ("exchange", "symbol"),
    ("captured_at", "side", "level"),
    ("price", "quantity", "last_update_id", "source"),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row in which two tables differ; None on the side that lacks it."""

    table: str
    key: tuple[Any, ...]
    left: dict[str, Any] | None
    right: dict[str, Any] | None

    @property
    def sentence(self) -> str:
        """The difference, for people."""
        where = f"{self.table} at {', '.join(map(str, self.key))}"
        if self.left is None or self.right is None:
            return f"{where}: only the {'right' if self.left is None else 'left'} one has it"
        other = [f"{name} {self.left[name]} and {self.right[name]}" for name in self.left if self._differs(name)]
        return f"{where}: {'; '.join(other)}"

    def _differs(self, name: str) -> bool:
        return bool(self.left and self.right and self.left[name] != self.right[name])


def first_difference(left: Warehouse, right: Warehouse, compared: Compared) -> Difference | None:
    """Return the first row, by series and time, in which a table differs; None when it is the same in both."""
    return compare(left, right, compared).difference


def compare(left: Warehouse, right: Warehouse, compared: Compared, within: Within | None = None) -> Comparison:
    """Compare a table, or what of it lies within days; the first difference is by series and time."""
    with left.session() as one, right.session() as other:
        parts = _parts(one, left, compared, within), _parts(other, right, compared, within)
        every = sorted(set(parts[0]) | set(parts[1]))
        wanted = [part for part in every if within is None or _symbol_day(compared, part) not in within.without]
        rows = sum(parts[0][part][0] for part in wanted if part in parts[0])
        for part in wanted:
            if parts[0].get(part) != parts[1].get(part):
                found = (
                    _rows(one, left, compared, part, within is not None),
                    _rows(other, right, compared, part, within is not None),
                )
                return Comparison(compared.table, rows, len(every) - len(wanted), _difference(compared, *found))
    return Comparison(compared.table, rows, len(every) - len(wanted), None)


def _parts(
    session: Session, warehouse: Warehouse, compared: Compared, within: Within | None
) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Return rows and a sum by series and month, or day; it does not depend on the order of the rows."""
    columns = ", ".join((*compared.key, *compared.values))
    part = ", ".join((*compared.series, _period(compared, daily=within is not None)))
    where, parameters = _where(compared, within)
    rows = session.all(
        f"SELECT {part}, COUNT(*), BIT_XOR(CAST(CONV(LEFT(SHA2(CONCAT_WS('|', {columns}), 256), 16), 16, 10) AS UNSIGNED)) "
        f"FROM {warehouse.config.marts_schema}.{compared.table}{where} GROUP BY {part}",
        parameters,
    )
    return {row[:-2]: row[-2:] for row in rows}


def _where(compared: Compared, within: Within | None) -> tuple[str, list[object]]:
    if within is None:
        return "", []
    clause = f" WHERE {compared.time} >= %s AND {compared.time} < %s"
    if within.symbols:
        clause += f" AND symbol IN ({', '.join(['%s'] * len(within.symbols))})"
    return clause, [within.days.start, within.days.end, *sorted(within.symbols)]


def _rows(
    session: Session, warehouse: Warehouse, compared: Compared, part: tuple[Any, ...], daily: bool
) -> dict[tuple[Any, ...], dict[str, Any]]:
    keys = (*compared.series, *compared.key)
    where = " AND ".join(f"{name} = %s" for name in (*compared.series, _period(compared, daily=daily)))
    rows = session.all(
        f"SELECT {', '.join((*keys, *compared.values))} FROM {warehouse.config.marts_schema}.{compared.table} WHERE {where}",
        part,
    )
    return {row[: len(keys)]: dict(zip(compared.values, row[len(keys) :], strict=True)) for row in rows}


def _period(compared: Compared, *, daily: bool) -> str:
    return f"DATE({compared.time})" if daily else f"EXTRACT(YEAR_MONTH FROM {compared.time})"


def _symbol_day(compared: Compared, part: tuple[Any, ...]) -> tuple[str, date]:
    """Return symbol and day of a part; parts of whole months are never left out."""
    return part[compared.series.index("symbol")], part[-1]


def _difference(
    compared: Compared, left: dict[tuple[Any, ...], dict[str, Any]], right: dict[tuple[Any, ...], dict[str, Any]]
) -> Difference | None:
    for key in sorted(set(left) | set(right)):
        if left.get(key) != right.get(key):
            return Difference(compared.table, key, left.get(key), right.get(key))
    return None
