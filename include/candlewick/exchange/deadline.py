"""Connections that give up on an answer that is not whole in time.

A read time-out is one wait for bytes: a server that sends a byte now and then never meets it. Here every read of an
answer, from its status line to its last byte, also ends at the answer's deadline.
"""

from __future__ import annotations

import io
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    import socket

    from urllib3 import HTTPConnectionPool, PoolManager


class AnswerTooLate(Exception):
    """An answer was not whole at its deadline. No OSError: the libraries would tell it as a read time-out."""


class _DeadlineReader(io.RawIOBase):
    """Reads a socket until a moment of the monotonic clock."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, seconds: float) -> None:
        self._raw, self._connection, self._seconds = raw, connection, seconds
        self._read_timeout, self._deadline = connection.gettimeout() or seconds, time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._too_late()
        self._connection.settimeout(min(self._read_timeout, left))
        try:
            return self._raw.readinto(buffer)
        except TimeoutError:
            if time.monotonic() >= self._deadline:
                raise self._too_late() from None
            raise

    def close(self) -> None:
        self._raw.close()
        super().close()

    def _too_late(self) -> AnswerTooLate:
        return AnswerTooLate(f"it was not whole after {self._seconds:g} s, see answer_timeout_seconds")


class _Response(HTTPResponse):
    """A response read by a :class:`_DeadlineReader`."""

    answer_seconds: float

    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock, self.answer_seconds))


class DeadlineAdapter(HTTPAdapter):
    """The transport of ``requests``, with so many seconds for each answer; also through a proxy."""

    def __init__(self, answer_seconds: float, *, hosts: int, connections_per_host: int) -> None:
        self._response = type("Response", (_Response,), {"answer_seconds": answer_seconds})
        super().__init__(pool_connections=hosts, pool_maxsize=connections_per_host)

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*arguments, **named)
        self._set_deadline(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **named: Any) -> PoolManager:
        """Return the pools of connections through a proxy."""
        is_new = proxy not in self.proxy_manager
        manager: PoolManager = super().proxy_manager_for(proxy, **named)
        if is_new:
            self._set_deadline(manager)
        return manager

    def _set_deadline(self, manager: PoolManager) -> None:
        def timed(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
            connection = type("Connection", (pool.ConnectionCls,), {"response_class": self._response})
            return type("Pool", (pool,), {"ConnectionCls": connection})

        classes = manager.pool_classes_by_scheme
        manager.pool_classes_by_scheme = {scheme: timed(pool) for scheme, pool in classes.items()}
