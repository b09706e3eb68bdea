"""How full the stores are, and what is given up in which order before one is full.

Backfills and gap fetches stop first, then people are warned, at last no order books are captured; candles go on as long as
the stores take them. Cheap enough for every minute: the newest sizes that were sampled (hourly), and the disk as it is.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from candlewick.warehouse.database import WarehouseError
from candlewick.warehouse.storage import DISK, WAREHOUSE

if TYPE_CHECKING:
    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session

GIGABYTE = 10**9
LAKE = "lake"


class NoRoom(WarehouseError):
    """A store is so full that history has to wait; trying again at once gives the same."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How much of one store is taken."""

    what: str
    bytes: int
    capacity: int
    free_bytes: int | None = None  # of a disk, which others fill too

    @property
    def share(self) -> float:
        """From 0, empty; above 1 when it holds more than it was given."""
        return self.bytes / self.capacity

    def __str__(self) -> str:
        sizes = f"{self.bytes / GIGABYTE:,.1f} of {self.capacity / GIGABYTE:,.1f} GB"
        if self.free_bytes is not None:
            sizes = f"{self.free_bytes / GIGABYTE:,.1f} GB free; {self.capacity / GIGABYTE:,.1f} GB count as empty"
        return f"{self.what} is {self.share:.0%} full ({sizes})"


@dataclass(frozen=True, slots=True)
class Room:
    """The fullest of the stores, None where no size is known; and what that means."""

    fullest: Measure | None
    config: Settings

    @property
    def share(self) -> float:
        """Its share."""
        return self.fullest.share if self.fullest else 0.0

    @property
    def stops_backfills(self) -> bool:
        """Whether history has to wait."""
        return self.share >= self.config.stop_backfills_share

    @property
    def warns(self) -> bool:
        """Whether people should act."""
        return self.share >= self.config.warn_share

    @property
    def stops_depth(self) -> bool:
        """Whether no order books are captured any more."""
        return self.share >= self.config.stop_depth_share

    @property
    def history_waits(self) -> str:
        """Return why history has to wait, as a sentence."""
        return (
            f"expected room for history, but {self.fullest} and backfills stop at {self.config.stop_backfills_share:.0%}: "
            "make room (docs/storage.md), what is left to do stays as it is"
        )

    def demand_backfill(self) -> None:
        """Go on only while there is room for history.

        Raises:
            NoRoom: with the sentence.
        """
        if self.stops_backfills:
            raise NoRoom(self.history_waits)


def look(session: Session, config: Settings) -> Room:
    """Measure: one query and, where a store is this machine's own, one look at its disk."""
    rows = session.all(
        "SELECT @@datadir, s.store, SUM(s.byte_count), MAX(s.capacity_bytes) FROM (SELECT 1 AS one) AS always "
        "LEFT JOIN storage_samples AS s ON s.sampled_at = (SELECT MAX(newest.sampled_at) FROM storage_samples AS newest) "
        "GROUP BY s.store"
    )
    sizes: dict[str, tuple[int, int]] = {WAREHOUSE: (0, 0), LAKE: (0, 0)}
    for _, store, size, capacity in rows:
        if store not in (None, DISK):
            name = WAREHOUSE if store == WAREHOUSE else LAKE
            sizes[name] = sizes[name][0] + int(size), max(sizes[name][1], int(capacity or 0))
    measures = []
    for name, given in ((WAREHOUSE, config.warehouse_capacity_gigabytes), (LAKE, config.lake_capacity_gigabytes)):
        size, sampled = sizes[name]
        if capacity := int(given * GIGABYTE) or sampled:
            measures.append(Measure(f"the {name}", size, capacity))
    if disk := private_disk(config, str(rows[0][0])):
        measures.append(counted(disk, config))
    return Room(max(measures, key=lambda one: one.share, default=None), config)


def private_disk(config: Settings, data_folder: str) -> Measure | None:
    """Return the disk under the home folder when a store of ours lies on it; None when both are elsewhere.

    Args:
        config: names the home folder.
        data_folder: where the server keeps its tables (``@@datadir``).
    """
    if not (is_private_server(config, data_folder) or is_private_lake(config)):
        return None
    usage = shutil.disk_usage(config.home)
    return Measure(f"the disk under {config.home}", usage.total - usage.free, usage.total)


def counted(disk: Measure, config: Settings) -> Measure:
    """Measure a disk by what is free of it: most of a large one may be taken by others while there is plenty left."""
    free = disk.capacity - disk.bytes
    capacity = min(disk.capacity, int(config.disk_room_gigabytes * GIGABYTE))
    return Measure(disk.what, max(0, capacity - free), capacity, free)


def is_private_server(config: Settings, data_folder: str) -> bool:
    """Whether the server's tables lie under the home folder."""
    folder = Path(data_folder)
    return folder.is_dir() and folder.resolve().is_relative_to(config.home.resolve())


def is_private_lake(config: Settings) -> bool:
    """Whether the launcher's object store lies under the home folder."""
    return any((config.home / "data").glob(f"*/s3/{config.raw_bucket}"))
