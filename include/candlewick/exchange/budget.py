"""How much weight may still be sent in this minute, and when nothing may be sent at all: rules over a host's state.

The exchange counts weight per address and minute of its own clock. Weight is reserved before a request is sent, by
all processes in the same row; the counter the exchange returns (``X-MBX-USED-WEIGHT-1M``) can only raise it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.exchange.errors import BudgetExhausted, IpBanned, RateLimited
from candlewick.market import MILLISECONDS_PER_MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from candlewick.exchange.state import HostState

UNKNOWN_LIMIT = 1200
"""Weight per minute assumed until the exchange told its limit: the lowest it has had."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What an answer tells: the minutes it may have been counted in, and the counter it carried.

    ``reserved_in`` is the minute its weight was reserved in, as :meth:`WeightBudget.reserve` returned it.
    """

    weight: int
    reserved_in: int
    first_minute: int
    last_minute: int
    used_weight: int | None


@dataclass(frozen=True, slots=True)
class WeightBudget:
    """The share of a host's weight limit that all processes together stay under (0 < share ≤ 1)."""

    share: float

    def check_ban(self, state: HostState, now_ms: int) -> None:
        """Raise when the address is banned.

        Raises:
            IpBanned: until the ban ends, for every process.
        """
        until_ms = state.banned_until_ms
        if until_ms is not None and now_ms < until_ms:
            raise IpBanned(
                f"expected to be allowed to ask {state.host}, but this address is banned for another "
                f"{(until_ms - now_ms) / 1000:.0f} s ({state.ban_reason}); nothing is sent until the ban ends",
                until_ms=until_ms,
            ).at(state.host)

    def obstacle(
        self, state: HostState, weight: int, now_ms: int, *, clock_known: bool
    ) -> RateLimited | BudgetExhausted | None:
        """Return what a request of this weight has to wait for, with the seconds to wait; None when it may be sent."""
        if state.paused_until_ms is not None and now_ms < state.paused_until_ms:
            seconds = (state.paused_until_ms - now_ms) / 1000
            return RateLimited(
                f"expected to be allowed to ask {state.host}, but it asked every process to pause for another "
                f"{seconds:.1f} s; try again then, and lower weight_share if it happens often",
                retry_after_seconds=seconds,
            ).at(state.host)
        minute = now_ms // MILLISECONDS_PER_MINUTE
        limit = int(self.share * (state.weight_limit or UNKNOWN_LIMIT))
        window, used = (state.window_minute, state.used_weight) if _is_current(state, minute) else (minute, 0)
        if not clock_known or used + weight <= limit:
            return None
        seconds = ((window + 1) * MILLISECONDS_PER_MINUTE - now_ms) / 1000
        return BudgetExhausted(
            f"expected room for weight {weight} at {state.host}, but {used} of our {limit} a minute are used; "
            f"the next minute starts in {seconds:.1f} s",
            retry_after_seconds=seconds,
        ).at(state.host)

    def reserve(self, state: HostState, weight: int, now_ms: int, *, clock_known: bool) -> int:
        """Count a request before it is sent, and return the minute it was counted in.

        With an unknown clock that is whichever minute the state is in.
        """
        if clock_known:
            _enter(state, now_ms // MILLISECONDS_PER_MINUTE)
        state.used_weight += weight
        return state.window_minute


def settle(state: HostState, counted: Counted) -> None:
    """Correct the reservation by what the exchange counted.

    Weight reserved in another minute is added to the one the answer came in: it may have been counted there. The
    counter is used only if the answer did not cross a minute; else it may be that of the old one.
    """
    _enter(state, counted.last_minute)
    if state.window_minute != counted.last_minute:
        return
    if counted.reserved_in != counted.last_minute:
        state.used_weight += counted.weight
    if counted.used_weight is not None and counted.first_minute == counted.last_minute:
        state.used_weight = max(state.used_weight, counted.used_weight)


def ban(states: Iterable[HostState], until_ms: int, reason: str) -> None:
    """Stop every process: the ban is on the address, so it holds for every host of the connection, fallbacks too."""
    for state in states:
        if state.banned_until_ms is None or state.banned_until_ms < until_ms:
            state.banned_until_ms, state.ban_reason = until_ms, reason[:500]


def pause(states: Iterable[HostState], until_ms: int) -> None:
    """Let every process wait; asking another host instead would be the way into a ban."""
    for state in states:
        state.paused_until_ms = max(until_ms, state.paused_until_ms or 0)


def _is_current(state: HostState, minute: int) -> bool:
    """Tell whether the state counts this minute, or the next one, seen by a process with a quicker line."""
    return minute <= state.window_minute <= minute + 1


def _enter(state: HostState, minute: int) -> None:
    if not _is_current(state, minute):
        state.window_minute, state.used_weight = minute, 0
