"""The port: what the pipeline asks of an exchange, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from candlewick.market import Interval


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an exchange can do, read by the pipeline instead of asking for its name."""

    klines_page_limit: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, exactly as received.

    ``exchange_time_ms`` is a lower bound of the exchange's clock when the question was sent: a candle that closed
    before it is closed beyond doubt. ``captured_at_ms`` is our clock when the answer was complete.
    """

    body: bytes
    host: str
    http_status: int
    captured_at_ms: int
    exchange_time_ms: int
    latency_ms: int
    weight: int


@dataclass(frozen=True, slots=True)
class SymbolState:
    """A symbol as the exchange describes it; ``status`` is an open set (TRADING, HALT, BREAK, …)."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str


@dataclass(frozen=True, slots=True)
class ExchangeInfo:
    """Symbols by name, and the weight limit per minute the exchange grants."""

    symbols: dict[str, SymbolState] = field(default_factory=dict)
    weight_limit_per_minute: int | None = None


class Exchange(Protocol):
    """An exchange. Every method raises only :mod:`candlewick.exchange.errors`; safe to call from many threads."""

    @property
    def capabilities(self) -> Capabilities:
        """What this exchange can do."""

    def time_ms(self) -> int:
        """Return a lower bound of the exchange's clock now."""

    def exchange_info(self) -> ExchangeInfo:
        """Return every symbol's state and the limits."""

    def klines(self, symbol: str, interval: Interval, start_ms: int, limit: int, end_ms: int | None = None) -> Answer:
        """Ask for candles that open in [start_ms, end_ms], oldest first, at most ``limit``."""

    def depth(self, symbol: str, levels: int) -> Answer:
        """Ask for the order book, ``levels`` per side."""

    def close(self) -> None:
        """Give connections back."""
