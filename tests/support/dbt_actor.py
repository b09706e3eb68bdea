"""One dbt invocation as a job of a ``warm`` process, with a failpoint at every statement that matters.

Run by the interpreter of dbt's virtualenv. Names of a statement: ``commit``, ``rename``, ``upsert``, ``consume`` (loads
taken off the queue), each also with the table: ``rename fact_klines``; ``commit fact_klines`` commits its upsert.
"""

from __future__ import annotations

import os
import re
import threading
from typing import Any

import dbt.adapters.mysql  # noqa: F401  # dbt imports it late; the forks are to have it
from dbt.cli.main import dbtRunner
from mysql.connector.cursor_cext import CMySQLCursor

from support.failpoint import Failpoint

COMMENT = re.compile(r"^(\s*/\*.*?\*/)+\s*", re.DOTALL)
STATEMENTS = {
    "rename": re.compile(r"rename table .*?__next\d*`? to (?:`?\w+`?\.)?`?(\w+)", re.IGNORECASE | re.DOTALL),
    "upsert": re.compile(
        r"insert into (?:`?\w+`?\.)?`?(\w+?)(?:__next\d+)?`? .*on duplicate key update", re.IGNORECASE | re.DOTALL
    ),
    "consume": re.compile(r"delete pending from (?:`?\w+`?\.)?`?(\w+)__pins", re.IGNORECASE),
}
LEDGER = "kline_revisions"  # written by hooks around the upsert, in its transaction
_transaction = threading.local()  # dbt gives each of its threads a connection


def names(statement: str) -> list[str]:
    """Return the names by which a failpoint may ask for this statement."""
    statement = COMMENT.sub("", statement).strip()
    if statement.lower() == "commit":
        table, _transaction.table = getattr(_transaction, "table", None), None
        return ["commit", f"commit {table}"] if table else ["commit"]
    for kind, pattern in STATEMENTS.items():
        found = pattern.match(statement)
        if found:
            if found[1] == LEDGER:
                return []
            if kind == "upsert":
                _transaction.table = found[1]
            return [kind, f"{kind} {found[1]}"]
    return []


def _name(result: Any) -> str:
    """Return a result's model; the hooks of a run have none."""
    return str(result.node.name) if hasattr(result, "node") else "hook"


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Invoke dbt with ``job["arguments"]``."""
    os.environ.update(job["environment"])
    failpoint = Failpoint(**job["failpoint"])
    plain = CMySQLCursor.execute

    def execute(cursor: Any, operation: str, *rest: Any, **options: Any) -> Any:
        with failpoint.around(*names(operation)):
            return plain(cursor, operation, *rest, **options)

    CMySQLCursor.execute = execute
    done = dbtRunner().invoke(job["arguments"])
    results = getattr(done.result, "results", None) or []
    nodes = [(_name(result), str(result.status), str(result.message)) for result in results]
    return {"seen": failpoint.seen, "success": done.success, "nodes": nodes, "exception": str(done.exception or "")}
