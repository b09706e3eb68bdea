"""The public archive: zipped CSV files by day and by month, their checksums, and when they appear."""

import hashlib
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from candlewick.demo import corruption
from candlewick.demo.answers import Answer
from candlewick.demo.exchange import Exchange
from candlewick.demo.faults import Fault
from candlewick.demo.gaps import Gap
from candlewick.demo.intervals import DAY_MS, FIXED_MS, INTERVALS, MINUTE_MS
from candlewick.demo.rest import corrupted
from candlewick.demo.rows import Row

PREFIX = "/data/spot/"
_PATH = re.compile(
    r"^/data/spot/(?P<span>daily|monthly)/klines/(?P<symbol>[A-Z0-9]+)/(?P<interval>\w+)/"
    r"(?P<name>(?P=symbol)-(?P=interval)-(?P<date>\d{4}-\d{2}(?:-\d{2})?))\.zip(?P<checksum>\.CHECKSUM)?$"
)
# Spot files carry microseconds from this day on.
_MICROSECONDS_FROM_MS = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) * 1000
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
    """The file a path names; None when Binance would never publish such a path."""
    found = _PATH.match(path)
    if not found:
        return None
    interval = "1M" if found["interval"] == _MONTH_CODE else found["interval"]
    if interval not in INTERVALS or found["interval"] == "1M":
        return None
    daily = found["span"] == "daily"
    if daily != (len(found["date"]) == 10) or (daily and FIXED_MS.get(interval, DAY_MS + 1) > DAY_MS):
        return None
    try:
        first = date.fromisoformat(found["date"] if daily else found["date"] + "-01")
    except ValueError:
        return None
    end = first + timedelta(days=1) if daily else (first + timedelta(days=31)).replace(day=1)
    return ArchiveFile(
        found["symbol"], interval, found["name"], _midnight_ms(first), _midnight_ms(end), found["checksum"] is not None
    )


def answer(exchange: Exchange, path: str, faults: list[Fault]) -> Answer:
    """The zip or its checksum; the archive's 404 while there is none."""
    file = parse(path)
    content = zip_bytes(exchange, file, faults) if file else None
    if file is None or content is None:
        return not_found(path)
    if not file.is_checksum:
        return Answer(content, media_type="application/zip")
    digest = hashlib.sha256(content).hexdigest()
    if any(fault.kind == "bad_checksum" for fault in faults):
        digest = digest[::-1]
    return Answer(f"{digest}  {file.name}.zip\n".encode(), media_type="binary/octet-stream")


def zip_bytes(exchange: Exchange, file: ArchiveFile, faults: list[Fault]) -> bytes | None:
    """The file's bytes, the same in every process; None before it is published."""
    market, now = exchange.markets.get(file.symbol), exchange.clock.now_ms()
    delay_ms = exchange.settings.archive_delay_seconds * 1000
    if market is None or now < file.end_ms + delay_ms:
        return None
    recorded = exchange.source.recorded_zip(file)
    if recorded is not None:
        return recorded
    gaps = exchange.gaps(market)
    rows = exchange.source.rows(market.symbol, gaps, file.interval, file.start_ms, file.end_ms - 1, now, 0)
    if not rows or now <= rows[-1][6] + delay_ms:
        return None
    if file.interval == "1m":
        rows = [row for row in rows if not _in_hole(row, gaps)]
    if any(fault.kind == "republished" for fault in faults):
        rows = corruption.republished(rows)
    return pack(file.name, corrupted(rows, faults, now))


def pack(name: str, rows: list[Row]) -> bytes:
    """A zip with one CSV, no header; time stamps of 2025 and later in microseconds."""
    text = "".join(",".join(map(str, row)) + "\n" for row in map(_stamped, rows))
    buffer = io.BytesIO()
    # The fixed date keeps the bytes, and so the checksum, the same whenever the file is made.
    entry = zipfile.ZipInfo(f"{name}.csv", date_time=(2024, 1, 1, 0, 0, 0))
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(entry, text, zipfile.ZIP_DEFLATED, compresslevel=1)
    return buffer.getvalue()


def not_found(path: str) -> Answer:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
        f"<Message>The specified key does not exist.</Message><Key>{path.lstrip('/')}</Key></Error>"
    )
    return Answer(body.encode(), 404, "application/xml")


def _stamped(row: Row) -> Row:
    if row[0] < _MICROSECONDS_FROM_MS or len(row) < 12:
        return row
    return [row[0] * 1000, *row[1:6], row[6] * 1000 + 999, *row[7:]]


def _in_hole(row: Row, gaps: tuple[Gap, ...]) -> bool:
    return any(gap.kind == "hole" and gap.start <= row[0] // MINUTE_MS < gap.end for gap in gaps)


def _midnight_ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
