"""Sessions on the warehouse: one way to open, to commit, to lock and to try again."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import MySQLdb

from candlewick.settings import Settings, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
LOCK_WAIT_TIMEOUT, DEADLOCK = 1205, 1213
DUPLICATE_KEY = 1062  # two processes that ask the same in the same millisecond: the later one asks again
LOCK_NAME_LENGTH = 64
SERVER_GONE = {2002, 2003, 2006, 2013, 1053, 1927}
SESSION_SETTINGS = (
    "SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci",
    "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
)


class WarehouseError(Exception):
    """The warehouse did not do what was asked; the message says what to do."""


class WarehouseBusy(WarehouseError):
    """Another writer holds what is needed (or a deadlock, or a lost server): trying again later is right."""


def from_ms(stamp_ms: int) -> datetime:
    """Turn a stamp in ms since 1970 UTC into a naive UTC datetime, as the tables hold it."""
    return EPOCH + timedelta(milliseconds=stamp_ms)


def to_ms(moment: datetime) -> int:
    """Turn a naive UTC datetime of a table into ms since 1970 UTC."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def utc_now() -> datetime:
    """Our clock as the tables hold it: naive UTC, cut to ms."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class Session:
    """One connection inside one transaction; the caller of :meth:`Warehouse.session` decides when it ends."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def run(self, statement: str, parameters: Sequence[object] | None = None) -> int:
        """Run a statement; return the rows it changed."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return int(cursor.rowcount)

    def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Run one INSERT for many rows (sent as multi-row statements)."""
        if rows:
            with self.connection.cursor() as cursor:
                cursor.executemany(statement, rows)

    def insert(self, statement: str, parameters: Sequence[object]) -> int:
        """Run an INSERT; return the AUTO_INCREMENT value."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return int(cursor.lastrowid)

    def all(self, query: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Return every row of a query."""
        with self.connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return list(cursor.fetchall())

    def one(self, query: str, parameters: Sequence[object] | None = None) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None."""
        rows = self.all(query, parameters)
        return rows[0] if rows else None

    def commit(self) -> None:
        """Commit what was done so far."""
        self.connection.commit()

    def rollback(self) -> None:
        """Take back what was done since the last commit."""
        self.connection.rollback()


@dataclass(frozen=True, slots=True)
class Address:
    """Where an account's server is: what a program that is not ours (a dump) needs to get in."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)


class Warehouse:
    """The warehouse as one account sees it. Holds no connection; each session opens its own."""

    def __init__(
        self, connect: Callable[[], Any], config: Settings | None = None, address: Address | None = None
    ) -> None:
        self._connect, self._address = connect, address
        self.config = config or settings()

    @property
    def address(self) -> Address:
        """Where the server is, for other programs.

        Raises:
            WarehouseError: whoever made this object did not say.
        """
        if self._address is None:
            raise WarehouseError("expected a warehouse that knows its address; make it with candlewick.connections")
        return self._address

    def open(self) -> Any:
        """Open a bare driver connection.

        Raises:
            WarehouseBusy: when the server does not answer.
        """
        with _typed_errors():
            return self._connect()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a transaction: committed at the end of the block, rolled back when the block raises."""
        connection = self.open()
        try:
            with _typed_errors():
                connection.autocommit(False)
                session = Session(connection)
                for statement in SESSION_SETTINGS:
                    session.run(statement)
                session.run("SET SESSION innodb_lock_wait_timeout = %s", (self.config.lock_wait_seconds,))
                yield session
                connection.commit()
        except BaseException:
            with suppress(
                MySQLdb.Error
            ):  # a lost connection is rolled back by the server; the first error is the one to tell
                connection.rollback()
            raise
        finally:
            with suppress(MySQLdb.Error):
                connection.close()

    @contextmanager
    def named_lock(self, session: Session, name: str) -> Iterator[None]:
        """Hold a server-wide lock that is freed with the session, however that ends.

        Raises:
            WarehouseBusy: when another session keeps it longer than ``lock_wait_seconds``.
        """
        with self._lock(session, f"{self.config.raw_schema}.{name}"):
            yield

    @contextmanager
    def writer_lock(self, session: Session, table: str) -> Iterator[None]:
        """Hold the lock under which dbt writes a table of the marts (macro ``writer_lock``); commit before it is freed.

        Raises:
            WarehouseBusy: when another session keeps it longer than ``lock_wait_seconds``.
        """
        with self._lock(session, self.writer_lock_name(table)):
            yield

    def writer_lock_name(self, table: str) -> str:
        """Return the name of that lock."""
        name = f"{self.config.marts_schema}.{table}"
        if len(name) > LOCK_NAME_LENGTH:
            name = f"{name[:31]}-{hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()}"
        return name

    @contextmanager
    def _lock(self, session: Session, name: str) -> Iterator[None]:
        got = session.one("SELECT GET_LOCK(%s, %s)", (name, self.config.lock_wait_seconds))
        if not got or got[0] != 1:
            raise WarehouseBusy(
                f"expected the lock {name} within {self.config.lock_wait_seconds} s, "
                "but another session keeps it; it will be tried again"
            )
        try:
            yield
        finally:
            with suppress(MySQLdb.Error):  # a lost session has freed it already
                session.run("DO RELEASE_LOCK(%s)", (name,))


@contextmanager
def _typed_errors() -> Iterator[None]:
    """Turn the driver's errors into ours: what can be tried again, and what cannot."""
    try:
        yield
    except MySQLdb.Error as error:
        code = error.args[0] if error.args else 0
        sentence = f"the warehouse answered {error.args[1] if len(error.args) > 1 else error} (error {code})"
        if code in SERVER_GONE | {LOCK_WAIT_TIMEOUT, DEADLOCK, DUPLICATE_KEY}:
            raise WarehouseBusy(f"{sentence}; it will be tried again") from error
        raise WarehouseError(sentence) from error
