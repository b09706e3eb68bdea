"""What dbt has built, as an upgrade notes it, and the way back to it: what a newer project added is taken out again.

What is taken out is derived from facts or from the raw schema, and the next upgrade's dbt builds it again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from candlewick.warehouse import tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from candlewick.warehouse.database import Session, Warehouse

# Beside the marts: what each was built from (macro `definitions`), and how far indicators are (`indicator_progress`).
DEFINITIONS, PROGRESS = "definitions", "indicator_progress"


@dataclass(frozen=True, slots=True)
class Built:
    """Tables and views of the marts by name, each with its columns, and the checksums they were built from."""

    columns: dict[str, list[str]] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)


def built(warehouse: Warehouse) -> Built:
    """Return what there is.

    Raises:
        WarehouseError: the server refused.
    """
    with warehouse.session() as session:
        return _built(session, warehouse.config.marts_schema)


def take_back(warehouse: Warehouse, before: Built, models: Mapping[str, Sequence[str]]) -> list[str]:
    """Take out what is not in ``before``; return it in words. Can be run again after a crash anywhere.

    Where nothing was built before, nothing is taken out: all there is would go, with hours whose minutes have expired since.

    Args:
        warehouse: the writer's account, which owns the marts as dbt does.
        before: what there was.
        models: name to columns of the models of this project; what is none of theirs is somebody else's and stays.

    Raises:
        WarehouseBusy: someone reads a table for longer than a change of it may wait.
    """
    if not before.columns:
        return []
    marts = warehouse.config.marts_schema
    with warehouse.session() as session:
        tables.bound_waits(session)
        now = _built(session, marts)
        views = _views(session, marts)
        told = []
        for name, columns in now.columns.items():
            if name not in models:
                continue
            if name not in before.columns:
                _forget(session, marts, name, now)
                session.run(f"DROP {'VIEW' if name in views else 'TABLE'} {marts}.{name}")
                told.append(name)
            elif name not in views:
                added = [one for one in columns if one not in before.columns[name] and one in models[name]]
                if added:
                    _drop_columns(warehouse, session, name, added, before.checksums.get(name))
                    told += [f"{name}.{column}" for column in added]
        session.commit()
    return told


def _drop_columns(warehouse: Warehouse, session: Session, table: str, columns: list[str], checksum: str | None) -> None:
    """Drop columns; the checksum of before goes first, as a column that is still there is dropped by the next try."""
    marts = warehouse.config.marts_schema
    with warehouse.writer_lock(session, table):
        if checksum:
            session.run(f"REPLACE INTO {marts}.{DEFINITIONS} (name, checksum) VALUES (%s, %s)", (table, checksum))
            session.commit()
        session.run(f"ALTER TABLE {marts}.{table} {', '.join(f'DROP COLUMN {column}' for column in columns)}")


def _forget(session: Session, marts: str, name: str, now: Built) -> None:
    """Take a model's work off the queues: nobody would do it, and the health check would wait for it."""
    session.run("DELETE FROM pending_loads WHERE model = %s", (name,))
    for table, column in ((PROGRESS, "model"), (DEFINITIONS, "name")):
        if table in now.columns:
            session.run(f"DELETE FROM {marts}.{table} WHERE {column} = %s", (name,))
    session.commit()


def _built(session: Session, marts: str) -> Built:
    columns: dict[str, list[str]] = {}
    for table, column in session.all(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s "
        "ORDER BY table_name, ordinal_position",
        (marts,),
    ):
        columns.setdefault(str(table), []).append(str(column))
    rows = session.all(f"SELECT name, checksum FROM {marts}.{DEFINITIONS}") if DEFINITIONS in columns else []
    session.commit()
    return Built(columns, {str(name): str(checksum) for name, checksum in rows})


def _views(session: Session, marts: str) -> set[str]:
    rows = session.all("SELECT table_name FROM information_schema.views WHERE table_schema = %s", (marts,))
    session.commit()
    return {str(name) for (name,) in rows}
