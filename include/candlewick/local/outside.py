"""A warehouse from outside: whether each account may do its work there, and whose candles it holds already."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import MySQLdb

from candlewick.local.database import session
from candlewick.local.errors import LauncherError, PrivilegesMissing

if TYPE_CHECKING:
    from candlewick.local.wiring import Account, Wiring
    from candlewick.settings import Settings

NO_SUCH_SCHEMA, NO_SUCH_TABLE = 1049, 1146
INFILE = "LOCAL INFILE"


def require_warehouse(wiring: Wiring, settings: Settings, mode: str) -> None:
    """Try out what the platform will do, on a table that goes away again, before there is any of its own.

    Raises:
        Unreachable: the server does not answer or refuses the password.
        PrivilegesMissing: a step is refused; the message names it.
        LauncherError: the other mode's candles are there.
    """
    require_rights(wiring.account("WAREHOUSE"), settings.raw_schema, loads=True)
    require_rights(wiring.account("WAREHOUSE_TRANSFORM"), settings.marts_schema, views=True)
    require_mode(wiring.account("WAREHOUSE"), settings.raw_schema, mode)


def require_tables(wiring: Wiring, settings: Settings) -> None:
    """Try out what dbt and readers will do to the tables of the raw schema, now that they are there; nothing is changed.

    Raises:
        PrivilegesMissing: a step is refused; the message names it.
        LauncherError: dbt's account does not find a table that was just made.
    """
    raw, marts = settings.raw_schema, settings.marts_schema
    transformer, reader = wiring.account("WAREHOUSE_TRANSFORM"), wiring.account("WAREHOUSE_READ")
    with session(transformer) as connection, connection.cursor() as cursor:
        for needed, table, statement in (
            ("SELECT", "staging_klines", "SELECT 1 FROM {} LIMIT 0"),
            ("INSERT", "pending_loads", "INSERT INTO {0} SELECT * FROM {0} WHERE 1 = 0"),
            ("DELETE", "pending_loads", "DELETE FROM {} WHERE 1 = 0"),
            ("INSERT", "kline_revisions", "INSERT INTO {0} SELECT * FROM {0} WHERE 1 = 0"),
            ("UPDATE", "kline_revisions", "UPDATE {} SET lost_captured_at = lost_captured_at WHERE 1 = 0"),
            ("INSERT", "indicator_checkpoints", "INSERT INTO {0} SELECT * FROM {0} WHERE 1 = 0"),
            ("DELETE", "indicator_checkpoints", "DELETE FROM {} WHERE 1 = 0"),
            ("INSERT", "pipeline_events", "INSERT INTO {0} SELECT * FROM {0} WHERE 1 = 0"),
        ):
            _try(cursor, transformer, needed, f"{raw}.{table}", statement.format(f"{raw}.{table}"))
    with session(reader) as connection, connection.cursor() as cursor:
        for schema in (raw, marts):
            # Perhaps a replica, where nothing has arrived yet; and of the marts' schema this is no table at all.
            _try(
                cursor, reader, "SELECT", f"schema {schema}", f"SELECT 1 FROM {schema}.tracked_symbols LIMIT 0",
                may_be_missing=True,
            )  # fmt: skip


def require_rights(account: Account, schema: str, *, loads: bool = False, views: bool = False) -> None:
    """Try out what an account that owns a schema does in it; the schema is made when it is missing.

    Args:
        account: whom to try it as.
        schema: the schema this account writes.
        loads: it loads files of this machine.
        views: it makes views.
    """
    probe = f"{schema}.candlewick_probe_{os.getpid()}"
    with (
        session(account) as connection,
        connection.cursor() as cursor,
        tempfile.NamedTemporaryFile("w", suffix=".csv") as file,
    ):
        file.write("2\n")
        file.flush()
        create = f"CREATE DATABASE IF NOT EXISTS {schema} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
        steps = [
            ("CREATE (schema)", create),
            ("CREATE", f"CREATE TABLE {probe} (n BIGINT PRIMARY KEY)"),
            ("INSERT", f"INSERT INTO {probe} VALUES (1)"),
            *([(INFILE, f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE {probe}")] if loads else []),
            *([("CREATE VIEW", f"CREATE VIEW {probe}_view AS SELECT 1 AS n")] if views else []),
            ("CREATE TEMPORARY TABLES", f"CREATE TEMPORARY TABLE {probe}_temporary (n BIGINT)"),
            ("ALTER", f"ALTER TABLE {probe} ADD COLUMN m BIGINT"),
            ("UPDATE", f"UPDATE {probe} SET m = n"),
            ("DELETE", f"DELETE FROM {probe}"),
            *([("DROP", f"DROP VIEW {probe}_view")] if views else []),
            ("DROP", f"DROP TABLE {probe}"),
        ]
        try:
            for needed, statement in steps:
                _try(cursor, account, needed, f"schema {schema}", statement)
        except PrivilegesMissing:
            for left in (f"VIEW IF EXISTS {probe}_view", f"TABLE IF EXISTS {probe}"):
                with suppress(MySQLdb.Error):
                    cursor.execute(f"DROP {left}")
            raise


def require_mode(account: Account, schema: str, mode: str) -> None:
    """Let simulated and real candles never share a warehouse: the mode that used it first is noted in it.

    Raises:
        LauncherError: it was used in the other mode.
    """
    with session(account) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {schema}.launcher_mode (mode VARCHAR(8) NOT NULL PRIMARY KEY)")
        cursor.execute(f"SELECT mode FROM {schema}.launcher_mode")
        noted = cursor.fetchone()
        if noted is None:
            cursor.execute(f"INSERT INTO {schema}.launcher_mode VALUES (%s)", (mode,))
        elif noted[0] != mode:
            raise LauncherError(
                f"Schema {schema} of AIRFLOW_CONN_WAREHOUSE holds {noted[0]} candles and this platform is {mode}; "
                "name other schemas with CANDLEWICK_RAW_SCHEMA and CANDLEWICK_MARTS_SCHEMA, or another server."
            )


def _try(
    cursor: Any, account: Account, needed: str, place: str, statement: str, *, may_be_missing: bool = False
) -> None:
    try:
        cursor.execute(statement)
    except MySQLdb.Error as error:
        if error.args[0] in (NO_SUCH_SCHEMA, NO_SUCH_TABLE):
            # What a server says to an account that may read everything, of what nobody has made.
            if may_be_missing:
                return
            raise LauncherError(
                f"Expected {place} where AIRFLOW_CONN_{account.connection} leads to, but it is not there ({error.args[-1]}); "
                "it was made at AIRFLOW_CONN_WAREHOUSE: let both lead to the same server."
            ) from None
        hint = " and set local_infile=1 on the server" if needed == INFILE else ""
        raise PrivilegesMissing(
            f"The account {account.user} of AIRFLOW_CONN_{account.connection} needs {needed} on {place} and the server "
            f"refused: {error.args[-1]}; grant it{hint}."
        ) from None
