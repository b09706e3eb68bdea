"""The raw schema, its upgrades and the way back (Alembic): ``python -m candlewick.warehouse.schema upgrade``."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from candlewick.warehouse import set_aside, tables
from candlewick.warehouse.database import LOCK_WAIT_TIMEOUT, Warehouse, WarehouseBusy, WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from alembic.config import Config
    from sqlalchemy.engine import Connection

    from candlewick.warehouse.database import Session

MIGRATIONS = Path(__file__).parent / "migrations"
UPGRADE_LOCK = "schema_upgrade"
VERSION_TABLE = "schema_version"
USAGE = "usage: python -m candlewick.warehouse.schema upgrade [revision] | downgrade <revision> | current\n"


def upgrade(warehouse: Warehouse, revision: str = "head") -> str:
    """Bring the raw schema to a revision; return the revision it is at.

    What an earlier downgrade has set aside comes back. Only one process changes the schema at a time (named lock). Can be
    run again after a crash at any point, also one of a downgrade.

    Raises:
        WarehouseBusy: another process changes the schema, or reads a table for longer than a change of it may wait.
        WarehouseError: when the account lacks a privilege or the server does not answer.
    """
    with _Migration.open(warehouse) as migration:
        aside = set_aside.revisions(migration.session)
        if aside:
            _upgrade_with_what_is_aside(migration, aside, revision)
        else:
            migration.run("upgrade", revision)
        return str(migration.at())


def _upgrade_with_what_is_aside(migration: _Migration, aside: set[str], revision: str) -> None:
    """Go up one revision at a time, each with the tables and values that were set aside of it.

    What is set aside of a revision the schema is said to be at was left there by a killed downgrade, or by an upgrade that
    was killed before it copied back: from there on everything is done again, as each revision can be.
    """
    done = migration.done()
    if unfinished := [step for step in done if step in aside]:
        migration.run("stamp", migration.before(unfinished[0]))
        done = done[: done.index(unfinished[0])]
    wanted = migration.up_to(revision)
    for step in wanted[len(done) :]:
        set_aside.bring_tables(migration.session, step, migration.brought(step, "TABLES"))
        migration.run("upgrade", step)
        set_aside.bring_columns(migration.session, step, migration.brought(step, "COLUMNS"))


def downgrade(warehouse: Warehouse, revision: str) -> str:
    """Take the raw schema back to a revision; what newer ones brought is set aside, not lost. Return where it is.

    Nothing of the platform may run meanwhile. Can be run again after a crash at any point.

    Raises:
        WarehouseBusy: as for an upgrade.
        WarehouseError: the revision is unknown or newer than the schema, or the server refused.
    """
    with _Migration.open(warehouse) as migration:
        done = migration.done()
        if revision not in done:
            raise WarehouseError(
                f"expected a revision to go back to among {', '.join(done) or 'none'}, got {revision}; "
                "`current` tells where the schema is"
            )
        for step in reversed(done[done.index(revision) + 1 :]):
            columns = migration.brought(step, "COLUMNS")
            set_aside.bring_columns(migration.session, step, columns)  # of an upgrade that was killed before it did
            set_aside.put_columns(migration.session, step, columns)
            set_aside.put_tables(migration.session, step, migration.brought(step, "TABLES"))
            migration.run("downgrade", migration.before(step))
        return str(migration.at())


def current(warehouse: Warehouse) -> str | None:
    """Return the revision the raw schema is at; None: it was never made.

    Raises:
        WarehouseError: the server refused.
    """
    with warehouse.session() as session:
        return _at(session)


def revisions() -> list[str]:
    """Return the revisions this code knows, oldest first."""
    from alembic.script import ScriptDirectory

    return [str(step.revision) for step in reversed(list(ScriptDirectory(str(MIGRATIONS)).walk_revisions()))]


class _Migration:
    """Alembic on one connection of its own, and a session that holds the lock and sets things aside."""

    def __init__(self, warehouse: Warehouse, session: Session, connection: Connection) -> None:
        from alembic.script import ScriptDirectory

        self.warehouse, self.session, self.connection = warehouse, session, connection
        steps = reversed(list(ScriptDirectory(str(MIGRATIONS)).walk_revisions()))
        self.modules: dict[str, Any] = {str(step.revision): step.module for step in steps}

    @classmethod
    @contextmanager
    def open(cls, warehouse: Warehouse) -> Iterator[_Migration]:
        """Take the lock and open both connections, neither of which waits long for readers."""
        from sqlalchemy import create_engine
        from sqlalchemy.exc import SQLAlchemyError
        from sqlalchemy.pool import NullPool

        engine = create_engine("mysql+mysqldb://", creator=warehouse.open, poolclass=NullPool)
        impatient = f"SET SESSION lock_wait_timeout = {tables.DDL_WAIT_SECONDS}"
        with warehouse.session() as session, warehouse.named_lock(session, UPGRADE_LOCK):
            session.run(impatient)
            try:
                with engine.connect() as connection:
                    connection.exec_driver_sql(impatient)
                    yield cls(warehouse, session, connection)
                    connection.commit()
            except SQLAlchemyError as error:
                raise _typed(warehouse, error) from error

    def run(self, what: str, revision: str) -> None:
        """Run one of Alembic's commands."""
        from alembic import command

        self.session.commit()  # what it has read must not hold up a change of the table
        getattr(command, what)(_alembic_config(self.connection), revision)
        self.connection.commit()

    def at(self) -> str | None:
        return _at(self.session)

    def done(self) -> list[str]:
        """Return the revisions the schema has, oldest first.

        Raises:
            WarehouseError: it is at one this code does not know.
        """
        at = self.at()
        return [] if at is None else self.up_to(at)

    def up_to(self, revision: str) -> list[str]:
        known = list(self.modules)
        if revision == "head":
            return known
        if revision not in known:
            raise WarehouseError(
                f"expected a revision of the schema {self.warehouse.config.raw_schema} among {', '.join(known)}, got {revision}; "
                "check out the newer code when the schema is ahead of this one"
            )
        return known[: known.index(revision) + 1]

    def before(self, revision: str) -> str:
        return self.modules[revision].down_revision or "base"

    def brought(self, revision: str, what: str) -> Mapping[str, Any]:
        """Return the TABLES or COLUMNS a revision declares."""
        found: Mapping[str, Any] = getattr(self.modules[revision], what, {})
        return found


