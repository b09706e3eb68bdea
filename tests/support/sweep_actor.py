"""A sweep as a job of a ``warm`` process, with a failpoint at every commit and deletion."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import boto3
import MySQLdb.connections

from candlewick.lake.store import Lake
from candlewick.pipeline.maintenance import sweep
from candlewick.settings import Settings
from candlewick.warehouse.database import Warehouse
from support.actor import StoreAt
from support.failpoint import Failpoint
from support.servers import GivenMySQL

boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # reads its definitions


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Sweep once at ``job["now"]``."""
    failpoint = Failpoint(**job["failpoint"])
    plain = MySQLdb.connections.Connection

    class Connection(plain):
        def commit(self) -> None:
            with failpoint.around("commit", "step"):
                super().commit()

    class WatchedLake(Lake):
        def delete_many(self, bucket: str, keys: Any) -> dict[str, str]:
            with failpoint.around("delete", "step"):
                return super().delete_many(bucket, keys)

    MySQLdb.connections.Connection = Connection
    config = Settings(**job["settings"])
    warehouse = Warehouse(lambda: GivenMySQL(job["database"]).connect(config.raw_schema), config)
    lake = WatchedLake(StoreAt(job["object_store"]).client(), config)
    done = sweep.run(lake, warehouse, "run", datetime.fromisoformat(job["now"]))
    return {"sentence": done.sentence, "seen": failpoint.seen}
