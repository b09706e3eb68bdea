"""Builds the Binance client from the plain values of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from candlewick.exchange.binance_rest import BinanceRest
from candlewick.exchange.clock import SYSTEM_CLOCK, Clock
from candlewick.exchange.hosts import Host

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from candlewick.exchange.state import HostStates
    from candlewick.settings import Settings


def from_connection(
    base_url: str,
    extra: Mapping[str, object],
    states: HostStates,
    settings: Settings,
    *,
    clock: Clock = SYSTEM_CLOCK,
    session: requests.Session | None = None,
) -> BinanceRest:
    """Return the client of a connection: its base URL first, then ``fallback_hosts`` of its extra, in that order.

    Args:
        base_url: such as ``https://api.binance.com``; without a scheme, https is meant.
        extra: the connection's extra; ``fallback_hosts`` is a list of base URLs.
        states: where ban, pause, weight and breaker are shared, such as ``HostStateStore(connect)``.
        settings: time-outs, tries, share of the weight limit.
        clock: the machine's clocks.
        session: a session with its own transport, instead of a pooled one.

    Raises:
        ValueError: a host is not a base URL.
    """
    fallbacks = extra.get("fallback_hosts", [])
    if not isinstance(fallbacks, list) or not all(isinstance(each, str) for each in fallbacks):
        raise ValueError(
            f"expected fallback_hosts to be a list of base URLs, got {fallbacks!r}; "
            'write {"fallback_hosts": ["https://data-api.binance.vision"]} into the extra of the connection'
        )
    hosts = tuple(dict.fromkeys(_host(each) for each in [base_url, *fallbacks]))
    return BinanceRest(hosts, states, settings, clock=clock, session=session)


def _host(base_url: str) -> Host:
    parts = urlsplit(base_url if "://" in base_url else f"https://{base_url}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise ValueError(
            f"expected the base URL of a host, such as https://api.binance.com, got {base_url!r}; "
            "correct the connection"
        )
    return Host(parts.geturl().rstrip("/"))
