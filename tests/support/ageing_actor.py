"""Archiving or expiring as a job of a ``warm`` process, with a failpoint at every put, commit and deletion."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import boto3

from candlewick.pipeline.maintenance import archive, archiving, expire
from candlewick.settings import Settings
from candlewick.warehouse.database import Warehouse
from support.actor import StoreAt
from support.failpoint import Failpoint
from support.maintenance_actor import watch_database, watched
from support.servers import GivenMySQL

boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # reads its definitions
assert archiving.AT_ONCE  # imported here, before the forks


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Do ``job["step"]``: archive or expire."""
    failpoint = Failpoint(**job["failpoint"])
    watch_database(failpoint)
    config = Settings(**job["settings"])
    server = GivenMySQL(job["database"])
    warehouse = Warehouse(lambda: server.connect(config.raw_schema), config)
    lake = watched(failpoint)(StoreAt(job["object_store"]).client(), config)
    now, run = datetime.fromisoformat(job["now"]), {"archive": archive.run, "expire": expire.run}[job["step"]]
    return {"said": run(lake, warehouse, "maintenance", now, job["days"]).sentence, "seen": failpoint.seen}
