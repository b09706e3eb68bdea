"""What can go wrong when an exchange is asked.

ExchangeError
├── BadRequest          our question is wrong (unknown symbol, bad interval): never tried again
│   └── UnknownSymbol
├── RateLimited         429: asked too often; carries ``retry_after_seconds``
├── IpBanned            418: everyone stops; carries ``until_ms``
├── BudgetExhausted     our own share of the weight limit is used up; carries ``retry_after_seconds``
├── BadChecksum         an archive's checksum file is of another file: wait until it is published anew
├── HostRefused         403/451: this host does not serve us; another may
├── HostStateUnavailable  the shared ban and weight state cannot be read: nothing is sent without it
└── Unavailable         time-out, lost connection, 5xx, an answer cut short: worth another try
    └── NoHostLeft      every host's breaker is open or every host refused
"""

from __future__ import annotations

from typing import Self


class ExchangeError(Exception):
    """Base of everything an exchange adapter raises; ``host`` is the one asked, or that would have been, where known."""

    host: str | None = None
    http_status: int | None = None

    def at(self, host: str) -> Self:
        """Name the host; return the error itself."""
        self.host = host
        return self


class BadRequest(ExchangeError):
    """The exchange understood and refused the question."""

    def __init__(self, message: str, *, http_status: int | None = None) -> None:
        super().__init__(message)
        self.http_status = http_status


class UnknownSymbol(BadRequest):
    """The exchange does not know the symbol."""


class RateLimited(ExchangeError):
    """Asked too often."""

    http_status = 429

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class IpBanned(ExchangeError):
    """The exchange bans this address; every worker stops until ``until_ms``."""

    http_status = 418

    def __init__(self, message: str, *, until_ms: int) -> None:
        super().__init__(message)
        self.until_ms = until_ms


class BudgetExhausted(ExchangeError):
    """Our own share of the weight limit is used up for this minute."""

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class BadChecksum(ExchangeError):
    """What an archive publishes beside a file is not that file's checksum."""


class HostRefused(ExchangeError):
    """This host does not serve us (firewall, region)."""

    def __init__(self, message: str, *, http_status: int) -> None:
        super().__init__(message)
        self.http_status = http_status


class HostStateUnavailable(ExchangeError):
    """The state all processes share about a host cannot be read or written: no database, no requests."""


class Unavailable(ExchangeError):
    """No usable answer: time-out, lost connection, 5xx, or a body cut short."""

    def __init__(self, message: str, *, http_status: int | None = None) -> None:
        super().__init__(message)
        self.http_status = http_status


class NoHostLeft(Unavailable):
    """Every host of the connection is refused or resting."""
