"""Archive files fetched and loaded as a job of a ``warm`` process, with a failpoint at every put and commit."""

from __future__ import annotations

from typing import Any

import boto3
import MySQLdb.connections

from candlewick.archive_file import ArchiveFile
from candlewick.exchange.archive import from_connection
from candlewick.lake.store import Lake
from candlewick.pipeline.archive_fetch import fetch_file
from candlewick.pipeline.bulk import load_objects
from candlewick.settings import Settings
from candlewick.warehouse.database import Warehouse
from support.actor import StoreAt
from support.failpoint import Failpoint
from support.servers import GivenMySQL

boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # reads its definitions


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Bring ``job["files"]`` (names) into the lake, then into the warehouse."""
    failpoint = Failpoint(**job["failpoint"])
    plain = MySQLdb.connections.Connection

    class Connection(plain):
        def commit(self) -> None:
            with failpoint.around("commit"):
                super().commit()

    class WatchedLake(Lake):
        def put(self, bucket: str, key: str, payload: bytes) -> None:
            with failpoint.around("put"):
                super().put(bucket, key, payload)

        def put_file(self, bucket: str, key: str, file: Any) -> None:
            with failpoint.around("put"):
                super().put_file(bucket, key, file)

    MySQLdb.connections.Connection = Connection
    config = Settings(**job["settings"])
    warehouse = Warehouse(lambda: GivenMySQL(job["database"]).connect(config.raw_schema), config)
    lake = WatchedLake(StoreAt(job["object_store"]).client(), config)
    archive = from_connection(job["exchange"], {}, config)
    files = [ArchiveFile.named(name) for name in job["files"]]
    fetched = [fetch_file(archive, lake, warehouse, file, "run") for file in files]
    archive.close()
    summary = load_objects(lake, warehouse, "run", [one.object_id for one in fetched])
    return {"states": [one.state for one in fetched], "rows": summary.rows_by_object, "seen": failpoint.seen}
