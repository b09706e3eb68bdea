"""Tables as the server sees them: whether they are there, and how long a change of one may wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from candlewick.warehouse.database import Session

DDL_WAIT_SECONDS = 10
"""Behind a DDL that waits for readers, everybody who comes later waits as well."""


def exist(session: Session, schema: str, *names: str) -> bool:
    """Tell whether all of these tables (or views) are there."""
    rows = session.all(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_name IN %s", (schema, names)
    )
    return len(rows) == len(set(names))


def bound_waits(session: Session) -> None:
    """Let this session's DDL give up after ``DDL_WAIT_SECONDS``: then it is tried again later (``WarehouseBusy``)."""
    session.run("SET SESSION lock_wait_timeout = %s", (DDL_WAIT_SECONDS,))


def show_fresh_sizes(session: Session) -> None:
    """Let the server tell this session rows and bytes as they are now; MySQL's would be up to a day old."""
    if is_mysql(session):
        session.run("SET SESSION information_schema_stats_expiry = 0")


def is_mysql(session: Session) -> bool:
    """Tell Oracle's server from MariaDB."""
    row = session.one("SELECT VERSION()")
    return row is not None and "mariadb" not in str(row[0]).lower()
