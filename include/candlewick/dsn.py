"""The address of the warehouse for analysts: ``python -m candlewick.dsn`` prints the reader's, with its password, as a DSN.

The account may only SELECT. Sessions should use autocommit: an idle transaction holds up every change of a table.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from urllib.parse import quote

from candlewick import connections
from candlewick.settings import settings


class NoReader(Exception):
    """There is no connection of a reader; the message says what to do."""


def reader_dsn() -> str:
    """Return ``mysql://user:password@host:port/schema`` of the connection `warehouse_read`, for SQLAlchemy and others.

    Raises:
        NoReader: there is no such connection, and the writer's is given to nobody.
    """
    found = connections.connection(connections.WAREHOUSE_READ)
    if found.conn_id != connections.WAREHOUSE_READ:
        raise NoReader(
            f"expected a connection {connections.WAREHOUSE_READ}, got none; set "
            f"AIRFLOW_CONN_{connections.WAREHOUSE_READ.upper()} to an account that may only SELECT (docs/configuration.md)"
        )
    login, password = quote(found.login or "", safe=""), quote(found.password or "", safe="")
    schema = found.schema or settings().marts_schema
    return f"mysql://{login}:{password}@{found.host or '127.0.0.1'}:{found.port or 3306}/{schema}"


def main() -> int:
    """Print it; return 1 when there is none."""
    try:
        with redirect_stdout(sys.stderr):  # where Airflow's own lines belong; the answer is ours alone
            dsn = reader_dsn()
    except NoReader as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{dsn}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
