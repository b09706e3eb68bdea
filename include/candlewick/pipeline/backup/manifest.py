"""How a backup lies in its bucket.

* ``{stamp}/warehouse.sql.gz.00001`` …: the parts of one gzip file. Separate objects, and no multipart upload: each is there
  whole or not at all, neither side holds more than one in memory, and a killed backup leaves nothing invisible that is paid for.
* ``{stamp}/manifest.json``: written last; without it there is no backup.
* ``{stamp}/VERIFIED``: it was restored once, and held what the manifest says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from candlewick.lake.store import LakeError, ObjectMissing

if TYPE_CHECKING:
    from candlewick.lake.store import Lake

FORMAT = 1
MANIFEST, VERIFIED, TEXT = "manifest.json", "VERIFIED", "warehouse.sql.gz"
STAMP_FORMAT = "%Y-%m-%dT%H-%M-%SZ"
LATEST = "latest"
_KEY = re.compile(r"(?P<stamp>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)/(?P<name>[^/]+)")


class Part(msgspec.Struct, frozen=True):
    """One object of the compressed text."""

    key: str
    bytes: int
    sha256: str


class Table(msgspec.Struct, frozen=True):
    """A saved table. ``schema`` is its role, ``raw`` or ``marts``; ``bytes`` are those of its rows as text."""

    schema: str
    name: str
    rows: int
    bytes: int
    checksum: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds. ``taken_at`` is UTC; the snapshot is a few seconds younger."""

    stamp: str
    taken_at: datetime
    run_id: str
    revision: str
    server: str
    program: str
    raw_schema: str
    marts_schema: str
    text_bytes: int
    parts: tuple[Part, ...]
    tables: tuple[Table, ...]
    left_out: tuple[str, ...]
    format: int = FORMAT

    @property
    def bytes(self) -> int:
        """Size in the lake, compressed."""
        return sum(part.bytes for part in self.parts)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)


@dataclass(slots=True)
class Stored:
    """What lies in the bucket under one stamp."""

    stamp: str
    keys: list[str] = field(default_factory=list)

    @property
    def taken_at(self) -> datetime:
        """The stamp as naive UTC."""
        return datetime.strptime(self.stamp, STAMP_FORMAT)  # noqa: DTZ007  # the tables' way: naive UTC

    @property
    def is_whole(self) -> bool:
        """Whether it was finished."""
        return f"{self.stamp}/{MANIFEST}" in self.keys

    @property
    def is_verified(self) -> bool:
        """Whether it was restored once and held what it should."""
        return self.is_whole and f"{self.stamp}/{VERIFIED}" in self.keys


def stamp_of(now: datetime) -> str:
    """Name a backup by the time it is taken at."""
    return now.strftime(STAMP_FORMAT)


def part_key(stamp: str, number: int) -> str:
    """Name the parts of the text in their order, from 1."""
    return f"{stamp}/{TEXT}.{number:05d}"


def stored(lake: Lake) -> list[Stored]:
    """Return what the bucket holds, the oldest first; keys that are no backup's are left out."""
    found: dict[str, Stored] = {}
    for key in lake.keys(lake.config.backup_bucket):
        if match := _KEY.fullmatch(key):
            found.setdefault(match["stamp"], Stored(match["stamp"])).keys.append(key)
    return [found[stamp] for stamp in sorted(found)]


def read(lake: Lake, stamp: str) -> Manifest:
    """Read the manifest of a backup; ``latest`` is the newest whole one.

    Raises:
        LakeError: there is no such backup, or its manifest cannot be read.
    """
    bucket = lake.config.backup_bucket
    if stamp == LATEST:
        whole = [one.stamp for one in stored(lake) if one.is_whole]
        if not whole:
            raise ObjectMissing(f"expected a backup in the bucket {bucket}, found none; make one: make backup")
        stamp = whole[-1]
    try:
        manifest = msgspec.json.decode(lake.get(bucket, f"{stamp}/{MANIFEST}"), type=Manifest)
    except ObjectMissing:
        names = ", ".join(one.stamp for one in stored(lake) if one.is_whole) or "none"
        raise ObjectMissing(
            f"expected a backup of the name {stamp} in the bucket {bucket}; those there are: {names}"
        ) from None
    except msgspec.DecodeError as error:
        raise LakeError(
            f"expected {bucket}/{stamp}/{MANIFEST} to be a backup's manifest, but {error}; choose another backup"
        ) from error
    if manifest.format != FORMAT:
        raise LakeError(
            f"expected a backup of format {FORMAT}, {stamp} is of format {manifest.format}; restore it with the version that made it"
        )
    return manifest
