"""From an archive file's zip to the lines LOAD DATA reads: no object for a row, constant memory.

The CSV is read in blocks. A block that one possessive regular expression over its bytes finds sound goes on as it is;
only one that deviates is looked at line by line. Stamps are milliseconds or microseconds (13 or 16 digits), also mixed;
a header line and empty lines hold no row; lines end in LF or CRLF, the last one perhaps in neither.
"""

from __future__ import annotations

import errno
import re
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, BinaryIO

from candlewick.market import RejectReason
from candlewick.pipeline.convert import KLINE_FIELDS, KLINE_SHAPES, OFFENDING_LIMIT, Converted, Reject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from candlewick.archive_file import ArchiveFile

BLOCK_BYTES = 1 << 18
# A row as published has 80 to 190 bytes; the shapes below allow 330.
ROW_BYTES, SLACK_BYTES = 512, 1 << 16
# Some candles twice are merged later; each line that is none is remembered, so there must not be any number of them.
TIMES_OVER, SLACK_ROWS = 2, 1000
STAMP_MS_DIGITS = 13

_STAMP = rb"\d{13}(?:\d{3})?"
_ROW = b",".join(_STAMP if place in (0, 6) else shape for place, shape in enumerate(KLINE_SHAPES))
# Possessive: a block that fits is read once, one that does not is given up at its first such line.
_BLOCK = re.compile(rb"(?:%b\r?\n)*+" % _ROW)
_LINE = re.compile(rb"%b\r?\n" % _ROW)
_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?[A-Za-z_ \"]+(?:,[A-Za-z_ \"]+)+\r?\n")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack whole blocks at once, however big
# What the zip module raises at damaged bytes and odd headers (RuntimeError: encrypted, or a method it does not know;
# OSError: an offset no file has).
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)


class BadArchive(ValueError):
    """Not a zip with the one CSV it should hold; the message says what it is."""


def normalise(path: Path, file: ArchiveFile, sink: BinaryIO) -> Converted:
    """Write the sound lines of a zipped CSV to ``sink``; return how many there are and what was rejected.

    Args:
        path: the zip.
        file: what it should hold; rows are numbered from 1, empty lines and a header do not count.
        sink: gets lines for ``warehouse.staging.load_csv``.

    Raises:
        BadArchive: when it is damaged, holds anything but this file's CSV, or more text than its period has rows for.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_member(archive, file)) as stream:
            candles = (file.end_ms - file.start_ms) // file.interval.milliseconds
            blocks = _blocks(stream, candles * ROW_BYTES + SLACK_BYTES)
            return _sort_out(blocks, candles * TIMES_OVER + SLACK_ROWS, sink)
    except BadArchive:
        raise
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # a full disk is not the file's fault
            raise
        raise BadArchive(f"expected a zip with {file.name}.csv, got {type(error).__name__}: {error}") from error


def _member(archive: zipfile.ZipFile, file: ArchiveFile) -> zipfile.ZipInfo:
    """Return the one CSV; its name is all that says which series and period the rows belong to."""
    members = archive.infolist()
    names = [member.filename for member in members]
    if names != [f"{file.name}.csv"]:
        raise BadArchive(f"expected a zip with {file.name}.csv alone, got {len(names)} members: {names[:3]}")
    if members[0].compress_type not in _METHODS:
        raise BadArchive(f"expected a stored or deflated {names[0]}, got compression {members[0].compress_type}")
    return members[0]


def _blocks(stream: IO[bytes], most: int) -> Iterator[bytes]:
    """Yield whole lines, about a block at a time; the last line is ended if it was not.

    Of at most so many bytes: a small zip can unpack to anything.
    """
    rest, size = b"", 0
    while chunk := stream.read(BLOCK_BYTES):
        size += len(chunk)
        if size > most:
            raise BadArchive(f"expected at most {most} bytes of CSV in a file of this period, got more")
        end = chunk.rfind(b"\n") + 1
        if end:
            yield rest + chunk[:end]
            rest = chunk[end:]
        else:
            rest += chunk
    if rest:
        yield rest + b"\n"


def _sort_out(blocks: Iterator[bytes], most: int, sink: BinaryIO) -> Converted:
    out = Converted()
    seen = 0
    for place, block in enumerate(blocks):
        header = _HEADER.match(block) if place == 0 else None
        body = block[header.end() :] if header else block
        if _BLOCK.fullmatch(body):
            sink.write(body)
            rows = body.count(b"\n")
            out.staged += rows
            seen += rows
        else:
            seen = _line_by_line(body, seen, out, sink)
        if seen > most:
            raise BadArchive(f"expected at most {most} rows in a file of this period, got more")
    return out


def _line_by_line(body: bytes, seen: int, out: Converted, sink: BinaryIO) -> int:
    """Take the sound lines, name the others; return the number of the last row seen."""
    for line in body.split(b"\n")[:-1]:
        if not line.strip():
            continue
        seen += 1
        if _LINE.fullmatch(line + b"\n"):
            sink.write(line + b"\n")
            out.staged += 1
            continue
        fields = line.split(b",")
        reason = RejectReason.NOT_A_NUMBER if len(fields) == KLINE_FIELDS else RejectReason.FIELD_COUNT
        text = line.rstrip(b"\r").decode("utf-8", "backslashreplace")
        out.rejects.append(Reject(seen, reason, text[:OFFENDING_LIMIT], _open_ms(fields[0])))
    return seen


def _open_ms(field: bytes) -> int | None:
    return int(field[:STAMP_MS_DIGITS]) if re.fullmatch(_STAMP, field) else None
