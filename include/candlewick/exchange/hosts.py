"""The hosts of one connection: which is asked next, when, and what its answer means for all processes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from candlewick.exchange import budget
from candlewick.exchange.errors import BudgetExhausted, HostRefused, IpBanned, NoHostLeft, RateLimited, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from candlewick.exchange.breaker import Breaker
    from candlewick.exchange.budget import Counted, WeightBudget
    from candlewick.exchange.clock import ExchangeClock
    from candlewick.exchange.errors import ExchangeError
    from candlewick.exchange.state import HostState, HostStates

FAILURES_UNTIL_NEXT_HOST = 2
"""Failures of one question at one host after which it asks the next; the host's breaker may still be closed."""


@dataclass(frozen=True, slots=True)
class Host:
    """A base URL (``https://api.binance.com``) and the name its shared state has."""

    url: str

    @property
    def name(self) -> str:
        """Host and port, the key of the shared state."""
        return urlsplit(self.url).netloc.lower()


@dataclass(frozen=True, slots=True)
class Admission:
    """Leave to send one request to a host; its weight is reserved in ``minute``."""

    host: Host
    minute: int


@dataclass(slots=True)
class Route:
    """One question's way through the hosts: how long it may still wait, and what it met."""

    patience_seconds: float
    failures: Counter[Host] = field(default_factory=Counter)
    refused: dict[Host, str] = field(default_factory=dict)

    def covers(self, seconds: float) -> bool:
        """Whether the question may wait this long."""
        return seconds <= self.patience_seconds

    def order(self, hosts: Sequence[Host]) -> list[Host]:
        """Return the hosts worth asking: preferred first, those that keep failing last, those that refused never."""
        willing = [host for host in hosts if host not in self.refused]
        return sorted(willing, key=lambda host: self.failures[host] // FAILURES_UNTIL_NEXT_HOST)


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides whether a host may be asked."""

    budget: WeightBudget
    breaker: Breaker


class Hosts:
    """Lets requests pass one by one; all that is known about a host is shared between processes."""

    def __init__(
        self,
        hosts: Sequence[Host],
        states: HostStates,
        rules: Rules,
        time: ExchangeClock,
        sleep: Callable[[float], None],
    ) -> None:
        self._hosts, self._states, self._time, self._sleep = tuple(hosts), states, time, sleep
        self._budget, self._breaker = rules.budget, rules.breaker

    def admit(self, weight: int, route: Route) -> Admission:
        """Reserve weight at the first host that may be asked, waiting for it as long as the route allows.

        Raises:
            IpBanned: this address is banned; nothing was sent and nothing is waited for.
            RateLimited, BudgetExhausted: the wait is longer than the route's patience.
            NoHostLeft: every host refused or rests.
            HostStateUnavailable: the shared state cannot be read, so nothing may be sent.
        """
        while True:
            obstacle = self._try(weight, route)
            if isinstance(obstacle, Admission):
                return obstacle
            if not route.covers(obstacle.retry_after_seconds):
                raise obstacle
            route.patience_seconds -= obstacle.retry_after_seconds
            self._sleep(obstacle.retry_after_seconds)

    def answered(self, host: Host, route: Route, counted: Counted | None, error: ExchangeError | None) -> None:
        """Share what an answer (or its absence) tells about this host, its weight, and this address."""
        if isinstance(error, HostRefused):
            route.refused[host] = f"refused with {error.http_status}"
        elif isinstance(error, Unavailable):
            route.failures[host] += 1
        concerned = self._hosts if isinstance(error, IpBanned | RateLimited) else (host,)
        names = [each.name for each in concerned]
        now_ms, latest_ms = self._time.earliest_ms(), self._time.latest_ms()

        def rule(states: list[HostState]) -> None:
            own = next(state for state in states if state.host == host.name)
            if self._time.is_known:
                own.clock_offset_ms = self._time.offset_ms
            if counted is not None:
                budget.settle(own, counted)
            if isinstance(error, HostRefused):
                self._breaker.trip(own, now_ms)
            elif isinstance(error, Unavailable):
                self._breaker.failed(own, now_ms)
            else:
                self._breaker.succeeded(own)
            if isinstance(error, IpBanned):
                budget.ban(states, error.until_ms, str(error))
            elif isinstance(error, RateLimited):
                budget.pause(states, latest_ms + int(error.retry_after_seconds * 1000))

        self._states.change(names, now_ms, rule)

    def share_limit(self, weight_per_minute: int) -> None:
        """Share the weight limit a host told: it holds for all of them, so that a fallback is known before it is needed."""

        def rule(states: list[HostState]) -> None:
            for state in states:
                state.weight_limit = weight_per_minute

        self._states.change([host.name for host in self._hosts], self._time.earliest_ms(), rule)

    def _try(self, weight: int, route: Route) -> Admission | RateLimited | BudgetExhausted:
        resting: dict[Host, int] = {}
        for host in route.order(self._hosts):
            outcome = self._try_host(host, weight)
            if not isinstance(outcome, int):
                return outcome
            resting[host] = outcome
        raise self._no_host_left(route, resting)

    def _try_host(self, host: Host, weight: int) -> Admission | RateLimited | BudgetExhausted | int:
        """Return leave to ask this host, what it has to wait for, or for how many ms the host rests."""
        earliest_ms, clock_known = self._time.earliest_ms(), self._time.is_known

        def rule(states: list[HostState]) -> Admission | RateLimited | BudgetExhausted | int:
            (state,) = states
            now_ms = earliest_ms if clock_known else earliest_ms + state.clock_offset_ms
            self._budget.check_ban(state, now_ms)
            if rests_for_ms := self._breaker.rests_for_ms(state, now_ms):
                return rests_for_ms
            if obstacle := self._budget.obstacle(state, weight, now_ms, clock_known=clock_known):
                return obstacle
            self._breaker.enter(state, now_ms)
            return Admission(host, self._budget.reserve(state, weight, now_ms, clock_known=clock_known))

        return self._states.change([host.name], earliest_ms, rule)

    def _no_host_left(self, route: Route, resting: dict[Host, int]) -> NoHostLeft:
        met = [f"{host.name} {why}" for host, why in route.refused.items()]
        met += [f"{host.name} rests for {ms / 1000:.0f} s after failures in a row" for host, ms in resting.items()]
        return NoHostLeft(
            f"expected a host that answers, but {', '.join(met)}; try again later, "
            "or name another host in fallback_hosts of the connection's extra"
        )
