"""The compressed text of a backup as objects of bounded size, each read back as soon as it is written."""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from candlewick.lake.store import LakeError
from candlewick.pipeline.backup.manifest import MANIFEST, Part, part_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from candlewick.lake.store import Lake
    from candlewick.pipeline.backup.manifest import Manifest, Stored

PART_BYTES = 32 << 20
LEVEL = 3  # of 9: twice as fast as the default for a tenth more bytes
SLICE_BYTES = 1 << 18  # unpacked at a time
GZIP = 31  # zlib's window bits of the gzip format


class Parts:
    """A gzip file cut into objects. Holds one of them in memory."""

    def __init__(self, lake: Lake, stamp: str) -> None:
        self._lake, self._stamp = lake, stamp
        self._packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        self._waiting = bytearray()
        self._done: list[Part] = []

    def write(self, chunk: bytes) -> None:
        """Compress and, when there is enough for one, put an object."""
        self._waiting += self._packer.compress(chunk)
        if len(self._waiting) >= PART_BYTES:
            self._put()

    def finish(self) -> tuple[Part, ...]:
        """Put what is left; return all parts."""
        self._waiting += self._packer.flush()
        self._put()
        return tuple(self._done)

    def _put(self) -> None:
        bucket, key = self._lake.config.backup_bucket, part_key(self._stamp, len(self._done) + 1)
        part = Part(key=key, bytes=len(self._waiting), sha256=hashlib.sha256(self._waiting).hexdigest())
        self._lake.put(bucket, key, bytes(self._waiting))
        self._waiting.clear()
        check(self._lake, part)
        self._done.append(part)


def check(lake: Lake, part: Part) -> None:
    """Read a part.

    Raises:
        LakeError: it is not what it was; ObjectMissing when it is not there.
    """
    with Path(os.devnull).open("wb") as nowhere:
        found = lake.read_into(lake.config.backup_bucket, part.key, nowhere)
    if found != part.sha256:
        raise LakeError(
            f"expected {lake.config.backup_bucket}/{part.key} with the sha256 {part.sha256}, found {found}; "
            "the object is damaged, use another backup"
        )


def text(lake: Lake, manifest: Manifest) -> Iterator[bytes]:
    """Yield the text of a backup, piece by piece; one part is in memory.

    Raises:
        LakeError: it does not end as a gzip file does.
    """
    unpacker = zlib.decompressobj(GZIP)
    for part in manifest.parts:
        packed = lake.get(lake.config.backup_bucket, part.key)
        for start in range(0, len(packed), SLICE_BYTES):
            yield unpacker.decompress(packed[start : start + SLICE_BYTES])
    yield unpacker.flush()
    if not unpacker.eof:
        raise LakeError(
            f"expected the end of the backup {manifest.stamp}, its last part is cut off; use another backup"
        )


def remove(lake: Lake, backup: Stored) -> int:
    """Delete a backup's objects, the manifest first: killed in between, what is left is no backup. Return how many.

    Raises:
        LakeError: the store keeps one.
    """
    bucket = lake.config.backup_bucket
    first = [key for key in backup.keys if key.endswith(MANIFEST)]
    for keys in (first, [key for key in backup.keys if key not in first]):
        for key, reason in (lake.delete_many(bucket, keys) if keys else {}).items():
            raise LakeError(
                f"expected to delete {bucket}/{key}, but the object store refused ({reason}); check its rights"
            )
    return len(backup.keys)
