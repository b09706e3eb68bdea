"""What all processes share about one host, and the port to where it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


class BreakerState(StrEnum):
    """Whether a host is asked: always, not at all, or by one trial."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(slots=True)
class HostState:
    """One host's weight, ban, pause and breaker; the row of ``host_state``. Stamps in ms of the exchange's clock.

    ``clock_offset_ms`` is that clock less our wall clock, so that a process that has not asked the exchange for its
    time yet can tell whether a ban is over.
    """

    host: str
    window_minute: int = 0
    used_weight: int = 0
    weight_limit: int | None = None
    banned_until_ms: int | None = None
    paused_until_ms: int | None = None
    ban_reason: str | None = None
    breaker_state: BreakerState = BreakerState.CLOSED
    breaker_failures: int = 0
    breaker_opened_at_ms: int | None = None
    clock_offset_ms: int = 0


class HostStates(Protocol):
    """Where host states are kept; safe to call from many threads and processes."""

    def change(self, hosts: Sequence[str], now_ms: int, rule: Callable[[list[HostState]], T]) -> T:
        """Apply a rule to the states of these hosts, alone: nobody else reads or writes them meanwhile.

        The rule gets the states in the order asked for, changes them in place and returns what the caller wants to
        know. It may run twice (a lost connection), so it must do nothing else. When it raises, nothing is kept.

        Raises:
            HostStateUnavailable: the state cannot be read or written.
        """

    def close(self) -> None:
        """Give the connection back."""
