"""How the exchange's public archive names its files, and what span each holds. Pure: no clock, no I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from candlewick.market import Interval, Source


class Granularity(StrEnum):
    """How much time a file holds."""

    MONTHLY = "monthly"
    DAILY = "daily"

    @property
    def source(self) -> Source:
        """The source of rows read from such a file."""
        return Source.ARCHIVE_MONTHLY if self is Granularity.MONTHLY else Source.ARCHIVE_DAILY


_NAME = re.compile(r"(?P<symbol>[^\s/]+)-(?P<interval>\w+)-(?P<month>\d{4}-\d{2})(?:-(?P<day>\d{2}))?")


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One file of candles; ``period_start`` is its first day, UTC."""

    symbol: str
    interval: Interval
    granularity: Granularity
    period_start: date

    @classmethod
    def of_day(cls, symbol: str, interval: Interval, day: date) -> ArchiveFile:
        """Return the file of a day."""
        return cls(symbol, interval, Granularity.DAILY, day)

    @classmethod
    def of_month(cls, symbol: str, interval: Interval, day: date) -> ArchiveFile:
        """Return the file of the month that holds this day."""
        return cls(symbol, interval, Granularity.MONTHLY, day.replace(day=1))

    @classmethod
    def named(cls, name: str) -> ArchiveFile | None:
        """Return the file of a name like ``BTCUSDT-1m-2023-03-24`` or ``BTCUSDT-1m-2023-03``; None for other names."""
        found = _NAME.fullmatch(name)
        if not found or found["interval"] not in set(Interval):
            return None
        try:
            first = date.fromisoformat(f"{found['month']}-{found['day'] or '01'}")
        except ValueError:
            return None
        granularity = Granularity.DAILY if found["day"] else Granularity.MONTHLY
        return cls(found["symbol"], Interval(found["interval"]), granularity, first)

    @property
    def period_end(self) -> date:
        """The first day after the file's period."""
        if self.granularity is Granularity.DAILY:
            return self.period_start + timedelta(days=1)
        return (self.period_start + timedelta(days=31)).replace(day=1)

    @property
    def start_ms(self) -> int:
        """First stamp of the period."""
        return _midnight_ms(self.period_start)

    @property
    def end_ms(self) -> int:
        """First stamp after the period; a published file was complete then, so all its candles are final."""
        return _midnight_ms(self.period_end)

    @property
    def name(self) -> str:
        """The file's name without ending."""
        form = "%Y-%m-%d" if self.granularity is Granularity.DAILY else "%Y-%m"
        return f"{self.symbol}-{self.interval.value}-{self.period_start.strftime(form)}"

    @property
    def path(self) -> str:
        """Where the archive keeps the zip, below its base URL; the checksum is there too, with ``.CHECKSUM`` behind."""
        return f"data/spot/{self.granularity.value}/klines/{self.symbol}/{self.interval.value}/{self.name}.zip"


def _midnight_ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
