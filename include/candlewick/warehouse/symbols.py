"""The table of tracked symbols: which are asked for, and what the exchange last said of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from candlewick.exchange.port import SymbolState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from candlewick.warehouse.database import Session

NOT_LISTED = "NOT_LISTED"
TRADING = "TRADING"
CLOSING_DELAY, CLOSING_PATIENCE = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TrackedSymbol:
    """A tracked symbol; ``status`` is the exchange's word, None until it was asked. Times are naive UTC."""

    symbol: str
    status: str | None
    status_at: datetime | None
    status_since: datetime | None
    last_candles_at: datetime | None

    @property
    def is_polled(self) -> bool:
        """Whether candles can be expected: trading, or not asked yet."""
        return self.status in (TRADING, None)

    def needs_closing(self, now: datetime) -> bool:
        """Whether its last candles are still to be fetched: it stopped trading while we followed it.

        A minute after the stop was heard every candle is closed; then one answer has them all. After an hour without
        one it is left alone.
        """
        if self.is_polled or self.status == NOT_LISTED or not self.status_since or not self.last_candles_at:
            return False
        closed_at = self.status_since + CLOSING_DELAY
        return closed_at <= now < closed_at + CLOSING_PATIENCE and self.last_candles_at < closed_at


@dataclass(frozen=True, slots=True)
class StateChange:
    """A tracked symbol whose status is another than when we last asked."""

    symbol: str
    before: str | None
    after: str


def active(session: Session, exchange: str) -> list[TrackedSymbol]:
    """Return the tracked symbols of an exchange, by name."""
    rows = session.all(
        "SELECT s.symbol, s.status, s.status_at, s.status_since, m.last_fetch_time FROM tracked_symbols AS s "
        "LEFT JOIN extraction_metadata AS m ON m.exchange = s.exchange AND m.symbol = s.symbol "
        "AND m.data_type = 'klines' AND m.interval_code = '1m' "
        "WHERE s.exchange = %s AND s.active = 1 ORDER BY s.symbol",
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


def record_states(session: Session, exchange: str, states: dict[str, SymbolState], now: datetime) -> list[StateChange]:
    """Write what the exchange says of every tracked symbol; one it does not name is ``NOT_LISTED``. Return changes."""
    known = session.all("SELECT symbol, status FROM tracked_symbols WHERE exchange = %s AND active = 1", (exchange,))
    changes = []
    for name, before in known:
        state = states.get(name) or SymbolState(name, NOT_LISTED, "", "")
        session.run(
            # Assignments run from left to right: status_since must see the status before.
            "UPDATE tracked_symbols SET status_since = IF(status <=> %s, status_since, %s), status = %s, base_asset = %s, "
            "quote_asset = %s, status_at = %s WHERE exchange = %s AND symbol = %s",
            (state.status, now, state.status, state.base_asset or None, state.quote_asset or None, now, exchange, name),
        )
        if before != state.status:
            changes.append(StateChange(name, before, state.status))
    return changes


def expire_states(session: Session, exchange: str, symbols: Iterable[str]) -> None:
    """Have the states of these symbols asked again in the next cycle."""
    for symbol in symbols:
        session.run(
            "UPDATE tracked_symbols SET status_at = NULL WHERE exchange = %s AND symbol = %s", (exchange, symbol)
        )
