"""Retention as a job of a ``warm`` process, with a failpoint at every commit and every statement that deletes or changes tables."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import MySQLdb.connections
import MySQLdb.cursors

from candlewick.pipeline.maintenance import retention
from candlewick.settings import Settings
from candlewick.warehouse.database import Warehouse, WarehouseError
from support.failpoint import Failpoint
from support.servers import GivenMySQL

_CHANGES = re.compile(r"\s*(CREATE TABLE|DROP TABLE|ALTER TABLE|DELETE FROM \w+\.fact_klines)", re.IGNORECASE)


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Plan and run with ``job["days"]``; a typed error is an answer, anything else a crash."""
    failpoint = Failpoint(**job["failpoint"])
    plain, execute = MySQLdb.connections.Connection, MySQLdb.cursors.Cursor.execute

    class Connection(plain):
        def commit(self) -> None:
            with failpoint.around("point"):
                super().commit()

    def watched(cursor: Any, query: str | bytearray, *rest: Any) -> Any:
        if not isinstance(query, str) or not _CHANGES.match(query):  # an INSERT of many rows is bytes
            return execute(cursor, query, *rest)
        with failpoint.around("point", *(["table"] if " TABLE" in query else [])):
            return execute(cursor, query, *rest)

    MySQLdb.connections.Connection = Connection
    MySQLdb.cursors.Cursor.execute = watched
    config = Settings(**job["settings"])
    warehouse = Warehouse(lambda: GivenMySQL(job["database"]).connect(config.raw_schema), config)
    now = datetime.fromisoformat(job["now"])
    try:
        with warehouse.session() as session:
            plan = retention.plan(session, config, now, retention.RetentionDays(**job["days"]))
        summary = retention.run(warehouse, "run", now, plan, _no_dbt)
    except WarehouseError as error:
        return {"error": str(error), "seen": failpoint.seen}
    return {"rows": summary.rows, "seen": failpoint.seen}


def _no_dbt(*words: str) -> None:
    raise AssertionError(f"no indicators are built, but dbt was asked: {words}")
