"""Schemas that are made for a purpose and may be emptied again: they bear a mark, and nothing without it is ever emptied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import MySQLdb

from candlewick.warehouse.database import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from candlewick.warehouse.database import Session

MARK = "candlewick_mark"
DENIED = (1044, 1045, 1142)
SHOWN = 3


class SchemaInUse(WarehouseError):
    """A schema that should be empty holds tables that nobody marked as ours to delete."""


def claim(session: Session, schemas: Sequence[str], purpose: str) -> None:
    """Make schemas that are empty but for the mark; marked ones of the same purpose are emptied first.

    Both are looked at before either is touched.

    Args:
        session: of an account with all rights on these schemas.
        schemas: their names; missing ones are made.
        purpose: what the mark says; another purpose's schemas are left alone.

    Raises:
        SchemaInUse: one of them holds tables and not this mark.
        WarehouseError: the account may not make or fill one; the message says which grant is missing.
    """
    for schema in schemas:
        _make(session, schema)
        found = tables(session, schema)
        if found and _purpose(session, schema) != purpose:
            names = ", ".join(name for name, _ in found[:SHOWN])
            raise SchemaInUse(
                f"expected the schema {schema} empty, but it holds {len(found)} tables ({names}, …); "
                "name other schemas, or drop it yourself if nobody needs it"
            )
    for schema in schemas:
        # The purpose is part of the statement: a mark that says nothing, left by a kill, would be in the way for good.
        session.run(
            f"CREATE TABLE IF NOT EXISTS {schema}.{MARK} (nothing TINYINT NOT NULL PRIMARY KEY) ENGINE=InnoDB COMMENT=%s",
            (purpose,),
        )
        empty(session, schema)


def release(session: Session, schemas: Sequence[str]) -> None:
    """Take the mark away: from now on the schemas are nobody's to empty."""
    for schema in schemas:
        session.run(f"DROP TABLE IF EXISTS {schema}.{MARK}")


def drop(session: Session, schemas: Sequence[str], purpose: str) -> None:
    """Drop schemas that bear the mark of a purpose, with all they hold; others stay."""
    for schema in schemas:
        if _purpose(session, schema) == purpose:
            empty(session, schema)  # the mark goes last: killed in between, the rest is still known as ours
            session.run(f"DROP DATABASE {schema}")


def empty(session: Session, schema: str) -> None:
    """Drop all of a schema's tables and views but the mark."""
    for name, kind in tables(session, schema):
        if name != MARK:
            session.run(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} IF EXISTS {schema}.`{name}`")


def tables(session: Session, schema: str) -> list[tuple[str, str]]:
    """Return names and kinds (``BASE TABLE``, ``VIEW``) of what a schema holds."""
    rows = session.all(
        "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = %s ORDER BY 1", (schema,)
    )
    return [(str(name), str(kind)) for name, kind in rows]


def _make(session: Session, schema: str) -> None:
    try:
        session.run(f"CREATE DATABASE IF NOT EXISTS {schema} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    except MySQLdb.Error as error:
        if error.args[0] not in DENIED:
            raise
        account = session.one("SELECT CURRENT_USER()")
        user, _, host = str(account[0] if account else "").rpartition("@")
        raise WarehouseError(
            f"expected to make the schema {schema}, but the server refused ({error.args[-1]}); "
            f"as its administrator: GRANT ALL ON {schema}.* TO '{user}'@'{host}'"
        ) from error


def _purpose(session: Session, schema: str) -> str | None:
    row = session.one(
        "SELECT table_comment FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
        (schema, MARK),
    )
    return str(row[0]) if row else None
