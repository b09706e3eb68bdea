"""The state of the simulated exchange: its clock, its markets, its faults, its log."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from candlewick.demo.clock import Clock
from candlewick.demo.faults import Faults
from candlewick.demo.gaps import Gap
from candlewick.demo.intervals import MINUTE_MS
from candlewick.demo.limits import Limiter
from candlewick.demo.settings import Settings
from candlewick.demo.source import Source
from candlewick.demo.symbols import Symbol, symbol_named
from candlewick.demo.tape import Tape

TRADING, DELISTED = "TRADING", "DELISTED"
_LOG_LENGTH = 20_000
_FOR_EVER = 1 << 40


@dataclass
class Market:
    """One symbol and what has become of it."""

    symbol: Symbol
    status: str = TRADING
    halts: list[Gap] = field(default_factory=list)
    halted_ms: int | None = None
    """Since when it does not trade; None while it does."""

    def gaps(self) -> tuple[Gap, ...]:
        """Past halts, and the present one without an end."""
        if self.halted_ms is None:
            return tuple(self.halts)
        return (*self.halts, Gap(-(-self.halted_ms // MINUTE_MS), _FOR_EVER))

    def become(self, status: str, now_ms: int) -> None:
        """Change the status at ``now_ms``: the current minute still stands, and resuming begins with its minute."""
        if status == TRADING and self.halted_ms is not None:
            halt = Gap(-(-self.halted_ms // MINUTE_MS), now_ms // MINUTE_MS)
            self.halts += [halt] if halt.end > halt.start else []
            self.halted_ms = None
        elif status != TRADING and self.halted_ms is None:
            self.halted_ms = now_ms
        self.status = status


class Exchange:
    """Everything the endpoints share. One event loop touches it; nothing here waits."""

    def __init__(self, seed: int, source: Source, symbols: Iterable[Symbol], settings: Settings) -> None:
        self.seed = seed
        self.source = source
        self._initial = (tuple(symbols), settings)
        self.clock = Clock()
        self.faults = Faults()
        self.limiter = Limiter()
        self.requests: deque[dict[str, Any]] = deque(maxlen=_LOG_LENGTH)
        self.reset()

    def market(self, name: str) -> Market | None:
        """The market if it exists at all: listed by now, and not taken off the exchange."""
        market = self.markets.get(name)
        if market is None or market.status == DELISTED or market.symbol.listed_ms > self.clock.now_ms():
            return None
        return market

    def tape(self, market: Market) -> Tape:
        """The market with its halts and the outages in force."""
        return Tape(self.seed, market.symbol, (*market.gaps(), *self.faults.gaps(market.symbol.name)))

    def change_symbol(self, name: str, status: str | None, listed_ms: int | None) -> None:
        """Create or change a market now."""
        market = self.markets.setdefault(name, Market(symbol_named(name)))
        if listed_ms is not None:
            market.symbol = replace(market.symbol, listed_ms=listed_ms)
        if status is not None:
            market.become(status, self.clock.now_ms())

    def reset(self) -> None:
        """As on the first day: real time, no faults, no log, no bans, the symbols and settings it was started with."""
        symbols, settings = self._initial
        self.clock.reset()
        self.faults.clear()
        self.requests.clear()
        self.limiter.forget()
        self.settings = replace(settings)
        self.markets = {symbol.name: Market(symbol) for symbol in symbols}
