"""A bundle: a day's answers of a series in one ``.tar.gz``, the same bytes for the same answers.

Each member is named by its object's key and dated by its capture, so ``tar`` alone brings every answer back under the
name it had. Nothing of the machine or the moment is in it: no owner, no time of packing.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.lake.store import LakeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from candlewick.lake.store import Lake

LEVEL = 6
CHUNK_BYTES = 1 << 18
_DAMAGE = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile)


class DamagedBundle(LakeError):
    """A bundle is not what its row says, or cannot be unpacked; trying again will not help."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A bundle that was written: its members' sha256 by key, their bytes, and the compressed file's bytes and sha256."""

    digests: dict[str, str]
    source_bytes: int
    bundle_bytes: int
    sha256: str


class BundleWriter:
    """Packs answers into a seekable file, in the order they come; memory does not grow with them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._gzip = gzip.GzipFile(filename="", mode="wb", compresslevel=LEVEL, fileobj=file, mtime=0)
        self._digests: dict[str, str] = {}
        self._source_bytes = 0

    def add(self, key: str, captured_at_ms: int, payload: bytes) -> str:
        """Append an answer; return its sha256."""
        member = tarfile.TarInfo(key)
        member.size = len(payload)
        member.mtime = captured_at_ms // 1000
        padding = -len(payload) % tarfile.BLOCKSIZE
        self._gzip.write(b"".join((member.tobuf(tarfile.PAX_FORMAT), payload, bytes(padding))))
        digest = hashlib.sha256(payload).hexdigest()
        self._digests[key] = digest
        self._source_bytes += len(payload)
        return digest

    def close(self) -> Packed:
        """End the archive; the file stands at its beginning."""
        self._gzip.write(bytes(2 * tarfile.BLOCKSIZE))
        self._gzip.close()
        size = self._file.tell()
        self._file.seek(0)
        digest = hashlib.sha256()
        while chunk := self._file.read(CHUNK_BYTES):
            digest.update(chunk)
        self._file.seek(0)
        return Packed(self._digests, self._source_bytes, size, digest.hexdigest())


def members(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Read a bundle from its beginning to its end: keys and answers.

    Raises:
        DamagedBundle: it ends early, its checksum is wrong, or it is no such file.
    """
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as unzipped, tarfile.open(fileobj=unzipped, mode="r|") as archive:
            for member in archive:
                found = archive.extractfile(member)
                if found is None:
                    raise DamagedBundle(f"expected a file in the bundle, got {member.name}, which is none")
                yield member.name, found.read()
                archive.members.clear()  # type: ignore[attr-defined]  # it would remember every member
            while unzipped.read(CHUNK_BYTES):  # the end of the archive is not yet the file's, where the checksum stands
                pass
    except _DAMAGE as error:
        raise DamagedBundle(f"expected a .tar.gz, got one that cannot be unpacked ({error})") from error


def fetch(lake: Lake, bucket: str, key: str, file: BinaryIO, sha256: str | None = None) -> str:
    """Copy a bundle from the lake into a file, which then stands at its beginning; return the sha256.

    Raises:
        DamagedBundle: its sha256 is another than expected.
        LakeError: it cannot be read.
    """
    found = lake.read_into(bucket, key, file)
    if sha256 is not None and found != sha256:
        raise DamagedBundle(f"expected {bucket}/{key} with the sha256 {sha256}, got {found}; bring back a copy of it")
    file.seek(0)
    return found
