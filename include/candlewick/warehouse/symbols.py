"""The table of known symbols: which are asked for, what the exchange last said of them, and what it said before.

A symbol that is backfilled but was never tracked has a row too; it is inactive, and was removed the moment it was added.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from candlewick.exchange.port import SymbolState
from candlewick.spans import floor_minute

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from candlewick.warehouse.database import Session

NOT_LISTED = "NOT_LISTED"
TRADING = "TRADING"
NEVER_TRACKED = "(active = 0 AND removed_at <=> added_at)"
# Of a tracked symbol `s`: its history is expected from added_at on, but what is late counts from here.
TRACKED_SINCE = "COALESCE(s.resumed_at, s.added_at)"
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


def silent_since(final_until: datetime | None, tracked_since: datetime) -> datetime:
    """Return since when nothing new of a tracked symbol is final, naive UTC.

    Args:
        final_until: when its newest final candle closed; None without one.
        tracked_since: when it was added, or added again after it had been removed; what is there of the time before,
            backfilled or left of an earlier following, makes nobody late.
    """
    return max(final_until or tracked_since, tracked_since)


def is_late(
    status: str | None, final_until: datetime | None, tracked_since: datetime, now: datetime, allowed: timedelta
) -> bool:
    """Tell whether a tracked symbol is late: nothing new is final for longer than allowed.

    dbt's `quality_stale_symbol` says the same.

    Args:
        status: the exchange's word; a symbol that does not trade is never late, one whose state was not asked may be.
        final_until: as :func:`silent_since` takes it.
        tracked_since: likewise.
        now: naive UTC.
        allowed: as long as nothing new may be final.
    """
    return status in (TRADING, None) and now - silent_since(final_until, tracked_since) > allowed


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
    """Track symbols; those removed earlier come back with their data, and when they did is kept."""
    session.run_many(
        # Assignments run from left to right: the times must see the row as it was.
        "INSERT INTO tracked_symbols (exchange, symbol, active, added_at) VALUES (%s, %s, 1, %s) ON DUPLICATE KEY UPDATE "
        f"resumed_at = IF(active = 1 OR {NEVER_TRACKED}, resumed_at, VALUES(added_at)), "
        f"added_at = IF({NEVER_TRACKED}, VALUES(added_at), added_at), active = 1, removed_at = NULL",
        [(exchange, symbol, now) for symbol in symbols],
    )


def asked_from(added_at: datetime, first_fetch_minutes: int) -> datetime:
    """Return the first minute that is asked for of a symbol added at that moment; before it nothing is missing."""
    return floor_minute(added_at) - timedelta(minutes=first_fetch_minutes)


def added_at(session: Session, exchange: str) -> dict[str, datetime]:
    """Return by symbol when it was added (naive UTC), of those that are tracked."""
    return dict(
        session.all("SELECT symbol, added_at FROM tracked_symbols WHERE exchange = %s AND active = 1", (exchange,))
    )


def ensure_known(session: Session, exchange: str, symbols: Iterable[str], now: datetime) -> None:
    """Have a row for symbols that are backfilled but not tracked; those that have one stay as they are."""
    session.run_many(
        "INSERT IGNORE INTO tracked_symbols (exchange, symbol, active, added_at, removed_at) VALUES (%s, %s, 0, %s, %s)",
        [(exchange, symbol, now, now) for symbol in symbols],
    )


def first_open_time(session: Session, exchange: str, symbol: str) -> datetime | None:
    """Return the open time of the first 1m candle the exchange has; None while that is not known."""
    row = session.one(
        "SELECT first_open_time FROM tracked_symbols WHERE exchange = %s AND symbol = %s", (exchange, symbol)
    )
    return row[0] if row else None


def remember_first_open_time(session: Session, exchange: str, symbol: str, opened: datetime, object_id: int) -> None:
    """Keep the open time of the first 1m candle, and which answer says so."""
    session.run(
        "UPDATE tracked_symbols SET first_open_time = %s, first_open_object_id = %s WHERE exchange = %s AND symbol = %s",
        (opened, object_id, exchange, symbol),
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
    return (
        session.one(f"SELECT 1 FROM tracked_symbols WHERE exchange = %s AND NOT {NEVER_TRACKED} LIMIT 1", (exchange,))
        is None
    )


def record_states(session: Session, exchange: str, states: dict[str, SymbolState], now: datetime) -> list[StateChange]:
    """Write what the exchange says of every known symbol; one it does not name is ``NOT_LISTED``.

    Returns:
        The tracked symbols whose status changed.
    """
    known = session.all("SELECT symbol, status, active FROM tracked_symbols WHERE exchange = %s", (exchange,))
    heard = {name: states.get(name) or SymbolState(name, NOT_LISTED, "", "") for name, _, _ in known}
    for name, state in heard.items():
        session.run(
            # Assignments run from left to right: status_since must see the status before.
            "UPDATE tracked_symbols SET status_since = IF(status <=> %s, status_since, %s), status = %s, base_asset = %s, "
            "quote_asset = %s, status_at = %s WHERE exchange = %s AND symbol = %s",
            (state.status, now, state.status, state.base_asset or None, state.quote_asset or None, now, exchange, name),
        )
    _keep_history(session, exchange, heard, now)
    return [
        StateChange(name, before, heard[name].status)
        for name, before, is_active in known
        if is_active and before != heard[name].status
    ]


def _keep_history(session: Session, exchange: str, heard: dict[str, SymbolState], now: datetime) -> None:
    """Write a row of ``symbol_states`` for each symbol that is not what it was; the row before ends there."""
    holding = {
        symbol: SymbolState(symbol, status, base or "", quote or "")
        for symbol, status, base, quote in session.all(
            "SELECT symbol, status, base_asset, quote_asset FROM symbol_states WHERE exchange = %s AND valid_to IS NULL",
            (exchange,),
        )
    }
    changed = [state for name, state in heard.items() if holding.get(name) != state]
    for state in changed:
        session.run(
            "UPDATE symbol_states SET valid_to = %s WHERE exchange = %s AND symbol = %s AND valid_to IS NULL",
            (now, exchange, state.symbol),
        )
    session.run_many(
        "INSERT INTO symbol_states (exchange, symbol, valid_from, status, base_asset, quote_asset) "
        "VALUES (%s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE valid_to = NULL, status = VALUES(status), "
        "base_asset = VALUES(base_asset), quote_asset = VALUES(quote_asset)",
        [(exchange, s.symbol, now, s.status, s.base_asset or None, s.quote_asset or None) for s in changed],
    )


def expire_states(session: Session, exchange: str, symbols: Iterable[str]) -> None:
    """Have the states of these symbols asked again in the next cycle."""
    for symbol in symbols:
        session.run(
            "UPDATE tracked_symbols SET status_at = NULL WHERE exchange = %s AND symbol = %s", (exchange, symbol)
        )
