"""Circuit breaker of a host: rules over its shared state, so that one process's failures spare the others theirs.

Closed until ``failures`` requests in a row failed, then open: the host is not asked. After ``reset_ms`` one request is
let through (half open); its answer closes the breaker, its failure opens it again. The libraries that exist keep this
state in their own process or Redis and read their own clock; these rules need a row under a lock and the exchange's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.exchange.state import BreakerState

if TYPE_CHECKING:
    from candlewick.exchange.state import HostState


@dataclass(frozen=True, slots=True)
class Breaker:
    """When a host is left alone: after how many failures in a row, and for how many ms."""

    failures: int
    reset_ms: int

    def rests_for_ms(self, state: HostState, now_ms: int) -> int:
        """Return how long the host is not to be asked, in ms; 0 when it may be asked now.

        A half-open host rests while its one trial is out; a trial that never reported (its process died) is given up
        after the same time. A stamp from the future is another clock's mistake and makes no host rest longer.
        """
        if state.breaker_state is BreakerState.CLOSED or state.breaker_opened_at_ms is None:
            return 0
        return max(0, self.reset_ms - abs(now_ms - state.breaker_opened_at_ms))

    def enter(self, state: HostState, now_ms: int) -> None:
        """Note that a request is about to be sent: to a host that rested it is the trial."""
        if state.breaker_state is not BreakerState.CLOSED:
            state.breaker_state, state.breaker_opened_at_ms = BreakerState.HALF_OPEN, now_ms

    def succeeded(self, state: HostState) -> None:
        """Note an answer, whatever it says."""
        state.breaker_state, state.breaker_failures, state.breaker_opened_at_ms = BreakerState.CLOSED, 0, None

    def failed(self, state: HostState, now_ms: int) -> None:
        """Note a request without a usable answer."""
        state.breaker_failures += 1
        if state.breaker_state is BreakerState.HALF_OPEN or state.breaker_failures >= self.failures:
            self.trip(state, now_ms)

    def trip(self, state: HostState, now_ms: int) -> None:
        """Open at once: the host said that it does not serve us."""
        if state.breaker_state is not BreakerState.OPEN:
            state.breaker_state, state.breaker_opened_at_ms = BreakerState.OPEN, now_ms
