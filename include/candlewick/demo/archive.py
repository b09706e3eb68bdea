"""The public archive: zipped CSV files by day and by month, their checksums, and when they appear."""

import hashlib
import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from wsgiref.handlers import format_date_time

from candlewick.demo import corruption
from candlewick.demo.answers import Answer, no_such_key
from candlewick.demo.archive_paths import ArchiveFile, parse
from candlewick.demo.exchange import Exchange
from candlewick.demo.faults import ROWS, Fault
from candlewick.demo.intervals import DAY_MS
from candlewick.demo.rows import Row
from candlewick.demo.source import Source
from candlewick.demo.tape import Tape

# Spot files carry microseconds from this day on.
_MICROSECONDS_FROM_MS = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) * 1000
# No file is still being added to so long after its period.
_SETTLED_MS = 32 * DAY_MS
_HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n"
_CONTENT_FAULTS = (*ROWS, "truncated", "header")


def answer(exchange: Exchange, path: str, faults: list[Fault], known: str = "") -> Answer:
    """The zip or its checksum; 304 when it is ``known`` (an ETag); the archive's 404 while there is none."""
    file = parse(path)
    content = zip_bytes(exchange, file, faults) if file else None
    if file is None or content is None:
        return no_such_key(path)
    corrupt = next((fault for fault in faults if fault.kind == "corrupt_zip"), None)
    if corrupt and not (file.is_checksum and corrupt.checksum_of == "true"):
        content = corruption.damaged(content)
    found = _checksum(file, content, faults) if file.is_checksum else Answer(content, media_type="application/zip")
    headers = _headers(exchange, file, found.body, faults)
    if known == headers["ETag"]:
        return Answer(status=304, media_type=found.media_type, headers=headers)
    found.headers = headers
    return found


def zip_bytes(exchange: Exchange, file: ArchiveFile, faults: list[Fault]) -> bytes | None:
    """The file's bytes, the same in every process; None before it is published."""
    market, now = exchange.markets.get(file.symbol), exchange.clock.now_ms()
    delay_ms = exchange.settings.archive_delay_seconds * 1000
    if market is None or now < file.end_ms + delay_ms:
        return None
    faults = [fault for fault in faults if fault.kind in _CONTENT_FAULTS]
    file, tape = replace(file, is_checksum=False), exchange.tape(market)
    if faults:
        return _made(exchange.source, tape, file, now, delay_ms, faults)
    return _published(exchange.source, tape, file, min(now, file.end_ms + delay_ms + _SETTLED_MS), delay_ms)


@lru_cache(maxsize=16)  # the checksum of a file and the file are asked for one after the other
def _published(source: Source, tape: Tape, file: ArchiveFile, now_ms: int, delay_ms: int) -> bytes | None:
    recorded = source.recorded_zip(file)
    return recorded if recorded is not None else _made(source, tape, file, now_ms, delay_ms, [])


def _made(
    source: Source, tape: Tape, file: ArchiveFile, now_ms: int, delay_ms: int, faults: list[Fault]
) -> bytes | None:
    rows = source.archive_rows(tape, file, now_ms)
    # A week that began in the month is published when the week is over.
    if not rows or now_ms <= rows[-1][6] + delay_ms:
        return None
    kinds = {fault.kind for fault in faults}
    if "republished" in kinds:
        rows = corruption.republished(rows)
    return pack(file.name, corruption.corrupted(rows, faults, now_ms), _HEADER if "header" in kinds else "")


def pack(name: str, rows: list[Row], header: str = "") -> bytes:
    """A zip with one CSV; time stamps of 2025 and later in microseconds."""
    text = header + "".join(",".join(map(str, row)) + "\n" for row in map(_stamped, rows))
    buffer = io.BytesIO()
    # The fixed date keeps the bytes, and so the checksum, the same whenever the file is made.
    entry = zipfile.ZipInfo(f"{name}.csv", date_time=(2024, 1, 1, 0, 0, 0))
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, text, zipfile.ZIP_DEFLATED, compresslevel=1)
    return buffer.getvalue()


def _checksum(file: ArchiveFile, content: bytes, faults: list[Fault]) -> Answer:
    kinds = {fault.kind for fault in faults}
    digest = hashlib.sha256(content).hexdigest()
    if "bad_checksum" in kinds:
        digest = digest[::-1]
    end = "" if "bare_checksum" in kinds else "\n"
    return Answer(f"{digest}  {file.name}.zip{end}".encode(), media_type="binary/octet-stream")


def _headers(exchange: Exchange, file: ArchiveFile, body: bytes, faults: list[Fault]) -> dict[str, str]:
    """What an object store says of a file: published as soon as it could be, a day later when it was once more."""
    published_ms = file.end_ms + exchange.settings.archive_delay_seconds * 1000
    if any(fault.kind == "republished" for fault in faults):
        published_ms += DAY_MS
    tag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return {"ETag": f'"{tag}"', "Last-Modified": format_date_time(published_ms // 1000)}


def _stamped(row: Row) -> Row:
    if row[0] < _MICROSECONDS_FROM_MS:
        return row
    return [row[0] * 1000, *row[1:6], row[6] * 1000 + 999, *row[7:]]
