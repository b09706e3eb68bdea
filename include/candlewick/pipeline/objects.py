"""Answers out of the lake wherever they lie by now: as received, in the archive, or in a bundle of it.

An answer that is archived between the moment somebody looked up its place and the moment it is read is looked up once
more: a load must not call missing what has only moved.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from candlewick.lake.shelf import Shelf
from candlewick.lake.store import LakeError, ObjectMissing
from candlewick.warehouse import outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from candlewick.lake.store import Lake
    from candlewick.warehouse.database import Warehouse
    from candlewick.warehouse.outcomes import LoadableObject

Payload = bytes | LakeError | None
"""An answer, why it cannot be read now, or None: it is not there."""


class ObjectReader:
    """Reads answers, many at once; a context manager. Bundles stay open between its calls."""

    def __init__(self, lake: Lake, warehouse: Warehouse) -> None:
        self.lake, self._warehouse = lake, warehouse
        self._shelf = Shelf(lake)
        self._pool = ThreadPoolExecutor(warehouse.config.lake_concurrency, thread_name_prefix="lake")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._shelf.__exit__(*error)

    def read(self, batch: Sequence[LoadableObject]) -> list[Payload]:
        """Read objects that hold answers, in order."""
        found = self._read(batch)
        if gone := [one for one in batch if found[one.object_id] is None]:
            found.update(self._read(self._moved(gone)))
        return [found[one.object_id] for one in batch]

    def _read(self, batch: Sequence[LoadableObject]) -> dict[int, Payload]:
        loose = [one for one in batch if one.bundle_key is None]
        found = dict(zip((one.object_id for one in loose), self._pool.map(self._loose, loose), strict=True))
        unreadable: dict[str, LakeError] = {}  # what cannot be read now is not asked for again for each of its answers
        for one in sorted(batch, key=lambda one: one.bundle_key or ""):
            if (key := one.bundle_key) is not None:
                payload = unreadable[key] if key in unreadable else self._bundled(one, key)
                if isinstance(payload, LakeError):
                    unreadable[key] = payload
                found[one.object_id] = payload
        return found

    def _loose(self, one: LoadableObject) -> Payload:
        return _payload(self.lake.get, one.bucket, one.object_key)

    def _bundled(self, one: LoadableObject, bundle_key: str) -> Payload:
        return _payload(self._shelf.read, one.bucket, bundle_key, one.object_key)

    def _moved(self, gone: Sequence[LoadableObject]) -> list[LoadableObject]:
        """Return those that lie elsewhere by now."""
        with self._warehouse.session() as session:
            now = outcomes.numbered(session, [one.object_id for one in gone])
        places = {one.object_id: (one.bucket, one.bundle_key) for one in gone}
        return [one for one in now if places[one.object_id] != (one.bucket, one.bundle_key)]


def _payload(read: Callable[..., bytes], *place: str) -> Payload:
    try:
        return read(*place)
    except ObjectMissing:
        return None
    except LakeError as error:
        return error
