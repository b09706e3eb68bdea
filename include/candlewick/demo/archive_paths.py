"""Which file an archive path names."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from candlewick.demo.intervals import DAY_MS, FIXED_MS

PREFIX = "/data/spot/"
_PATH = re.compile(
    r"^/data/spot/(?P<span>daily|monthly)/klines/(?P<symbol>[A-Z0-9]+)/(?P<interval>\w+)/"
    r"(?P<name>(?P=symbol)-(?P=interval)-(?P<month>\d{4}-\d{2})(?:-(?P<day>\d{2}))?)\.zip(?P<checksum>\.CHECKSUM)?$"
)
_MONTH_CODE = "1mo"


@dataclass(frozen=True)
class ArchiveFile:
    """One published file, without its content."""

    symbol: str
    interval: str
    name: str
    start_ms: int
    end_ms: int
    """Exclusive."""
    is_checksum: bool


def parse(path: str) -> ArchiveFile | None:
    """The file a path names; None when Binance would never publish such a path.

    Days hold intervals of up to a day; the longer ones are in the monthly files only.
    """
    found = _PATH.match(path)
    if not found:
        return None
    daily, code = found["span"] == "daily", found["interval"]
    length = DAY_MS + 1 if code == _MONTH_CODE else FIXED_MS.get(code)
    if length is None or daily != bool(found["day"]) or (daily and length > DAY_MS):
        return None
    try:
        first = date.fromisoformat(f"{found['month']}-{found['day'] or '01'}")
    except ValueError:
        return None
    end = first + timedelta(days=1) if daily else (first + timedelta(days=31)).replace(day=1)
    interval = "1M" if code == _MONTH_CODE else code
    return ArchiveFile(
        found["symbol"], interval, found["name"], _midnight_ms(first), _midnight_ms(end), bool(found["checksum"])
    )


def _midnight_ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
