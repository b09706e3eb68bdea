"""What determines the record of one market, and what can be asked about it."""

from dataclasses import dataclass

from candlewick.demo.gaps import Gap
from candlewick.demo.intervals import MINUTE_MS
from candlewick.demo.symbols import Symbol


@dataclass(frozen=True)
class Tape:
    """One symbol's market under one seed. Equal tapes give equal candles, in every process."""

    seed: int
    symbol: Symbol
    gaps: tuple[Gap, ...] = ()

    @property
    def first_minute(self) -> int:
        """The first whole minute of trading, counted from the epoch."""
        return -(-self.symbol.listed_ms // MINUTE_MS)


@dataclass(frozen=True)
class Span:
    """Candles of one interval with start_ms ≤ open time ≤ end_ms, as they stand at ``now_ms``."""

    interval: str
    start_ms: int
    end_ms: int
    now_ms: int
    offset_ms: int = 0
    """The time zone the buckets follow, east of UTC."""
