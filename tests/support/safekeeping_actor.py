"""A backup, a restore or a drill as a job of a ``warm`` process, with a failpoint at every read, put and commit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import boto3
import MySQLdb.connections

from candlewick.lake.store import Lake
from candlewick.pipeline.backup import parts, save
from candlewick.pipeline.backup.restore import restore
from candlewick.pipeline.drill import DrillRequest, rehearse
from candlewick.settings import Settings
from candlewick.warehouse.database import Address, Warehouse
from support.actor import StoreAt
from support.failpoint import Failpoint
from support.servers import GivenMySQL

boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # reads its definitions


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Do ``job["step"]`` once."""
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

        def get(self, bucket: str, key: str) -> bytes:
            with failpoint.around("get"):
                return super().get(bucket, key)

        def delete_many(self, bucket: str, keys: list[str]) -> dict[str, str]:
            with failpoint.around("delete"):
                return super().delete_many(bucket, keys)

    MySQLdb.connections.Connection = Connection
    parts.PART_BYTES = job.get("part_bytes", parts.PART_BYTES)
    config, server = Settings(**job["settings"]), GivenMySQL(job["database"])
    address = Address(server.host, server.port, server.user, server.password)
    schema = "" if job["step"] == "restore" else config.raw_schema
    warehouse = Warehouse(lambda: server.connect(schema), config, address)
    lake, now = WatchedLake(StoreAt(job["object_store"]).client(), config), datetime.fromisoformat(job["now"])
    if job["step"] == "save":
        said = save.run(warehouse, lake, "run", now).sentence
    elif job["step"] == "restore":
        said = restore(warehouse, lake, "latest", now).sentence
    else:
        request = DrillRequest.read(job["days"], now.date())
        said = rehearse(warehouse, lake, request, "drill", now).sentence
    return {"said": said, "seen": failpoint.seen}
