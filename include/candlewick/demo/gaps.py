"""Spans of time in which the market, or its record, is not whole."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from candlewick.demo.intervals import MINUTE_MS

GapKind = Literal["outage", "flat", "hole"]


@dataclass(frozen=True)
class Gap:
    """Minutes ``start`` (inclusive) to ``end`` (exclusive), both counted from the epoch.

    ``outage``: nothing exists, neither 1m nor its share of higher candles, neither REST nor archive.
    ``flat``: rows without trades at the last price, as Binance writes them while its matching is down.
    ``hole``: the archive's 1m file lacks the minutes; REST and every higher candle contain them.
    """

    start: int
    end: int
    kind: GapKind = "outage"

    @classmethod
    def between(cls, start_ms: int, end_ms: int, kind: GapKind = "outage") -> "Gap":
        """Whole minutes touched by [start_ms, end_ms)."""
        return cls(start_ms // MINUTE_MS, -(-end_ms // MINUTE_MS), kind)


@lru_cache(maxsize=2048)
def tradeless(gaps: tuple[Gap, ...]) -> tuple[Gap, ...]:
    """The gaps in which no trade happens, merged where they touch (their kinds no longer matter)."""
    merged: list[Gap] = []
    for gap in sorted((gap for gap in gaps if gap.kind != "hole"), key=lambda gap: gap.start):
        if merged and gap.start <= merged[-1].end:
            merged[-1] = Gap(merged[-1].start, max(gap.end, merged[-1].end))
        else:
            merged.append(Gap(gap.start, gap.end))
    return tuple(merged)
