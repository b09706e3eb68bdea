"""What retention is asked for and what it would do: values only, no I/O. Days are whole UTC days, times naive UTC."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from candlewick.spans import DAY, of_day
from candlewick.warehouse.ageing import midnight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from candlewick.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionDays:
    """Days that rows stay; 0: for ever (staging and outcomes have no 0)."""

    klines: int
    """1m candles of fact_klines, by open time."""
    indicators: int
    """indicators_1m, by open time."""
    orderbook: int
    """fact_orderbook, by capture."""
    staging: int
    """staging_klines and staging_orderbook, by the end of their load."""
    outcomes: int
    """extraction_outcomes, by capture."""
    processed: int = 0
    """processed_files, by the deletion of their object."""
    by_symbol: Mapping[str, int] = field(default_factory=dict)
    """Other days for the 1m candles and indicators of some symbols."""

    @classmethod
    def of(cls, config: Settings) -> RetentionDays:
        """Return what is configured, or what a run's ages were applied to."""
        return cls(
            klines=config.retention_klines_days,
            indicators=config.retention_indicators_days,
            orderbook=config.retention_orderbook_days,
            staging=config.retention_staging_days,
            outcomes=config.retention_outcomes_days,
            processed=config.retention_processed_days,
            by_symbol=dict(config.retention_klines_by_symbol),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionItem:
    """Rows of one table that are to go."""

    table: str
    symbols: int
    """How many symbols they are of; 0: the table is not told apart by symbol."""
    rows: int
    table_rows: int
    """All rows of the table: exact below a million, else as the server estimates them."""
    from_time: datetime | None = None
    to_time: datetime | None = None
    is_working_copy: bool = False
    """Staging: every model has consumed these rows, losing them loses nothing, so nobody is asked."""

    @property
    def share(self) -> float:
        """How much of the table goes, 0 to 1."""
        return self.rows / self.table_rows if self.table_rows else float(self.rows > 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldItem:
    """Old enough to go, but kept, and why; ``symbol`` empty: of several."""

    table: str
    symbol: str
    from_time: datetime
    to_time: datetime
    reason: str

    @property
    def sentence(self) -> str:
        """What is kept, for people."""
        return f"{self.table} {self.symbol} {self.from_time:%Y-%m-%d} … {self.to_time - DAY:%Y-%m-%d}: {self.reason}"


@dataclass(frozen=True, kw_only=True, slots=True)
class DayOfRows:
    """A day of a table and the symbols whose rows of that day are to go."""

    table: str
    day: date
    symbols: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionPlan:
    """What ``retention.run`` would do. ``now`` and ``days`` fix every cutoff."""

    now: datetime
    days: RetentionDays
    items: tuple[RetentionItem, ...]
    held: tuple[HeldItem, ...]
    work: tuple[DayOfRows, ...] = ()
    """The items of the facts and indicators, day by day."""


@dataclass
class RetentionSummary:
    """What a run did."""

    rows: dict[str, int] = field(default_factory=dict)
    """Deleted rows by table."""
    days: int = 0
    """Days of a table that were deleted, of some symbols or of all."""
    dropped: int = 0
    """Of them those whose partition was changed for its survivors."""
    merged: int = 0
    """Months whose days became one partition again."""
    held: list[HeldItem] = field(default_factory=list)

    def add(self, table: str, rows: int) -> None:
        """Count rows that are gone."""
        self.rows[table] = self.rows.get(table, 0) + rows

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        told = ", ".join(f"{rows} rows of {table}" for table, rows in self.rows.items() if rows) or "no row"
        said = f"{told} deleted ({self.days} days of tables, {self.dropped} by their partition)"
        if self.merged:
            said += f"; {self.merged} months merged"
        return said + (f"; kept: {len(self.held)} spans, {self.held[0].sentence}" if self.held else "")


def cutoff(now: datetime, days: int) -> datetime | None:
    """Return the midnight before which rows are due; None: never."""
    return midnight(now, days) if days else None


def held_spans(held: Iterable[tuple[str, str, date, str]]) -> tuple[HeldItem, ...]:
    """Join days in a row that are kept: (table, symbol, day, reason), told by the first one's reason."""
    found: list[tuple[HeldItem, int]] = []
    for table, symbol, day, reason in sorted(held):
        start = of_day(day).start
        last, more = found[-1] if found else (None, 0)
        if last and (last.table, last.symbol, last.to_time) == (table, symbol, start):
            found[-1] = (replace(last, to_time=start + DAY), more + 1)
        else:
            item = HeldItem(table=table, symbol=symbol, from_time=start, to_time=start + DAY, reason=reason)
            found.append((item, 0))
    return tuple(
        replace(item, reason=f"{item.reason} (the first of {more + 1} days)") if more else item for item, more in found
    )
