"""What a person asks market_reconcile for; what makes no sense is refused with one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from candlewick.pipeline.backfill.request import FIRST_DAY, RequestRefused
from candlewick.settings import SYMBOL_PATTERN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class ReconcileRequest:
    """What a run compares: of these symbols (all: empty) the newest days, or every day of a span."""

    symbols: tuple[str, ...] = ()
    most_days: int | None = None
    first: date | None = None
    last: date | None = None

    @classmethod
    def read(cls, params: Mapping[str, Any], now: datetime) -> ReconcileRequest:
        """Check a run's params against the clock (naive UTC).

        Raises:
            RequestRefused: with the first thing that is wrong, as one sentence.
        """
        symbols = tuple(dict.fromkeys(params.get("symbols") or ()))
        bad = [symbol for symbol in symbols if not SYMBOL_PATTERN.fullmatch(symbol)]
        if bad:
            raise RequestRefused(f"expected symbols as the exchange writes them (BTCUSDT), got {bad}")
        first, last = _day(params.get("from"), "from"), _day(params.get("to"), "to")
        today = now.date()
        if first and first < FIRST_DAY.date():
            raise RequestRefused(f"expected from on {FIRST_DAY:%Y-%m-%d} or later, got {first}: nothing lies before")
        for name, day in (("from", first), ("to", last)):
            if day and day >= today:
                raise RequestRefused(
                    f"expected {name} before today, {today}, got {day}: a day is compared when it is over"
                )
        if first and last and last < first:
            raise RequestRefused(f"expected to on or after from, got from {first} and to {last}")
        return cls(symbols, params.get("days"), first, last)


def _day(value: object, name: str) -> date | None:
    if value in (None, ""):
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise RequestRefused(f"expected {name} as a day like 2023-02-14, got {value!r}") from None
