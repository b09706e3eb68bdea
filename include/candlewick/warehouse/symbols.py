"""The table of tracked symbols: which are asked for, and what the exchange last said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.exchange.port import SymbolState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from candlewick.warehouse.database import Session

NOT_LISTED = "NOT_LISTED"


@dataclass(frozen=True, slots=True)
class TrackedSymbol:
    """A tracked symbol; ``status`` is the exchange's word, None until it was asked."""

    symbol: str
    status: str | None
    status_at: datetime | None

    @property
    def is_polled(self) -> bool:
        """Whether candles can be expected: trading, or not asked yet."""
        return self.status in ("TRADING", None)


def active(session: Session, exchange: str) -> list[TrackedSymbol]:
    """Return the tracked symbols of an exchange, by name."""
    rows = session.all(
        "SELECT symbol, status, status_at FROM tracked_symbols WHERE exchange = %s AND active = 1 ORDER BY symbol",
        (exchange,),
    )
    return [TrackedSymbol(*row) for row in rows]


def add(session: Session, exchange: str, symbols: Iterable[str], now: datetime) -> None:
    """Track symbols; those removed earlier come back with their data."""
    session.run_many(
        "INSERT INTO tracked_symbols (exchange, symbol, active, added_at) VALUES (%s, %s, 1, %s) "
        "ON DUPLICATE KEY UPDATE active = 1, removed_at = NULL",
        [(exchange, symbol, now) for symbol in symbols],
    )


def remove(session: Session, exchange: str, symbol: str, now: datetime) -> bool:
    """Stop tracking a symbol, keep its data; tell whether it was tracked."""
    return bool(
        session.run(
            "UPDATE tracked_symbols SET active = 0, removed_at = %s WHERE exchange = %s AND symbol = %s AND active = 1",
            (now, exchange, symbol),
        )
    )


def is_empty(session: Session, exchange: str) -> bool:
    """Tell whether no symbol of the exchange was ever tracked."""
    return session.one("SELECT 1 FROM tracked_symbols WHERE exchange = %s LIMIT 1", (exchange,)) is None


def record_states(session: Session, exchange: str, states: dict[str, SymbolState], now: datetime) -> None:
    """Write what the exchange says of every tracked symbol; one it does not name is ``NOT_LISTED``."""
    names = [row[0] for row in session.all("SELECT symbol FROM tracked_symbols WHERE exchange = %s", (exchange,))]
    for name in names:
        state = states.get(name) or SymbolState(name, NOT_LISTED, "", "")
        session.run(
            "UPDATE tracked_symbols SET status = %s, base_asset = %s, quote_asset = %s, status_at = %s "
            "WHERE exchange = %s AND symbol = %s",
            (state.status, state.base_asset or None, state.quote_asset or None, now, exchange, name),
        )


def expire_states(session: Session, exchange: str, symbols: Iterable[str]) -> None:
    """Have the states of these symbols asked again in the next cycle."""
    for symbol in symbols:
        session.run(
            "UPDATE tracked_symbols SET status_at = NULL WHERE exchange = %s AND symbol = %s", (exchange, symbol)
        )
