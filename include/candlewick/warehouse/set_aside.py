"""What a way back takes out of the raw schema, kept in it so that the way forward finds it again.

A downgrade drops what its revision brought: a table with all its rows, columns with all their values. Before it does, a
table ``t`` of revision 0005 is renamed to ``t__of_0005``, where ``DROP TABLE IF EXISTS t`` does not find it, and the values
of columns it added to a table ``u`` are copied, beside the primary key, to ``u__of_0005``. The next upgrade to that
revision renames and copies back. A revision says what it brought by its ``TABLES`` and ``COLUMNS``.

Every statement commits by itself (DDL does on both servers), and each function can be called again after a crash anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from candlewick.warehouse.database import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from candlewick.warehouse.database import Session

MARK = "__of_"
MAKING = "__next"  # behind the name of a copy that is not whole yet


def name_of(table: str, revision: str) -> str:
    """Return the name under which what a revision brought to a table is kept."""
    return f"{table}{MARK}{revision}"


def revisions(session: Session) -> set[str]:
    """Return the revisions of which something is set aside, or was about to be."""
    rows = session.all(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE %s",
        (f"%{MARK.replace('_', chr(92) + '_')}%",),
    )
    return {str(name).rpartition(MARK)[2].removesuffix(MAKING) for (name,) in rows}


def put_tables(session: Session, revision: str, tables: Iterable[str]) -> None:
    """Rename a revision's tables out of the way of its downgrade.

    Raises:
        WarehouseError: a table is there under both names.
    """
    present = _tables(session)
    for table in tables:
        if table in present:
            _rename(session, table, name_of(table, revision), present)


def bring_tables(session: Session, revision: str, tables: Iterable[str]) -> None:
    """Give a revision's tables their names again, before its upgrade would make empty ones.

    Raises:
        WarehouseError: a table is there under both names.
    """
    present = _tables(session)
    for table in tables:
        if name_of(table, revision) in present:
            _rename(session, name_of(table, revision), table, present)


def put_columns(session: Session, revision: str, columns: Mapping[str, Iterable[str]]) -> None:
    """Copy the values of a revision's columns; where a downgrade was killed between its columns, the copy stands."""
    present = _tables(session)
    for table, added in columns.items():
        if table not in present or not set(added) <= _columns(session, table):
            continue
        kept, making = name_of(table, revision), name_of(table, revision) + MAKING
        key = ", ".join(_key(session, table))
        has_value = " OR ".join(f"{column} IS NOT NULL" for column in added)
        session.run(f"DROP TABLE IF EXISTS {making}")
        session.run(
            f"CREATE TABLE {making} (PRIMARY KEY ({key})) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 "
            f"COLLATE utf8mb4_unicode_ci SELECT {key}, {', '.join(added)} FROM {table} WHERE {has_value}"
        )
        session.commit()
        session.run(f"DROP TABLE IF EXISTS {kept}")
        session.run(f"RENAME TABLE {making} TO {kept}")


def bring_columns(session: Session, revision: str, columns: Mapping[str, Iterable[str]]) -> None:
    """Copy values back into a revision's columns, where nobody has written others since, and drop the copy.

    Nothing happens to a table that lacks one of the columns: its downgrade was killed and has to be finished first, or
    taken back.
    """
    present = _tables(session)
    for table, added in columns.items():
        kept = name_of(table, revision)
        session.run(f"DROP TABLE IF EXISTS {kept}{MAKING}")  # a copy that was killed before it was whole
        if kept not in present or not set(added) <= _columns(session, table):
            continue
        values = ", ".join(f"t.{column} = COALESCE(t.{column}, kept.{column})" for column in added)
        session.run(f"UPDATE {table} AS t JOIN {kept} AS kept USING ({', '.join(_key(session, table))}) SET {values}")
        session.commit()
        session.run(f"DROP TABLE {kept}")


def _rename(session: Session, table: str, to: str, present: set[str]) -> None:
    if to in present:
        raise WarehouseError(
            f"expected one of the tables {table} and {to}, but both are there, and one of them was made while a way back was "
            "under way; drop the one that holds nothing you need, then do this again"
        )
    session.run(f"RENAME TABLE {table} TO {to}")


def _tables(session: Session) -> set[str]:
    rows = session.all("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
    return {str(name) for (name,) in rows}


def _columns(session: Session, table: str) -> set[str]:
    rows = session.all(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s",
        (table,),
    )
    return {str(name) for (name,) in rows}


def _key(session: Session, table: str) -> list[str]:
    rows = session.all(
        "SELECT column_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = %s "
        "AND index_name = 'PRIMARY' ORDER BY seq_in_index",
        (table,),
    )
    return [str(name) for (name,) in rows]
