"""One step of maintenance as a job of a ``warm`` process, with a failpoint at every put, deletion, commit and DDL.

Each goes by its own name and by ``anything``. The clock is the job's; dbt is the real one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import boto3
import MySQLdb.connections

from candlewick.lake.store import Lake
from candlewick.pipeline.maintenance import steps
from candlewick.pipeline.maintenance.guard import NotApproved
from candlewick.pipeline.maintenance.steps import StepOff
from candlewick.pipeline.transform import run_dbt
from candlewick.settings import Settings
from candlewick.warehouse.database import Session, Warehouse
from support.actor import StoreAt
from support.failpoint import Failpoint
from support.servers import GivenMySQL

boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # reads its definitions

DDL = ("ALTER", "CREATE", "DROP", "RENAME", "TRUNCATE")
ANYTHING = "anything"


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Do ``job["step"]``: ``begin``, or a step's name; a refusal is an answer, any other error a crash."""
    failpoint = Failpoint(**job["failpoint"])
    watch_database(failpoint)
    config = Settings(**job["settings"])
    server = GivenMySQL(job["database"])
    environment = {
        "CANDLEWICK_DBT_HOST": server.host,
        "CANDLEWICK_DBT_PORT": str(server.port),
        "CANDLEWICK_DBT_USER": server.user,
        "CANDLEWICK_DBT_PASSWORD": server.password,
        "CANDLEWICK_MARTS_SCHEMA": config.marts_schema,
        "CANDLEWICK_RAW_SCHEMA": config.raw_schema,
    }
    tools = steps.Tools(
        lake=watched(failpoint)(StoreAt(job["object_store"]).client(), config),
        warehouse=Warehouse(lambda: server.connect(config.raw_schema), config),
        dbt=lambda *words: run_dbt(words, environment, name="maintenance", config=config).sentence,
        tell=lambda _: None,
        run_id=job["run_id"],
        clock=lambda: datetime.fromisoformat(job["now"]),
    )
    try:
        if job["step"] == "begin":
            return {"planned": steps.begin(tools, job["params"]), "seen": failpoint.seen}
        return {"said": steps.perform(tools, job["step"], job["planned"], job["consent"]), "seen": failpoint.seen}
    except (NotApproved, StepOff) as refused:
        return {"refused": str(refused), "seen": failpoint.seen}


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


def watched(failpoint: Failpoint) -> type[Lake]:
    """Return a lake each of whose changes passes the failpoint."""

    class WatchedLake(Lake):
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
