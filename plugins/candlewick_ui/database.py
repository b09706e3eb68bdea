"""The warehouse as readers see it: pooled connections of `warehouse_read`, each statement bounded in time.

Sessions use autocommit: an idle transaction of a reader would hold up every RENAME and every change of partitions.
"""

from __future__ import annotations

import gc
import logging
import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends
from fastapi.concurrency import run_in_threadpool
from MySQLdb.constants import FIELD_TYPE
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from sqlalchemy import TextClause, bindparam, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from candlewick.connections import WAREHOUSE_READ, warehouse
from candlewick.settings import settings
from candlewick.warehouse.database import SERVER_GONE, WarehouseError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import Engine

log = logging.getLogger(__name__)
_tracer = trace.get_tracer("candlewick")  # records nothing unless `[traces] otel_on`
POOL, OVERFLOW, WAIT_SECONDS, RECYCLE_SECONDS = 8, 8, 5, 300
STATEMENT_SECONDS = 10
# So much longer we wait than the server may take: it ends a statement by itself, but a lost network says nothing at all.
ANSWER_SECONDS = 5
CUT_SECONDS = 1.0
# The statement took too long: MySQL's and MariaDB's error. The latter also says so of a killed query.
_TOO_LONG = {3024, 1969, 1317}
# Too many connections (of all, of this login), login refused, no right to read it, no such schema.
_DOWN = SERVER_GONE | {1040, 1226, 1044, 1045, 1142, 1143, 1049}
# dbt has not built the table yet, or not what a view is made of, or the schema is older than this code.
UNKNOWN_COLUMN = 1054
_MISSING = {1146, 1356, UNKNOWN_COLUMN}


class DatabaseBusy(Exception):
    """No connection was free, or a statement took too long: trying again later is right."""


class DatabaseDown(Exception):
    """The warehouse does not answer, or lacks what was asked for."""


class NotBuilt(DatabaseDown):
    """A table that is asked for is not there yet."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What becomes of the text in which the server sends decimals and times (DATETIME, TIMESTAMP: `YYYY-MM-DD HH:MM:SS[.fraction]`).

    Of a thousand candles that are only passed on, making numbers and times of it, and text of them again, takes longer than
    all the rest.
    """

    decimals: Callable[[str], Any] = Decimal
    times: Callable[[str], Any] = datetime.fromisoformat  # the driver's own is written in Python, and slow

    def by_type(self) -> dict[int, Callable[[str], Any]]:
        """Return them as the driver wants to have them: by the type of a column."""
        decimals = dict.fromkeys((FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL), self.decimals)
        return decimals | dict.fromkeys((FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP), self.times)


VALUES = Reading()  # decimals as ``Decimal``, times as naive UTC


