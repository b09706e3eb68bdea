"""The public archive: zipped CSV files by day and by month, their checksums, and when they appear."""

import hashlib
import io
import zipfile
from datetime import UTC, datetime

from candlewick.demo import corruption
from candlewick.demo.answers import Answer
from candlewick.demo.archive_paths import ArchiveFile, parse
from candlewick.demo.exchange import Exchange
from candlewick.demo.faults import Fault
from candlewick.demo.rows import Row

# Spot files carry microseconds from this day on.
_MICROSECONDS_FROM_MS = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) * 1000


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
    if recorded is not None and not faults:
        return recorded
    rows = exchange.source.archive_rows(exchange.tape(market), file, now)
    # A week that began in the month is published when the week is over.
    if not rows or now <= rows[-1][6] + delay_ms:
        return None
    if any(fault.kind == "republished" for fault in faults):
        rows = corruption.republished(rows)
    return pack(file.name, corruption.corrupted(rows, faults, now))


def pack(name: str, rows: list[Row]) -> bytes:
    """A zip with one CSV, no header; time stamps of 2025 and later in microseconds."""
    text = "".join(",".join(map(str, row)) + "\n" for row in map(_stamped, rows))
    buffer = io.BytesIO()
    # The fixed date keeps the bytes, and so the checksum, the same whenever the file is made.
    entry = zipfile.ZipInfo(f"{name}.csv", date_time=(2024, 1, 1, 0, 0, 0))
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, text, zipfile.ZIP_DEFLATED, compresslevel=1)
    return buffer.getvalue()


def not_found(path: str) -> Answer:
    """The object store's way to say so."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
        f"<Message>The specified key does not exist.</Message><Key>{path.lstrip('/')}</Key></Error>"
    )
    return Answer(body.encode(), 404, "application/xml")


def _stamped(row: Row) -> Row:
    if row[0] < _MICROSECONDS_FROM_MS:
        return row
    return [row[0] * 1000, *row[1:6], row[6] * 1000 + 999, *row[7:]]
