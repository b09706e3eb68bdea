"""Binance over REST: the questions of the port, their paths, parameters and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from candlewick.exchange import binance_answers
from candlewick.exchange.clock import SYSTEM_CLOCK, Clock
from candlewick.exchange.errors import BadRequest
from candlewick.exchange.port import Answer, Capabilities, ExchangeInfo
from candlewick.exchange.rest_client import Question, Reply, RestClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    import requests

    from candlewick.exchange.hosts import Host
    from candlewick.exchange.state import HostStates
    from candlewick.market import Interval
    from candlewick.settings import Settings

CAPABILITIES = Capabilities(klines_page_limit=1000)
KLINES_WEIGHT, EXCHANGE_INFO_WEIGHT = 2, 20
DEPTH_WEIGHTS = {100: 5, 500: 25, 1000: 50, 5000: 250}
"""Weight of an order book by the most levels asked for."""


class BinanceRest:
    """The exchange port over Binance's REST API; safe to call from many threads.

    Every request reserves its weight in the shared state of a host before it is sent. A time-out, a lost connection, a
    5xx or an answer cut short is tried again (exponential back-off with full jitter), soon at the next host; a 429 is
    waited for up to ``retry_after_max_seconds`` per question; a 403 or 451 goes to the next host at once; a 418 stops
    every process at every host of the connection until the ban ends.
    """

    def __init__(
        self,
        hosts: Sequence[Host],
        states: HostStates,
        settings: Settings,
        *,
        clock: Clock = SYSTEM_CLOCK,
        session: requests.Session | None = None,
    ) -> None:
        self._client = RestClient(hosts, states, settings, clock, session)

    @property
    def capabilities(self) -> Capabilities:
        """What Binance can do."""
        return CAPABILITIES

    def exchange_info(self) -> ExchangeInfo:
        """Return every symbol's state and the weight limit; every process goes by that limit from then on."""

        def read(reply: Reply) -> ExchangeInfo:
            info = binance_answers.exchange_info(reply.body, reply.host.name)
            if info.weight_limit_per_minute is not None:
                self._client.hosts.share_limit(info.weight_limit_per_minute)
            return info

        # Who may trade a symbol is a large part of the answer, and nothing here reads it.
        parameters = {"showPermissionSets": "false"}
        return self._client.ask(Question("/api/v3/exchangeInfo", EXCHANGE_INFO_WEIGHT, parameters), read)

    def klines(self, symbol: str, interval: Interval, start_ms: int, limit: int, end_ms: int | None = None) -> Answer:
        """Ask for candles that open in [start_ms, end_ms], oldest first, at most ``limit`` (1 to 1000)."""
        most = CAPABILITIES.klines_page_limit
        if not 1 <= limit <= most:
            raise BadRequest(f"expected a limit of 1 to {most} candles, got {limit}; ask for several pages")
        window = {"startTime": start_ms} if end_ms is None else {"startTime": start_ms, "endTime": end_ms}
        parameters = {"symbol": symbol, "interval": interval.value, **window, "limit": limit}
        return self._client.answer(Question("/api/v3/klines", KLINES_WEIGHT, parameters))

    def depth(self, symbol: str, levels: int) -> Answer:
        """Ask for the order book, ``levels`` (1 to 5000) per side."""
        most = max(DEPTH_WEIGHTS)
        if not 1 <= levels <= most:
            raise BadRequest(f"expected 1 to {most} order-book levels, got {levels}; correct depth_levels")
        weight = next(weight for bound, weight in DEPTH_WEIGHTS.items() if levels <= bound)
        return self._client.answer(Question("/api/v3/depth", weight, {"symbol": symbol, "limit": levels}))

    def time_ms(self) -> int:
        """Return the least the exchange's clock can show now, in ms; asks the exchange when the last reading is old."""
        self._client.read_time()
        return self._client.time.earliest_ms()

    def close(self) -> None:
        """Give the connections to the exchange and to the shared state back."""
        self._client.close()
