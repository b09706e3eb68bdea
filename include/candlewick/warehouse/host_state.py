"""The table ``host_state``: what all processes share about an exchange's host, one row each, changed under its lock."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from candlewick.exchange.errors import HostStateUnavailable
from candlewick.exchange.state import BreakerState, HostState
from candlewick.settings import settings
from candlewick.warehouse.database import (
    DEADLOCK,
    SERVER_GONE,
    SESSION_SETTINGS,
    Session,
    WarehouseError,
    from_ms,
    to_ms,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

T = TypeVar("T")

COLUMNS = (
    "host, window_minute, used_weight, weight_limit, banned_until, paused_until, ban_reason, "
    "breaker_state, breaker_failures, breaker_opened_at, clock_offset_ms"
)
WORTH_A_SECOND_TRY = {*SERVER_GONE, DEADLOCK, 4031}
"""Errors after which the transaction is done once more on a new connection; 4031: the server closed an idle session."""
LOCK_WAIT_SECONDS = 10


class HostStateStore:
    """Host states in the warehouse: one short transaction per change, on one own connection per process.

    The connection is opened at the first change and opened anew once when it was lost. Threads of a process take turns
    (about 1 ms each); processes take turns by the row lock.
    """

    def __init__(self, connect: Callable[[], Any], schema: str | None = None) -> None:
        self._connect = connect
        self._session: Session | None = None
        self._table = f"`{schema or settings().raw_schema}`.`host_state`"
        self._turn = threading.Lock()

    def change(self, hosts: Sequence[str], now_ms: int, rule: Callable[[list[HostState]], T]) -> T:
        """Apply a rule to these hosts' states under their row locks, as ``HostStates`` promises.

        Raises:
            HostStateUnavailable: the database cannot be reached or refuses.
        """
        import MySQLdb

        with self._turn:
            try:
                return self._transaction(hosts, now_ms, rule)
            except (MySQLdb.Error, WarehouseError) as error:
                self._drop()
                if not error.args or error.args[0] not in WORTH_A_SECOND_TRY:
                    raise self._unavailable(error) from error
            try:
                return self._transaction(hosts, now_ms, rule)
            except (MySQLdb.Error, WarehouseError) as error:
                self._drop()
                raise self._unavailable(error) from error

    def close(self) -> None:
        """Give the connection back; the next change opens another."""
        with self._turn:
            self._drop()

    def _transaction(self, hosts: Sequence[str], now_ms: int, rule: Callable[[list[HostState]], T]) -> T:
        session = self._open()
        try:
            before = self._locked(session, hosts)
            if len(before) < len(set(hosts)):
                self._insert_missing(session, hosts, now_ms)
                before = self._locked(session, hosts)
            states = {name: replace(state) for name, state in before.items()}
            result = rule([states[host] for host in hosts])
            for name, state in states.items():
                if state != before[name]:
                    self._save(session, state, now_ms)
            session.commit()
        except BaseException:
            self._roll_back(session)
            raise
        return result

    def _open(self) -> Session:
        if self._session is None:
            connection = self._connect()
            connection.autocommit(False)
            session = Session(connection)
            for statement in SESSION_SETTINGS:
                session.run(statement)
            session.run("SET SESSION innodb_lock_wait_timeout = %s", (LOCK_WAIT_SECONDS,))
            self._session = session
        return self._session

    def _drop(self) -> None:
        import MySQLdb

        session, self._session = self._session, None
        if session is not None:
            with suppress(MySQLdb.Error):  # a lost connection cannot be closed
                session.connection.close()

    def _roll_back(self, session: Session) -> None:
        import MySQLdb

        try:
            session.connection.rollback()
        except MySQLdb.Error:  # the server rolls back what a lost connection left; the first error is the one to tell
            self._drop()

    def _locked(self, session: Session, hosts: Sequence[str]) -> dict[str, HostState]:
        marks = ", ".join(["%s"] * len(hosts))
        # One order of locking for everybody, so that two bans at once do not wait for each other.
        query = f"SELECT {COLUMNS} FROM {self._table} WHERE host IN ({marks}) ORDER BY host FOR UPDATE"
        return {row[0]: _state(row) for row in session.all(query, tuple(hosts))}

    def _insert_missing(self, session: Session, hosts: Sequence[str], now_ms: int) -> None:
        session.connection.rollback()  # the locks on the rows that exist: those who insert hold no other lock
        for host in sorted(set(hosts)):
            session.run(
                f"INSERT INTO {self._table} (host, updated_at) VALUES (%s, %s) ON DUPLICATE KEY UPDATE host = host",
                (host, from_ms(now_ms)),
            )
            session.commit()

    def _save(self, session: Session, state: HostState, now_ms: int) -> None:
        session.run(
            f"UPDATE {self._table} SET window_minute = %s, used_weight = %s, weight_limit = %s, banned_until = %s, "
            "paused_until = %s, ban_reason = %s, breaker_state = %s, breaker_failures = %s, breaker_opened_at = %s, "
            "clock_offset_ms = %s, updated_at = %s WHERE host = %s",
            (
                state.window_minute,
                state.used_weight,
                state.weight_limit,
                _moment(state.banned_until_ms),
                _moment(state.paused_until_ms),
                state.ban_reason,
                state.breaker_state.value,
                state.breaker_failures,
                _moment(state.breaker_opened_at_ms),
                state.clock_offset_ms,
                from_ms(now_ms),
                state.host,
            ),
        )

    def _unavailable(self, error: Exception) -> HostStateUnavailable:
        return HostStateUnavailable(
            f"expected to change {self._table}, which all workers share, but the database said {error}; "
            "nothing is sent without it: check the warehouse connection and that its migrations ran"
        )


def _state(row: tuple[Any, ...]) -> HostState:
    host, minute, used, limit, banned, paused, reason, breaker, failures, opened, offset_ms = row
    return HostState(
        host,
        minute,
        used,
        limit,
        _stamp(banned),
        _stamp(paused),
        reason,
        BreakerState(breaker),
        failures,
        _stamp(opened),
        offset_ms,
    )


def _stamp(moment: datetime | None) -> int | None:
    return None if moment is None else to_ms(moment)


def _moment(stamp_ms: int | None) -> datetime | None:
    return None if stamp_ms is None else from_ms(stamp_ms)
