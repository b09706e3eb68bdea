"""Archive files as the exchange publishes them, made for a test: rows, zips, and editions in the lake that are queued."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import date, datetime

from candlewick.archive_file import ArchiveFile
from candlewick.demo.market import candles
from candlewick.lake.keys import archive_key, checksum_key
from candlewick.market import DataType, Interval, Lane
from candlewick.warehouse import outcomes
from candlewick.warehouse.database import from_ms

MICROSECONDS_FROM = date(2025, 1, 1)
SEED = 7


def rows_of(file: ArchiveFile) -> list[list[object]]:
    """Every candle of the file's period, stamps in ms."""
    return candles(SEED, file.symbol, file.interval.value, file.start_ms, file.end_ms - 1, file.end_ms + 1)


def csv_of(rows: list[list[object]], *, microseconds: bool = False) -> bytes:
    """Lines as published: stamps in ms, or in µs with close = open + interval - 1 µs."""
    lines = []
    for row in rows:
        stamps = (row[0] * 1000, row[6] * 1000 + 999) if microseconds else (row[0], row[6])
        lines.append(",".join(map(str, [stamps[0], *row[1:6], stamps[1], *row[7:]])) + "\n")
    return "".join(lines).encode()


def published(file: ArchiveFile, rows: list[list[object]] | None = None) -> bytes:
    """The zip of a file as the archive has it; microseconds from 2025 on."""
    text = csv_of(rows_of(file) if rows is None else rows, microseconds=file.period_start >= MICROSECONDS_FROM)
    return zipped(text, f"{file.name}.csv")


def zipped(text: bytes, name: str) -> bytes:
    """A zip with one member."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def keep(warehouse, lake, file: ArchiveFile, content: bytes | None = None, *, captured: str = "2026-01-01") -> int:
    """Put an edition into the lake with its checksum and queue it, as a fetch does; return its object_id."""
    content = published(file) if content is None else content
    captured_at = datetime.fromisoformat(captured)
    key = archive_key(file, int((captured_at - datetime(1970, 1, 1)).total_seconds() * 1000))
    digest = hashlib.sha256(content).hexdigest()
    lake.put(lake.config.raw_bucket, key, content)
    lake.put(lake.config.raw_bucket, checksum_key(key), f"{digest}  {file.name}.zip\n".encode())
    outcome = outcomes.Outcome(
        exchange=warehouse.config.exchange, symbol=file.symbol, data_type=DataType.KLINES,
        interval_code=file.interval.value, run_id="fetch", shard=file.name, page=1, status="stored",
        source=file.granularity.source, captured_at=captured_at, load_state="pending", lane=Lane.BACKFILL,
        bucket=lake.config.raw_bucket, object_key=key, payload_bytes=len(content), sha256=digest,
        first_open_time=from_ms(file.start_ms), last_open_time=from_ms(file.end_ms - file.interval.milliseconds),
        exchange_time=from_ms(file.end_ms),
    )  # fmt: skip
    with warehouse.session() as session:
        outcomes.record(session, [outcome])
        (one,) = outcomes.named(session, [key])
        session.run(
            "REPLACE INTO archive_files (exchange, symbol, interval_code, granularity, period_start, path, state, checksum, "
            "object_id, editions, checked_at) VALUES (%s, %s, %s, %s, %s, %s, 'stored', %s, %s, 1, %s)",
            (outcome.exchange, file.symbol, file.interval.value, file.granularity.value, file.period_start, file.path,
             digest, one.object_id, captured_at),
        )  # fmt: skip
    return one.object_id


def month(text: str = "2023-03", symbol: str = "BTCUSDT", interval: Interval = Interval.HOUR_1) -> ArchiveFile:
    """The file of a month; hours by default: 744 rows make a quick test."""
    return ArchiveFile.of_month(symbol, interval, date.fromisoformat(f"{text}-01"))


def day(text: str = "2023-03-24", symbol: str = "BTCUSDT", interval: Interval = Interval.MINUTE_1) -> ArchiveFile:
    """The file of a day."""
    return ArchiveFile.of_day(symbol, interval, date.fromisoformat(text))
