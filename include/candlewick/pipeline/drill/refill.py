"""Fill the drill's empty schemas: the chosen objects are queued there, read from lake and archive, loaded and built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from candlewick.lake.keys import parse_archive_key
from candlewick.market import Lane
from candlewick.pipeline.archive_edition import Edition
from candlewick.pipeline.bulk import load_backlog
from candlewick.pipeline.dbt_project import profile
from candlewick.pipeline.transform import run_dbt
from candlewick.warehouse import archive_files
from candlewick.warehouse.archive_files import FileState
from candlewick.warehouse.database import Warehouse

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.archive_file import ArchiveFile
    from candlewick.lake.store import Lake
    from candlewick.pipeline.drill.objects import Live
    from candlewick.warehouse.database import Session

MODELS = (
    "run",
    "--select",
    "+daily_klines",
    "+klines_5m",
    "+klines_15m",
    "+klines_4h",
    "+fact_orderbook",
    "kline_revisions",
)
BACKFILL = ("--vars", "{lane: backfill}")
SUFFIX = "_drill"


def beside(warehouse: Warehouse) -> Warehouse:
    """Return the same server as the same account sees the drill's schemas."""
    config = warehouse.config
    schemas = {"raw_schema": config.raw_schema + SUFFIX, "marts_schema": config.marts_schema + SUFFIX}

    def connect() -> Any:
        connection = warehouse.open()
        connection.select_db(schemas["raw_schema"])
        return connection

    return Warehouse(connect, config.model_copy(update=schemas), warehouse.address)


def build(drill: Warehouse, *, history: bool) -> None:
    """Run dbt on the drill's schemas: its first run makes the tables, one with history what was loaded."""
    environment = profile(drill.address, drill.config)
    run_dbt([*MODELS, *(BACKFILL if history else ())], environment, name="drill", config=drill.config)


def refill(drill: Warehouse, lake: Lake, live: Live, run_id: str, now: datetime) -> str:
    """Queue and load the chosen objects, build what they feed; return the load's sentence.

    Raises:
        LakeError, WarehouseError, TransformError: as a rebuild; the drill is started again.
    """
    build(drill, history=False)
    with drill.session() as session:
        _queue_answers(session, live, run_id)
        _queue_files(session, lake, live, run_id, now)
    loaded = load_backlog(lake, drill, run_id)
    build(drill, history=True)
    return loaded.sentence


def _queue_answers(session: Session, live: Live, run_id: str) -> None:
    """Queue answers with their places, also inside of bundles; in such an order that each bundle is opened once."""
    chosen = f"{live.wanted} AS w JOIN {live.raw}.processed_files AS p ON p.object_id = w.object_id"
    session.run(
        f"INSERT INTO archive_bundles SELECT * FROM {live.raw}.archive_bundles WHERE bundle_id IN "
        f"(SELECT p.bundle_id FROM {chosen} WHERE p.bundle_id IS NOT NULL)"
    )
    session.run(
        "INSERT INTO extraction_outcomes (exchange, symbol, data_type, interval_code, lane, run_id, shard, status, source, "
        "captured_at, load_state, bucket, object_key, payload_bytes, bundle_id) "
        "SELECT p.exchange, p.symbol, p.data_type, p.interval_code, %s, %s, 'drill', 'stored', p.source, "
        f"p.captured_at, 'pending', p.bucket, p.object_key, p.payload_bytes, p.bundle_id FROM {chosen} "
        "WHERE p.source NOT LIKE 'archive%%' ORDER BY p.exchange, p.symbol, p.data_type, p.interval_code, p.captured_at",
        (Lane.BACKFILL, run_id),
    )


def _queue_files(session: Session, lake: Lake, live: Live, run_id: str, now: datetime) -> None:
    """Queue published files as a rebuild does, each edition with the checksum it was taken with."""
    rows = session.all(
        f"SELECT p.exchange, p.bucket, p.object_key, p.sha256, p.payload_bytes FROM {live.wanted} AS w "
        f"JOIN {live.raw}.processed_files AS p ON p.object_id = w.object_id WHERE p.source LIKE 'archive%%' "
        "ORDER BY p.object_key",
        (),
    )
    for exchange, bucket, key, sha256, size in rows:
        file, captured_at_ms = _edition(key)
        archive_files.asked(session, exchange, file, FileState.STORED, now)
        Edition(
            exchange=exchange, file=file, bucket=bucket, key=key, sha256=sha256, payload_bytes=size or lake.size(bucket, key),
            captured_at_ms=captured_at_ms,
        ).take(session, run_id)  # fmt: skip


def _edition(key: str) -> tuple[ArchiveFile, int]:
    found = parse_archive_key(key)
    if found is None:
        raise ValueError(f"expected the key of a published file in processed_files, got {key}")
    return found


def changed_objects(session: Session, drill: Warehouse, live: Live) -> list[str]:
    """Return the keys of objects that are not there, or not any more what they were when they were loaded."""
    rows = session.all(
        f"SELECT p.object_key FROM {live.wanted} AS w JOIN {live.raw}.processed_files AS p ON p.object_id = w.object_id "
        f"JOIN {drill.config.raw_schema}.processed_files AS d ON d.object_key = p.object_key "
        "WHERE d.status <> p.status OR d.sha256 <> p.sha256 ORDER BY 1 LIMIT 10"
    )
    return [str(row[0]) for row in rows]