def _at(session: Session) -> str | None:
    there = session.one(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s", (VERSION_TABLE,)
    )
    row = session.one(f"SELECT version_num FROM {VERSION_TABLE}") if there else None
    session.commit()
    return str(row[0]) if row else None


def _typed(warehouse: Warehouse, error: Exception) -> WarehouseError:
    cause = getattr(error, "orig", None) or error
    schema = warehouse.config.raw_schema
    if getattr(cause, "args", ())[:1] == (LOCK_WAIT_TIMEOUT,):
        return WarehouseBusy(
            f"expected to change the schema {schema} within {tables.DDL_WAIT_SECONDS} s, but someone reads a table of it ({cause}); "
            "what was changed by then stays, run it again"
        )
    return WarehouseError(
        f"expected to change the schema {schema}, but the server answered {cause}; "
        "the account needs CREATE, ALTER, DROP, INDEX, INSERT, UPDATE, DELETE and SELECT on it"
    )


def _alembic_config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def main() -> int:
    """Run a command on the `warehouse` connection."""
    from candlewick import connections

    command, *words = sys.argv[1:] or [""]
    try:
        if command == "upgrade" and len(words) <= 1:
            at: str | None = upgrade(connections.warehouse(), *words)
        elif command == "downgrade" and len(words) == 1:
            at = downgrade(connections.warehouse(), words[0])
        elif command == "current" and not words:
            at = current(connections.warehouse())
        else:
            sys.stderr.write(USAGE)
            return 2
    except WarehouseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"schema at revision {at}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
