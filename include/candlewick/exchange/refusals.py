"""What Binance means by an answer that is not 200: from status, headers and ``{"code", "msg"}`` to a typed error."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from candlewick.exchange.errors import (
    BadRequest,
    ExchangeError,
    HostRefused,
    IpBanned,
    RateLimited,
    Unavailable,
    UnknownSymbol,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

TOO_MANY_REQUESTS, UNKNOWN_SYMBOL = -1003, -1121
BANNED, CLIENT_ERROR = 418, 4
BUSY = {-1007, -1008}
"""Time-out inside the exchange, exchange overloaded: the question is fine."""
BANNED_UNTIL = re.compile(r"banned until (\d{13})")
DEFAULT_PAUSE_SECONDS = 60.0
"""Pause when a 429 names none: the counter starts anew each minute."""
DEFAULT_BAN_SECONDS = 120.0
"""Ban when a 418 names no end: the shortest the exchange documents."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer other than 200, as received from a host; ``now_ms`` is the latest the exchange's clock can show."""

    host: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    now_ms: int

    def error(self) -> ExchangeError:
        """Return what this answer means."""
        code, message = self._code_and_message()
        said = f"{self.host} answered {self.status}: {message}" + (f" (code {code})" if code is not None else "")
        if self.status == BANNED or (code == TOO_MANY_REQUESTS and BANNED_UNTIL.search(message)):
            until_ms = self._ban_end_ms(message)
            return IpBanned(
                f"expected an answer, but {said}; every process stops for {(until_ms - self.now_ms) / 1000:.0f} s, "
                "then lower weight_share or look for other users of this address",
                until_ms=until_ms,
            )
        if self.status == HTTPStatus.TOO_MANY_REQUESTS or code == TOO_MANY_REQUESTS:
            seconds = self._retry_after_seconds(DEFAULT_PAUSE_SECONDS)
            return RateLimited(
                f"expected an answer, but {said}; every process pauses for {seconds:.0f} s",
                retry_after_seconds=seconds,
            )
        if self.status in (HTTPStatus.FORBIDDEN, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS):
            return HostRefused(
                f"expected an answer, but {said}; this host does not serve this address, the next one is asked",
                http_status=self.status,
            )
        if self.status // 100 != CLIENT_ERROR or self.status == HTTPStatus.REQUEST_TIMEOUT or code in BUSY:
            return Unavailable(f"expected an answer, but {said}; try again", http_status=self.status)
        if code == UNKNOWN_SYMBOL:
            return UnknownSymbol(
                f"expected a symbol of the exchange, but {said}; remove it from the tracked symbols",
                http_status=self.status,
            )
        return BadRequest(
            f"expected the question to be understood, but {said}; correct its parameters or the connection's host",
            http_status=self.status,
        )

    def _code_and_message(self) -> tuple[int | None, str]:
        text = self.body[:300].decode("utf-8", "replace").strip()
        try:
            content = json.loads(self.body)
        except ValueError:
            return None, text or "an empty body"
        if not isinstance(content, dict) or not isinstance(content.get("code"), int):
            return None, text
        return content["code"], str(content.get("msg", ""))

    def _ban_end_ms(self, message: str) -> int:
        """Return the end the message names, on the exchange's own clock; else the one Retry-After leads to."""
        if named := BANNED_UNTIL.search(message):
            return int(named[1])
        return self.now_ms + int(self._retry_after_seconds(DEFAULT_BAN_SECONDS) * 1000)

    def _retry_after_seconds(self, default: float) -> float:
        value = self.headers.get("Retry-After", "").strip()
        return float(value) if value.isdecimal() else default
