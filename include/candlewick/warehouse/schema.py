"""The raw schema and its upgrades (Alembic): ``python -m candlewick.warehouse.schema upgrade``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from candlewick.warehouse.database import Warehouse, WarehouseError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection

MIGRATIONS = Path(__file__).parent / "migrations"
UPGRADE_LOCK = "schema_upgrade"


def upgrade(warehouse: Warehouse, revision: str = "head") -> str:
    """Bring the raw schema to a revision; return the revision it is at.

    Only one process upgrades at a time (named lock). Can be run again after a crash at any point.

    Raises:
        WarehouseError: when the account lacks a privilege or the server does not answer.
    """
    from alembic import command
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    engine = create_engine("mysql+mysqldb://", creator=warehouse.open, poolclass=NullPool)
    with warehouse.session() as session, warehouse.named_lock(session, UPGRADE_LOCK):
        try:
            with engine.connect() as connection:
                command.upgrade(_alembic_config(connection), revision)
                connection.commit()
                row = connection.execute(text("SELECT version_num FROM schema_version")).one()
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise WarehouseError(
                f"expected to upgrade the schema {warehouse.config.raw_schema}, but the server answered {cause}; "
                "the account needs CREATE, ALTER, DROP, INDEX, INSERT, UPDATE, DELETE and SELECT on it"
            ) from error
    return str(row[0])


def _alembic_config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def main() -> int:
    """Run ``upgrade [revision]`` on the `warehouse` connection."""
    from candlewick import connections

    if sys.argv[1:2] != ["upgrade"] or len(sys.argv) > 3:  # noqa: PLR2004 -- command and revision
        sys.stderr.write("usage: python -m candlewick.warehouse.schema upgrade [revision]\n")
        return 2
    try:
        at = upgrade(connections.warehouse(), *sys.argv[2:3])
    except WarehouseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"schema at revision {at}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
