"""Write down how large everything is: tables, buckets, the disk of a private server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.warehouse import ageing, ages, room, storage
from candlewick.warehouse.holding import Holding
from candlewick.warehouse.lifecycle import Store
from candlewick.warehouse.room import GIGABYTE
from candlewick.warehouse.storage import DISK, WAREHOUSE, Sample

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.lake.store import Lake
    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session, Warehouse


@dataclass(frozen=True, slots=True)
class SizesSummary:
    """One sampling."""

    samples: tuple[Sample, ...]

    @property
    def sentence(self) -> str:
        """The summary, for the log."""
        tables = [sample for sample in self.samples if sample.store == WAREHOUSE]
        told = [f"{len(tables)} tables with {_megabytes(sum(sample.byte_count for sample in tables))}"]
        for sample in self.samples:
            if sample.store == DISK:
                told.append(f"the disk under {sample.name} {_megabytes(sample.byte_count)}")
            elif sample.store != WAREHOUSE:
                told.append(f"{sample.name} {sample.object_count} objects with {_megabytes(sample.byte_count)}")
        return "; ".join(told)


def sample(warehouse: Warehouse, config: Settings, now: datetime, *, lake: Lake | None = None) -> SizesSummary:
    """Write one sampling.

    Args:
        warehouse: the writer's account.
        config: names schemas, buckets and capacities.
        now: naive UTC; the sampling's stamp.
        lake: given once a week: the buckets are then counted anew, without the sampling before.

    Raises:
        WarehouseError, LakeError: a store does not answer; nothing was written.
    """
    with warehouse.session() as session:
        summary = SizesSummary((*_tables(session, config), *_buckets(session, config, now, lake)))
        if disk := room.private_disk(config, _data_folder(session)):
            own = Sample(store=DISK, name=str(config.home), byte_count=disk.bytes, capacity_bytes=disk.capacity)
            summary = SizesSummary((*summary.samples, own))
        storage.record(session, summary.samples, now)
    return summary


def _tables(session: Session, config: Settings) -> list[Sample]:
    capacity = int(config.warehouse_capacity_gigabytes * GIGABYTE) or None
    data_folder = _data_folder(session)
    if capacity is None and room.is_private_server(config, data_folder):
        disk = room.private_disk(config, data_folder)
        capacity = disk.capacity if disk else None
    sizes = storage.table_sizes(session, config)
    stamps = ages.of_tables(session, config, sizes)
    return [
        Sample(
            store=WAREHOUSE, name=table.full_name, byte_count=table.bytes, row_count=table.rows,
            capacity_bytes=capacity, oldest=stamps.get(table.full_name, (None, None))[0],
            newest=stamps.get(table.full_name, (None, None))[1],
        )
        for table in sizes
    ]  # fmt: skip


def _buckets(session: Session, config: Settings, now: datetime, lake: Lake | None) -> list[Sample]:
    before = storage.newest_sampling(session, now)
    held = storage.held_at(session, before) if before else {}
    if before and held and lake is None:
        found = _carried_on(session, config, held, before, now)
    else:
        raw, archive = ageing.totals(session, config)
        backups = _listed(lake) if lake else Holding()
        found = {Store.RAW: raw, Store.ARCHIVE: archive, Store.BACKUP: backups}
    capacity = int(config.lake_capacity_gigabytes * GIGABYTE) or None
    if capacity is None and room.is_private_lake(config):
        disk = room.private_disk(config, _data_folder(session))
        capacity = disk.capacity if disk else None
    names = {Store.RAW: config.raw_bucket, Store.ARCHIVE: config.archive_bucket, Store.BACKUP: config.backup_bucket}
    return [
        Sample(
            store=store.value, name=names[store], byte_count=holding.bytes, object_count=holding.objects,
            capacity_bytes=capacity, oldest=holding.oldest, newest=holding.newest,
        )
        for store, holding in found.items()
    ]  # fmt: skip


def _carried_on(
    session: Session, config: Settings, held: dict[str, Holding], before: datetime, now: datetime
) -> dict[Store, Holding]:
    raw, backups = (held.get(store.value, Holding()) for store in (Store.RAW, Store.BACKUP))
    loose_before = ageing.midnight(now, config.archive_after_days)
    return {
        Store.RAW: storage.raw_after(session, config, raw, before, now),
        Store.ARCHIVE: storage.archive_holds(session, config, loose_before),
        Store.BACKUP: storage.backups_after(session, backups, before, now),
    }


def _listed(lake: Lake) -> Holding:
    """Count the backups by looking at them: they are few, and no ledger says what somebody took away."""
    found = Holding()
    for one in lake.objects(lake.config.backup_bucket):
        found += Holding(1, one.bytes, one.written_at, one.written_at)
    return found


def _data_folder(session: Session) -> str:
    row = session.one("SELECT @@datadir")
    return str(row[0]) if row else ""


def _megabytes(size: int) -> str:
    return f"{size / 10**6:,.1f} MB"
