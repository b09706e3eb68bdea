"""Open bundles: a few are unpacked in a folder of this process, so that many answers of one cost one download."""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from typing import TYPE_CHECKING

from candlewick.lake.bundle import fetch, members
from candlewick.lake.store import ObjectMissing

if TYPE_CHECKING:
    from typing import BinaryIO, Self

    from candlewick.lake.store import Lake

MOST_OPEN = 4


class Shelf:
    """The bundles used last; on disk, not in memory. A context manager; for one thread at a time."""

    def __init__(self, lake: Lake, most_open: int = MOST_OPEN) -> None:
        self._lake, self._most = lake, most_open
        self._open: OrderedDict[tuple[str, str], tuple[BinaryIO, dict[str, tuple[int, int]]]] = OrderedDict()
        self.opened = 0
        """Bundles that were fetched so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._open:
            self._close_oldest()

    def read(self, bucket: str, bundle_key: str, object_key: str) -> bytes:
        """Return an answer as it was captured.

        Raises:
            ObjectMissing: the bundle, or the answer in it, is not there.
            DamagedBundle: the bundle cannot be unpacked.
            LakeError: it cannot be read now.
        """
        file, places = self._bundle(bucket, bundle_key)
        if object_key not in places:
            raise ObjectMissing(f"expected {object_key} in the bundle {bucket}/{bundle_key}, which has no such member")
        offset, size = places[object_key]
        file.seek(offset)
        return file.read(size)

    def _bundle(self, bucket: str, key: str) -> tuple[BinaryIO, dict[str, tuple[int, int]]]:
        name = bucket, key
        if name in self._open:
            self._open.move_to_end(name)
        else:
            self._open[name] = self._unpacked(bucket, key)
            self.opened += 1
            if len(self._open) > self._most:
                self._close_oldest()
        return self._open[name]

    def _unpacked(self, bucket: str, key: str) -> tuple[BinaryIO, dict[str, tuple[int, int]]]:
        """Write the answers of a bundle one behind the other, and remember where each begins."""
        places: dict[str, tuple[int, int]] = {}
        file = tempfile.TemporaryFile(prefix="candlewick-")  # noqa: SIM115 -- stays open on the shelf
        try:
            with tempfile.TemporaryFile(prefix="candlewick-") as packed:
                fetch(self._lake, bucket, key, packed)
                for object_key, payload in members(packed):
                    places[object_key] = file.tell(), len(payload)
                    file.write(payload)
        except BaseException:
            file.close()
            raise
        return file, places

    def _close_oldest(self) -> None:
        _, (file, _) = self._open.popitem(last=False)
        file.close()
