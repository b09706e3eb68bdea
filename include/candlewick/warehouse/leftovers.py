"""What ended processes leave on the server: sessions that sleep with a lock, tables that were work in progress."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.warehouse import tables

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session

# Held from statement to statement; the others' sessions rightly sleep while another program works for hours.
LOCKS = ("alerts", "load", "gaps", "rebuild", "import", "correlations", "ageing", "schema_upgrade")
LONG_LOCKS = ("backup", "restore", "drill")
_WORK = re.compile(r"(?P<base>.+?)__(?:next|prev|kept)\w*")


@dataclass(frozen=True, slots=True)
class Sleeper:
    """A session that holds a lock of ours and does nothing."""

    connection_id: int
    account: str
    lock: str
    seconds: int
    is_ours: bool
    """Whether it is of the account that asks, which may end it."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A table beside ``base`` that a rebuild or an expiry works on; ``has_base`` False: perhaps the only copy there is."""

    name: str
    base: str
    rows: int
    created_at: datetime
    has_base: bool


def sleepers(session: Session, names: Iterable[str], at_least: int) -> list[Sleeper]:
    """Return the sessions that have slept for so many seconds with one of these locks.

    Of other accounts' sessions only those are seen that the server shows to this one.
    """
    me = session.one("SELECT CONNECTION_ID(), SUBSTRING_INDEX(USER(), '@', 1)")
    if me is None:
        return []
    asleep = {
        int(row[0]): (str(row[1]), int(row[5] or 0))
        for row in session.all("SHOW FULL PROCESSLIST")
        if row[4] == "Sleep" and int(row[0]) != me[0]
    }
    found = []
    for name in names:
        holder = _holder(session, name)
        if holder in asleep and asleep[holder][1] >= at_least:
            account, seconds = asleep[holder]
            found.append(Sleeper(holder, account, name, seconds, account == me[1]))
    return found


def end(session: Session, sleeper: Sleeper) -> bool:
    """End a session if it still holds its lock; its transaction is rolled back and the lock is free."""
    if _holder(session, sleeper.lock) != sleeper.connection_id:
        return False
    session.run(f"KILL {int(sleeper.connection_id)}")
    return True


def work_tables(session: Session, config: Settings, before: datetime) -> list[Leftover]:
    """Return the tables of unfinished work in the marts that were created before a moment."""
    rows = session.all(
        "SELECT table_name, table_type, table_rows, create_time FROM information_schema.tables WHERE table_schema = %s",
        (config.marts_schema,),
    )
    names = {row[0] for row in rows}
    found = []
    for name, kind, count, created_at in rows:
        part = _WORK.fullmatch(name)
        if part and kind == "BASE TABLE" and created_at and created_at < before:
            found.append(Leftover(name, part["base"], int(count or 0), created_at, part["base"] in names))
    return sorted(found, key=lambda one: one.name)


def is_work(name: str) -> bool:
    """Whether a table's name says that it is work in progress beside another one."""
    return _WORK.fullmatch(name) is not None


def drop(session: Session, config: Settings, leftover: Leftover) -> None:
    """Drop a table of unfinished work; the caller holds the writer's lock of its base."""
    tables.bound_waits(session)
    session.run(f"DROP TABLE IF EXISTS {config.marts_schema}.`{leftover.name}`")


def old_claims(session: Session, config: Settings, before: datetime) -> list[tuple[str, int, datetime]]:
    """Return (model, symbols, oldest bar) of indicators that are claimed for bars before a moment and not computed."""
    if not tables.exist(session, config.marts_schema, "indicator_progress"):
        return []
    return session.all(
        f"SELECT model, COUNT(*), MIN(claimed_from) FROM {config.marts_schema}.indicator_progress "
        "WHERE claimed_from < %s GROUP BY model ORDER BY model",
        (before,),
    )


def open_trials(session: Session, before: datetime) -> list[tuple[str, datetime]]:
    """Return (host, since) of half-open breakers whose one trial never reported."""
    return session.all(
        "SELECT host, breaker_opened_at FROM host_state WHERE breaker_state = 'half_open' AND breaker_opened_at < %s",
        (before,),
    )


def _holder(session: Session, name: str) -> int:
    row = session.one("SELECT COALESCE(IS_USED_LOCK(%s), 0)", (name,))
    return int(row[0]) if row else 0