class Reader:
    """Runs statements; rows come as mappings from column to value, decimals and times as the `Reading` says that was asked for.

    Args:
        connect: opens a connection whose schema is that of the marts.
        statement_seconds: after which the server gives up a statement.
        raw_schema: of staging and ledgers; None: the settings' one.
    """

    def __init__(
        self, connect: Callable[[], Any], statement_seconds: float = STATEMENT_SECONDS, raw_schema: str | None = None
    ) -> None:
        self._seconds, self._raw = statement_seconds, raw_schema or settings().raw_schema
        self._engine: Engine = create_engine(
            "mysql+mysqldb://",
            creator=connect,
            poolclass=QueuePool,
            pool_size=POOL,
            max_overflow=OVERFLOW,
            pool_timeout=WAIT_SECONDS,
            pool_recycle=RECYCLE_SECONDS,
            pool_use_lifo=True,
            # Of autocommit nothing is to be undone, and `rows` sees by itself what was cut: each would ask the server once more.
            pool_reset_on_return=None,
            pool_pre_ping=False,
            isolation_level="AUTOCOMMIT",
        )
        event.listen(self._engine, "connect", self._prepare)

    def rows(self, statement: str, reading: Reading = VALUES, /, **values: Any) -> list[dict[str, Any]]:
        """Run a SELECT; ``:name`` in it stands for a value, ``{raw}`` for the schema of staging and ledgers.

        A list as a value stands for its members: ``symbol IN :symbols``. ``reading`` says what becomes of decimals and times.

        Raises:
            DatabaseBusy, DatabaseDown: as they say.
        """
        try:
            return self._rows(statement, values, reading)
        except PoolTimeout as error:
            raise DatabaseBusy("every connection to the warehouse is in use; ask again in a moment") from error
        except DBAPIError as error:
            raise self._typed(error) from error
        except WarehouseError as error:
            raise DatabaseDown(f"{error}; `make status` tells more") from error

    def _rows(
        self, statement: str, values: dict[str, Any], reading: Reading, *, may_be_cut: bool = True
    ) -> list[dict[str, Any]]:
        with self._span(statement), self._engine.connect() as connection:
            begun = time.monotonic()
            driver: Any = connection.connection.driver_connection
            driver.converter.update(
                reading.by_type()
            )  # looked up when the answer comes; the next statement here sets its own
            try:
                found = connection.execute(self._prepared(statement, values), values)
                names = tuple(found.keys())
                # The driver's own rows: a statement in text has nothing to be converted, and `mappings()` takes four times as long.
                return [dict(zip(names, row, strict=True)) for row in found.cursor.fetchall()]
            except DBAPIError as error:
                # A connection that was cut while it lay in the pool, as all are when the server is started again, says so
                # at once; reading twice does no harm. What was lost at work took its time already.
                is_cut = may_be_cut and error.connection_invalidated and time.monotonic() - begun < CUT_SECONDS
                if not is_cut:
                    raise
        return self._rows(statement, values, reading, may_be_cut=False)

    @staticmethod
    def _span(statement: str) -> AbstractContextManager[object]:
        """Open the span of a statement: its text names values, it has none."""
        attributes = {"db.system.name": "mysql", "db.query.text": statement.strip()}
        return _tracer.start_as_current_span("SELECT", kind=SpanKind.CLIENT, attributes=attributes)

    def _prepared(self, statement: str, values: dict[str, Any]) -> TextClause:
        lists = tuple(name for name, value in values.items() if isinstance(value, list | tuple))
        return _prepared(statement, self._raw, lists)

    def one(self, statement: str, **values: Any) -> dict[str, Any] | None:
        """Return the first row of a SELECT, or None."""
        found = self.rows(statement, **values)
        return found[0] if found else None

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _prepare(self, connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            is_mariadb = "mariadb" in cursor.fetchone()[0].lower()
            bound = (
                ("max_statement_time", self._seconds) if is_mariadb else ("max_execution_time", self._seconds * 1000)
            )
            cursor.execute("SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci")
            cursor.execute(f"SET SESSION time_zone = '+00:00', {bound[0]} = {bound[1]:.15g}")
            cursor.execute("SET SESSION TRANSACTION READ ONLY")

    def _typed(self, error: DBAPIError) -> Exception:
        code = error.orig.args[0] if error.orig and error.orig.args else 0
        if code in _TOO_LONG:
            return DatabaseBusy(f"the warehouse did not answer within {self._seconds:g} s; ask for less, or later")
        if error.connection_invalidated or code in _DOWN:
            return DatabaseDown(f"the warehouse does not answer (error {code}); `make status` tells more")
        if code in _MISSING:
            said = error.orig.args[1] if error.orig else ""
            if (
                code == UNKNOWN_COLUMN
            ):  # of a new platform no news, but this is: the code is newer than the marts, or older
                log.warning("the warehouse lacks what this code asks for (%s); dbt builds it, or `make upgrade`", said)
            return NotBuilt(
                f"the warehouse has not everything yet ({said}); the next runs of market_minute and market_hourly build it"
            )
        return error


@lru_cache(maxsize=1024)
def _prepared(statement: str, raw_schema: str, lists: tuple[str, ...]) -> TextClause:
    """Find the `:names` of a statement: the same few are run over and over, and finding takes longer than sending."""
    found = text(statement.replace("{raw}", f"`{raw_schema}`"))
    return found.bindparams(*(bindparam(name, expanding=True) for name in lists))


_making = Lock()


def reader() -> Reader:
    """Return this process's reader of the marts, made at its first use."""
    with _making:  # the first two requests may come at once, and a pool more would stay for good
        return _reader()


@lru_cache(maxsize=1)
def _reader() -> Reader:
    # What Airflow has made by now, a million objects, lives as long as the process. The collector would go over all of it
    # whenever enough rows were read, and nobody be answered for half a second: https://docs.python.org/3/library/gc.html#gc.freeze
    gc.collect()
    gc.freeze()
    seconds = STATEMENT_SECONDS + ANSWER_SECONDS
    return Reader(warehouse(WAREHOUSE_READ, settings().marts_schema, answer_seconds=seconds).open)


async def _shared() -> Reader:
    """Return the reader; not a plain function, which FastAPI would hand to a thread for each request.

    Until there is one it is made in a thread: whoever keeps Airflow's connections may take long to tell them.
    """
    return reader() if _reader.cache_info().currsize else await run_in_threadpool(reader)


ReaderOfMarts = Annotated[Reader, Depends(_shared)]
