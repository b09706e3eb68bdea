"""One extract or load as a job of a ``warm`` process, with a failpoint at every put and commit.

The product has no hooks for this: the lake and the driver's connection are wrapped here.
"""

from __future__ import annotations

from typing import Any

import boto3
import MySQLdb.connections

from candlewick.exchange.binance import from_connection
from candlewick.exchange.errors import BadRequest, ExchangeError, HostRefused, IpBanned
from candlewick.lake.store import Lake, LakeError, LakeUnavailable
from candlewick.pipeline.extract import extract_shard
from candlewick.pipeline.load import load_pending
from candlewick.settings import Settings
from candlewick.warehouse.database import Warehouse, WarehouseBusy, WarehouseError
from candlewick.warehouse.host_state import HostStateStore
from support.failpoint import Failpoint
from support.servers import GivenMySQL, ObjectStore

boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # reads its definitions

# What Airflow's tasks do not try again (candlewick.wiring.rules): a dead server must never look like one of these.
LASTING = (BadRequest, HostRefused, IpBanned, WarehouseError, LakeError)
PASSING = (WarehouseBusy, LakeUnavailable)


class StoreAt(ObjectStore):
    """The object store that listens at a port."""

    def __init__(self, port: int) -> None:
        self.port = port


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Do ``job["step"]`` (extract or load) once; a typed error is an answer, anything else a crash."""
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

    MySQLdb.connections.Connection = Connection
    config = Settings(**job["settings"])
    warehouse = Warehouse(lambda: GivenMySQL(job["database"]).connect(config.raw_schema), config)
    lake = WatchedLake(StoreAt(job["object_store"]).client(), config)
    said = {}
    try:
        if job["step"] == "extract":
            client = from_connection(job["exchange"], {}, HostStateStore(warehouse.open, config.raw_schema), config)
            summary = extract_shard(client, lake, warehouse, {"name": "all", "symbols": job["symbols"]}, "run")
            client.close()
        else:
            summary = load_pending(lake, warehouse, "run")
        said["summary"] = summary.sentence
    except (WarehouseError, LakeError, ExchangeError) as error:
        lasting = isinstance(error, LASTING) and not isinstance(error, PASSING)
        said = {"error": f"{type(error).__name__}: {error}", "lasting": lasting}
    return {**said, "seen": failpoint.seen}
