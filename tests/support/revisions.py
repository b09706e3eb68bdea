"""Raw schemas at a revision, rows for any table of them, and a process that dies after so many of its statements."""

from __future__ import annotations

import os
import re
import signal
import traceback
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import MySQLdb.cursors

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from candlewick.warehouse.database import Warehouse

# What a power cut can leave half done; a question leaves nothing.
CHANGES = re.compile(r"\s*(alter|create|drop|rename|insert|replace|update|delete)\b", re.IGNORECASE)
OURS = {"schema_version"}
Rows = dict[str, list[tuple[object, ...]]]


def columns(warehouse: Warehouse) -> dict[str, dict[str, tuple[str, str]]]:
    """Return tables with their columns, each with its type and what is special about it."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    with warehouse.session() as session:
        for table, column, kind, extra in session.all(
            "SELECT table_name, column_name, column_type, extra FROM information_schema.columns "
            "WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position"
        ):
            found.setdefault(table, {})[column] = (str(kind), str(extra))
    return {table: names for table, names in found.items() if table not in OURS}


def fill(warehouse: Warehouse, without: Collection[str] = ()) -> None:
    """Give every table three rows of values made up by type, but for some tables."""
    for table, kinds in columns(warehouse).items():
        if table not in without:
            names, places = ", ".join(kinds), ", ".join(["%s"] * len(kinds))
            made = [[value(kind, number) for kind, _ in kinds.values()] for number in (1, 2, 3)]
            with warehouse.session() as session:
                session.run_many(f"INSERT INTO {table} ({names}) VALUES ({places})", made)


def fill_columns(warehouse: Warehouse, of: Mapping[str, Collection[str]]) -> None:
    """Give these columns values in two rows of each table; what has no value has none afterwards either."""
    for table, kinds in columns(warehouse).items():
        if names := sorted(of.get(table, ())):
            with warehouse.session() as session:
                sets = ", ".join(f"{name} = %s" for name in names)
                session.run(f"UPDATE {table} SET {sets} LIMIT 2", [value(kinds[name][0], 7) for name in names])


def value(kind: str, number: int) -> object:
    """Return a value of a column type; another number gives another value."""
    if kind.startswith(("datetime", "timestamp")):
        return datetime(2024, 6, 1) + timedelta(minutes=number)
    if kind.startswith("date"):
        return date(2024, 6, 1) + timedelta(days=number)
    return number  # as text it is a number, and JSON as well


def rows(warehouse: Warehouse, of: dict[str, dict[str, tuple[str, str]]]) -> Rows:
    """Return every row of these tables, in the order of these columns."""
    with warehouse.session() as session:
        return {
            table: sorted(session.all(f"SELECT {', '.join(names)} FROM {table}"), key=repr)
            for table, names in of.items()
        }


def killed_at(nth: int, work: Callable[[], object]) -> bool:
    """Do something in a process that is killed (-9) before its nth change; tell whether it was, or got through."""
    child = os.fork()
    if child == 0:
        _die_before(nth)
        status = 0
        try:
            work()
        except BaseException:  # noqa: BLE001  # a child of a test must not come back into it
            traceback.print_exc()
            status = 1
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), f"ended by itself with {status}"
    return status == -signal.SIGKILL


def _die_before(nth: int) -> None:
    seen = 0
    plain = MySQLdb.cursors.BaseCursor._query

    def query(cursor: object, text: bytes | str) -> object:
        nonlocal seen
        if CHANGES.match(text if isinstance(text, str) else bytes(text).decode(errors="replace")):
            seen += 1
            if seen == nth:
                os.kill(os.getpid(), signal.SIGKILL)
        return plain(cursor, text)

    MySQLdb.cursors.BaseCursor._query = query
