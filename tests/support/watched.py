"""Lake and warehouse for a job of a ``warm`` process, with a failpoint at everything that changes them.

The product has no hooks for this: the lake and the driver's connection are wrapped here. A failpoint's names are
``put``, ``get``, ``delete``, ``commit`` and ``ddl``; every change goes by ``anything`` too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
import MySQLdb.connections

from candlewick.lake.store import Lake
from candlewick.settings import Settings
from candlewick.warehouse.database import Address, Session, Warehouse
from support.failpoint import Failpoint
from support.servers import GivenMySQL, ObjectStore

boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # reads its definitions

ANYTHING = "anything"
DDL = ("ALTER", "CREATE", "DROP", "RENAME", "TRUNCATE")


class StoreAt(ObjectStore):
    """The object store that listens at a port."""

    def __init__(self, port: int) -> None:
        self.port = port


@dataclass(frozen=True)
class Watched:
    """What a job works with."""

    failpoint: Failpoint
    config: Settings
    warehouse: Warehouse
    lake: Lake


def open_watched(job: dict[str, Any], *, schema: str | None = None) -> Watched:
    """Open what ``job`` names (failpoint, settings, database, object_store); sessions begin in a schema, by default the raw one."""
    failpoint = Failpoint(**job["failpoint"])
    watch_database(failpoint)
    config, server = Settings(**job["settings"]), GivenMySQL(job["database"])
    address = Address(server.host, server.port, server.user, server.password)
    begin = config.raw_schema if schema is None else schema
    warehouse = Warehouse(lambda: server.connect(begin), config, address)
    return Watched(
        failpoint, config, warehouse, _watched_lake(failpoint)(StoreAt(job["object_store"]).client(), config)
    )


def watch_database(failpoint: Failpoint) -> None:
    """Let every commit and every DDL statement of this process pass the failpoint."""
    plain = MySQLdb.connections.Connection
    run = Session.run

    class Connection(plain):
        def commit(self) -> None:
            with failpoint.around("commit", ANYTHING):
                super().commit()

    def watched_run(session: Session, statement: str, parameters: Any = None) -> int:
        if statement.lstrip().upper().startswith(DDL):
            with failpoint.around("ddl", ANYTHING):
                return run(session, statement, parameters)
        return run(session, statement, parameters)

    MySQLdb.connections.Connection = Connection
    Session.run = watched_run


def _watched_lake(failpoint: Failpoint) -> type[Lake]:
    class WatchedLake(Lake):
        def get(self, bucket: str, key: str) -> bytes:
            with failpoint.around("get"):
                return super().get(bucket, key)

        def put(self, bucket: str, key: str, payload: bytes) -> None:
            with failpoint.around("put", ANYTHING):
                super().put(bucket, key, payload)

        def put_file(self, bucket: str, key: str, file: Any) -> None:
            with failpoint.around("put", ANYTHING):
                super().put_file(bucket, key, file)

        def delete_many(self, bucket: str, keys: Any) -> dict[str, str]:
            with failpoint.around("delete", ANYTHING):
                return super().delete_many(bucket, keys)

    return WatchedLake
