"""Sessions of a dbt that is to be killed, seen from the server."""

from __future__ import annotations

import time


def wait_for_statement(warehouse, part):
    """Wait until dbt's session runs a statement with this text; return the id of the session."""
    for _ in range(600):
        found = warehouse.run(
            "select id from information_schema.processlist where user like 'dbt%%' and info like %s", (f"%{part}%",)
        )
        if found:
            return found[0][0]
        time.sleep(0.05)
    raise AssertionError(f"dbt never came to {part}")


def wait_for_end(warehouse, session):
    for _ in range(600):
        if not warehouse.run("select 1 from information_schema.processlist where id = %s", (session,)):
            return
        time.sleep(0.05)
    raise AssertionError("the session of the killed dbt did not end")
