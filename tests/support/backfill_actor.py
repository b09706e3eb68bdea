"""The work of a backfill's task as a job of a ``warm`` process, with a failpoint at every put and commit."""

from __future__ import annotations

from typing import Any

import boto3
import MySQLdb.connections

from candlewick.exchange.archive import from_connection as open_archive
from candlewick.exchange.binance import from_connection as open_exchange
from candlewick.lake.store import Lake
from candlewick.pipeline.backfill.tools import Tools
from candlewick.pipeline.backfill.work import work_through
from candlewick.settings import Settings
from candlewick.warehouse.database import Warehouse
from candlewick.warehouse.host_state import HostStateStore
from support.actor import StoreAt
from support.failpoint import Failpoint
from support.servers import GivenMySQL

boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # reads its definitions


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Work through ``job["task"]``; return how many puts and commits there were."""
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
    config, task = Settings(**job["settings"]), job["task"]
    warehouse = Warehouse(lambda: GivenMySQL(job["database"]).connect(config.raw_schema), config)
    states = HostStateStore(warehouse.open, config.raw_schema)
    exchange = open_exchange(job["exchange"], {}, states, config)
    tools = Tools(
        exchange, open_archive(job["exchange"], {}, config), WatchedLake(StoreAt(job["object_store"]).client(), config),
        warehouse, job["run_id"],
    )  # fmt: skip
    work_through(tools, task["backfill_id"], task["first"], task["last"], task["folder"])
    return {"seen": failpoint.seen}
