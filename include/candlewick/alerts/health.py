"""How the data is: ``python -m candlewick.alerts.health`` prints a line per finding and ends with 1 when one is an error.

It asks the warehouse and the lake only, so it also tells when Airflow stands still. A warning is something to look at
that does not pass by itself, like a gap nobody can explain; it does not fail the check, or nobody would heed that.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from candlewick.alerts.fullness import levels
from candlewick.alerts.staleness import stale_symbols
from candlewick.market import DataType, Lane
from candlewick.warehouse import reconciliation, room
from candlewick.warehouse.database import WarehouseError, utc_now
from candlewick.warehouse.events import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

    from candlewick.lake.store import Lake
    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session, Warehouse

# A queue of these is emptied by a run of its own, hourly or daily: some hours of it are no news.
PATIENCE = {Lane.BACKFILL.value: timedelta(hours=13), "coverage_counts": timedelta(hours=3)}
HOURLY_MODELS = {"minutes_heard": timedelta(hours=3), "reconciliation_daily": timedelta(hours=3)}
RECONCILED_WITHIN = timedelta(days=3)
LOST_BOOKS_TOLD = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, as a sentence."""

    severity: Severity
    sentence: str

    def __str__(self) -> str:
        return f"{self.severity.value}: {self.sentence}"


def _error(sentence: str) -> Finding:
    return Finding(Severity.ERROR, sentence)


def _warning(sentence: str) -> Finding:
    return Finding(Severity.WARNING, sentence)


def check(
    open_warehouse: Callable[[], Warehouse],
    open_lake: Callable[[], AbstractContextManager[Lake]],
    config: Settings,
    *,
    now: datetime | None = None,
) -> list[Finding]:
    """Return what is not as it should be; a store that is out of reach is a finding, not an exception."""
    moment = now or utc_now()
    findings: list[Finding] = []
    try:
        warehouse = open_warehouse()
        findings += [_error(f"{late.subject}: {late.message}") for late in stale_symbols(warehouse, config, now=moment)]
        with warehouse.session() as session:
            for look in (_hosts, _queues, _pending, _gaps, _reconciled, _room):
                findings += look(session, config, moment)
    except WarehouseError as error:
        findings.append(_error(f"the warehouse does not answer as expected: {error}"))
    except Exception as error:  # noqa: BLE001  # whatever keeps us from asking is what has to be said
        findings.append(_error(f"the warehouse could not be asked ({type(error).__name__}): look at its connection"))
    try:
        with open_lake() as lake:
            next(lake.keys(config.raw_bucket), None)
    except Exception as error:  # noqa: BLE001  # likewise; the sentence may quote an address, never a secret
        findings.append(_error(f"the lake does not answer ({type(error).__name__}: {str(error)[:200]})"))
    return sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)


def _hosts(session: Session, config: Settings, now: datetime) -> Iterator[Finding]:  # noqa: ARG001  # one signature
    """Bans, and hosts that failed too often in a row."""
    for host, until, reason in session.all(
        "SELECT host, banned_until, ban_reason FROM host_state WHERE banned_until > %s", (now,)
    ):
        yield _error(
            f"{host} bans this address until {until:%Y-%m-%d %H:%M:%S} UTC ({reason}); nothing is asked before"
        )
    for host, failures, opened in session.all(
        "SELECT host, breaker_failures, breaker_opened_at FROM host_state WHERE breaker_state = 'open'"
    ):
        yield _warning(
            f"{host} failed {failures} times in a row; it is left alone since {opened} UTC and tried again by itself"
        )


def _queues(session: Session, config: Settings, now: datetime) -> Iterator[Finding]:
    """Captured objects that wait for their load for too long, by lane."""
    for lane, count, oldest in session.all(
        "SELECT lane, COUNT(*), MIN(captured_at) FROM extraction_outcomes WHERE lane IN (%s, %s) AND load_state = 'pending' "
        "GROUP BY lane",
        (Lane.LIVE.value, Lane.BACKFILL.value),
    ):
        if now - oldest > PATIENCE.get(lane, timedelta(minutes=config.stale_after_minutes)):
            yield _error(
                f"{count} objects of the {lane} lane wait for their load, the oldest since {oldest:%Y-%m-%d %H:%M} UTC: "
                "look at load in market_minute (live), or trigger market_backfill or market_reconcile (backfill)"
            )


def _pending(session: Session, config: Settings, now: datetime) -> Iterator[Finding]:
    """Loads that dbt has not consumed for too long, by model and lane."""
    usual = {Lane.LIVE.value: timedelta(minutes=2 * config.stale_after_minutes)} | PATIENCE
    for model, lane, count, oldest in session.all(
        "SELECT p.model, l.lane, COUNT(*), MIN(l.loaded_at) FROM pending_loads AS p JOIN loads AS l USING (load_id) "
        "GROUP BY p.model, l.lane"
    ):
        allowed = (PATIENCE | HOURLY_MODELS).get(model, usual[lane])
        if now - oldest > allowed:
            yield _error(
                f"{count} loads of the {lane} lane wait for {model}, the oldest since {oldest:%Y-%m-%d %H:%M} UTC: "
                "look at the newest dbt task"
            )


def _gaps(session: Session, config: Settings, now: datetime) -> Iterator[Finding]:
    """Missing minutes that were given up without a reason; order books, which nobody can bring, while that is news."""
    row = session.one(
        "SELECT COUNT(*), CAST(SUM(minutes) AS SIGNED), MIN(from_time), COUNT(DISTINCT symbol) FROM gap_ledger "
        "WHERE status = 'unexplained' AND exchange = %s AND (data_type <> %s OR updated_at >= %s)",
        (config.exchange, DataType.DEPTH.value, now - LOST_BOOKS_TOLD),
    )
    if row and row[0]:
        yield _warning(
            f"{row[0]} gaps of {row[3]} symbols ({row[1]} minutes) are not explained, the oldest from {row[2]:%Y-%m-%d %H:%M} UTC: "
            "look at gap_ledger where status = 'unexplained'"
        )


def _reconciled(session: Session, config: Settings, now: datetime) -> Iterator[Finding]:
    """Differences nobody can explain, and a comparison that does not come."""
    for one in reconciliation.unexplained(session, config):
        yield _warning(
            f"{one.symbol} {one.check}: {one.differences} differences on {one.days} days are not explained, the first at "
            f"{one.first:%Y-%m-%d %H:%M} UTC: look at reconciliation_daily"
        )
    newest = reconciliation.newest(session, config)
    if newest and now - newest[1] > RECONCILED_WITHIN:
        yield _warning(
            f"nothing was compared with the exchange since {newest[1]:%Y-%m-%d %H:%M} UTC (newest day: {newest[0]}): "
            "look at the runs of market_reconcile"
        )


def _room(session: Session, config: Settings, now: datetime) -> Iterator[Finding]:  # noqa: ARG001  # one signature
    """Stores that are nearly full: the highest level that is reached."""
    for severity, message in list(levels(room.look(session, config)).values())[-1:]:
        yield Finding(severity, message)


def main() -> int:
    """Print the findings; return 1 when one of them is an error."""
    from candlewick import connections
    from candlewick.settings import settings

    with redirect_stdout(sys.stderr):  # where Airflow's own lines belong; the answer is ours alone
        findings = check(connections.warehouse, connections.lake, settings())
    for finding in findings:
        print(finding)  # noqa: T201  # the answer
    if not findings:
        print("healthy: fresh candles, nothing stuck, nothing unexplained")  # noqa: T201  # the answer
    return int(any(finding.severity is Severity.ERROR for finding in findings))


if __name__ == "__main__":
    sys.exit(main())
