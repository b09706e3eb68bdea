"""What the steps of the minute pipeline tell people about, beside failing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from candlewick.warehouse.events import Event, Kind, Severity
from candlewick.warehouse.symbols import TRADING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from candlewick.exchange.errors import ExchangeError, IpBanned
    from candlewick.warehouse.gaps import Gap


class Extracted(Protocol):
    """What is read of an extract's summary."""

    @property
    def symbols_failed(self) -> Mapping[str, str]:
        """Sentences by symbol."""


class Changed(Protocol):
    """What is read of a symbol whose state changed."""

    @property
    def symbol(self) -> str:
        """Its name."""

    @property
    def before(self) -> str | None:
        """The state it had; None: it was not asked yet."""

    @property
    def after(self) -> str:
        """The state it has."""


class Disagreeing(Protocol):
    """What is read of a symbol that disagrees with the exchange."""

    @property
    def symbol(self) -> str:
        """Its name."""

    @property
    def check(self) -> str:
        """What was compared."""

    @property
    def days(self) -> int:
        """Days with such a difference."""

    @property
    def differences(self) -> int:
        """Buckets that differ."""

    @property
    def first(self) -> datetime:
        """Start of the oldest of them."""


class Loaded(Protocol):
    """What is read of a load's summary."""

    @property
    def rejected(self) -> int:
        """Rows now in quarantine."""

    @property
    def sentence(self) -> str:
        """The summary in words."""


def symbols_failed(summary: Extracted) -> list[Event]:
    """Return an event per symbol that could not be asked for; the next cycle asks again."""
    return [Event(Kind.SYMBOL_FAILED, Severity.WARNING, symbol, why) for symbol, why in summary.symbols_failed.items()]


def symbol_states(changes: Iterable[Changed]) -> list[Event]:
    """Return an event per symbol that came into a state in which it is not asked for."""
    return [
        Event(
            Kind.SYMBOL_STATE,
            Severity.WARNING,
            change.symbol,
            f"{change.before or 'not asked yet'} → {change.after}: no new candles until the exchange says {TRADING}; "
            "remove the symbol if it does not come back",
        )
        for change in changes
        if change.after != TRADING
    ]


def quarantined(summary: Loaded) -> list[Event]:
    """Return an event when rows were rejected."""
    if not summary.rejected:
        return []
    return [
        Event(
            Kind.QUARANTINED,
            Severity.WARNING,
            "load",
            f"{summary.rejected} rows were rejected ({summary.sentence}); quarantined_rows tells the reasons. After the cause "
            'is gone, run market_minute with force_process = ["quarantined"]',
        )
    ]


def unreconciled(disagreements: Iterable[Disagreeing]) -> list[Event]:
    """Return an event per symbol and check with differences that nobody can explain."""
    return [
        Event(
            Kind.UNRECONCILED,
            Severity.WARNING,
            f"{one.symbol} {one.check}",
            f"{one.differences} differences on {one.days} days that nothing explains, the first at {one.first:%Y-%m-%d %H:%M} UTC; "
            "reconciliation_daily has the days, docs/reconciliation.md says how to look closer",
        )
        for one in disagreements
    ]


def unexplained_gaps(found: Iterable[Gap]) -> list[Event]:
    """Return an event per symbol and kind of data with gaps that were given up without a reason."""
    by_subject: dict[str, list[Gap]] = {}
    for gap in found:
        by_subject.setdefault(f"{gap.symbol} {gap.data_type.value}", []).append(gap)
    return [
        Event(
            Kind.GAP,
            Severity.WARNING,
            subject,
            f"{sum(gap.span.minutes for gap in gaps)} minutes in {len(gaps)} gaps stay missing and nothing explains it, the "
            f"first {gaps[0].span} UTC ({gaps[0].reason.value}); gap_ledger has the evidence, docs/gaps.md says what to do",
        )
        for subject, gaps in by_subject.items()
    ]


def maintenance_held(why: str, run_id: str) -> Event:
    """Return the event of a maintenance run that was not allowed to delete what it had planned."""
    return Event(Kind.MAINTENANCE_HELD, Severity.WARNING, "market_maintenance", why, run_id=run_id)


def ip_banned(ban: IpBanned, exchange: str) -> Event:
    """Return the event of a ban."""
    return Event(Kind.IP_BANNED, Severity.ERROR, exchange, str(ban))


def states_unknown(error: ExchangeError, exchange: str) -> Event:
    """Return the event of symbol states that could not be asked; extraction goes on with the ones known."""
    return Event(
        Kind.STATES_UNKNOWN,
        Severity.WARNING,
        exchange,
        f"symbol states were not refreshed, the known ones are used: {error}",
    )


def schedule_invalid(dag_id: str, problem: str) -> list[Event]:
    """Return an event when the wished schedule could not be used."""
    return [Event(Kind.SCHEDULE_INVALID, Severity.WARNING, dag_id, problem)] if problem else []
