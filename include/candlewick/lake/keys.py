"""How objects are named, in the bucket of payloads as received and in the archive. Stamps are of the capture, in ms, UTC.

* answers: ``{date}/{symbol}_{data_type}_{captured_at}[_p{page}].json``;
* answers nobody asked to load: ``evidence/`` and the same name; a rebuild leaves them alone;
* archive files: ``archive/`` and the archive's own path, each edition with its own stamp:
  ``archive/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2023-03_1700000000000.zip``, its checksum beside it;
* archive files that are not what their checksum says: ``refused/``, named likewise;
* in the archive: bundles of a day's answers, ``{date}/{symbol}_{data_type}_{date}_{12 hex of the members' keys}.tar.gz``.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from candlewick.archive_file import ArchiveFile
from candlewick.market import DataType, Interval

if TYPE_CHECKING:
    from collections.abc import Iterable

ARCHIVE, REFUSED, EVIDENCE = "archive", "refused", "evidence"
CHECKSUM_SUFFIX = ".CHECKSUM"
_PUBLISHED_UNDER = "data/"
_RAW = re.compile(
    r"(?:\d{4}-\d{2}-\d{2}/)?(?P<symbol>[^\s/]+)_(?P<data_type>[a-z]+)(?:-(?P<interval>\d+[mhd]))?"
    r"_(?P<stamp>\d{1,13})(?:_p(?P<page>\d{1,9}))?\.json"
)
_BUNDLE = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})/(?P<symbol>[^\s/]+)_(?P<data_type>[a-z]+)(?:-(?P<interval>\d+[mhd]))?"
    r"_(?P=date)_(?P<digest>[0-9a-f]{12})\.tar\.gz"
)
_EDITION = re.compile(r"(?P<name>[^\s/]+)_(?P<stamp>\d{1,13})\.zip")


@dataclass(frozen=True, slots=True)
class RawKey:
    """What the key of an answer says about it; ``interval`` is None for books."""

    symbol: str
    data_type: DataType
    interval: Interval | None
    captured_at_ms: int
    page: int = 1


@dataclass(frozen=True, slots=True)
class BundleKey:
    """What the key of a bundle says about it; ``interval`` is None for books."""

    symbol: str
    data_type: DataType
    interval: Interval | None
    date: date


def data_type_label(data_type: DataType, interval: Interval | None) -> str:
    """Name the data type in a key: ``klines`` is the minute; other intervals are told apart (``klines-1h``)."""
    if interval is None or interval is Interval.MINUTE_1:
        return data_type.value
    return f"{data_type.value}-{interval.value}"


def raw_key(symbol: str, data_type: DataType, interval: Interval | None, captured_at_ms: int, page: int = 1) -> str:
    """Name a payload. The first page bears no suffix; later pages of the same question bear theirs."""
    date = datetime.fromtimestamp(captured_at_ms / 1000, UTC).strftime("%Y-%m-%d")
    suffix = "" if page == 1 else f"_p{page}"
    return f"{date}/{symbol}_{data_type_label(data_type, interval)}_{captured_at_ms}{suffix}.json"


def evidence_key(key: str) -> str:
    """Name a payload that is evidence and nothing else, from what ``raw_key`` calls it."""
    return f"{EVIDENCE}/{key}"


def parse_raw_key(key: str) -> RawKey | None:
    """Read the name of an answer, with or without the folder of its date; None for any other name."""
    found = _RAW.fullmatch(key)
    kind = _kind(found) if found else None
    if not found or not kind:
        return None
    return RawKey(found["symbol"], *kind, int(found["stamp"]), int(found["page"] or 1))


def raw_prefix(symbol: str, data_type: DataType, interval: Interval | None, day: date) -> str:
    """Return what the keys of a series' answers of a day begin with."""
    return f"{day}/{symbol}_{data_type_label(data_type, interval)}_"


def bundle_key(
    symbol: str, data_type: DataType, interval: Interval | None, day: date, object_keys: Iterable[str]
) -> str:
    """Name a bundle by its members: the same ones have the same name, one more makes another."""
    digest = hashlib.sha256("\n".join(sorted(object_keys)).encode()).hexdigest()[:12]
    return f"{raw_prefix(symbol, data_type, interval, day)}{day}_{digest}.tar.gz"


def parse_bundle_key(key: str) -> BundleKey | None:
    """Read the name of a bundle; None for any other name."""
    found = _BUNDLE.fullmatch(key)
    kind = _kind(found) if found else None
    if not found or not kind:
        return None
    try:
        return BundleKey(found["symbol"], *kind, date.fromisoformat(found["date"]))
    except ValueError:
        return None


def _kind(found: re.Match[str]) -> tuple[DataType, Interval | None] | None:
    if found["data_type"] not in set(DataType):
        return None
    data_type, code = DataType(found["data_type"]), found["interval"]
    if code is not None and (data_type is DataType.DEPTH or code not in set(Interval)):
        return None
    return data_type, Interval(code or Interval.MINUTE_1) if data_type is DataType.KLINES else None


def archive_key(file: ArchiveFile, captured_at_ms: int) -> str:
    """Name an edition of an archive file; ``checksum_key`` of it names the checksum as published."""
    return _edition(ARCHIVE, file, captured_at_ms)


def refused_key(file: ArchiveFile, captured_at_ms: int) -> str:
    """Name an archive file that was not what its checksum says."""
    return _edition(REFUSED, file, captured_at_ms)


def checksum_key(key: str) -> str:
    """Name the checksum beside an archive file."""
    return key + CHECKSUM_SUFFIX


def parse_archive_key(key: str) -> tuple[ArchiveFile, int] | None:
    """Return the file and the capture of an edition's key; None for any other key, checksums and refused ones too."""
    path = PurePosixPath(key)
    found = _EDITION.fullmatch(path.name)
    file = ArchiveFile.named(found["name"]) if found else None
    if not found or file is None or archive_key(file, int(found["stamp"])) != key:
        return None
    return file, int(found["stamp"])


def _edition(prefix: str, file: ArchiveFile, captured_at_ms: int) -> str:
    path = file.path.removeprefix(_PUBLISHED_UNDER).removesuffix(".zip")
    return f"{prefix}/{path}_{captured_at_ms}.zip"
