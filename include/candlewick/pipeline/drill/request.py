"""Which days a drill rebuilds. Whatever makes no sense is refused with one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from candlewick.settings import SYMBOL_PATTERN
from candlewick.spans import DAY, Span

if TYPE_CHECKING:
    from collections.abc import Mapping


class DrillRefused(ValueError):
    """A request that cannot be meant; trying again gives the same."""


@dataclass(frozen=True, slots=True)
class DrillRequest:
    """Whole UTC days of symbols (none: all)."""

    days: Span
    symbols: frozenset[str] = frozenset()

    @classmethod
    def read(cls, params: Mapping[str, str], today: date) -> DrillRequest:
        """Check ``from``, ``to`` (the last day, all of it) and ``symbols`` (comma separated).

        Raises:
            DrillRefused: with the first thing that is wrong.
        """
        first, last = _day("FROM", params.get("from", "")), _day("TO", params.get("to", ""))
        if last < first:
            raise DrillRefused(f"expected a last day after the first, got {first} to {last}; swap FROM and TO")
        if last >= today:
            raise DrillRefused(
                f"expected days that are over, got {last} and it is {today}; today's candles still change"
            )
        symbols = [word.strip() for word in params.get("symbols", "").split(",") if word.strip()]
        bad = [name for name in symbols if not SYMBOL_PATTERN.fullmatch(name)]
        if bad:
            raise DrillRefused(f"expected SYMBOLS as the exchange writes them (BTCUSDT,ETHUSDT), got {bad}")
        start, end = (datetime.combine(day, time()) for day in (first, last))
        return cls(Span(start, end + DAY), frozenset(symbols))


def _day(name: str, value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise DrillRefused(f"expected {name} as a date (2026-01-31), got {value!r}; add {name}=…") from None
