"""Record events and tell people: once per repeat time, whatever of database and receivers is down."""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from candlewick.alerts import receivers
from candlewick.settings import Settings, settings
from candlewick.warehouse import events as ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from candlewick.warehouse.database import Warehouse
    from candlewick.warehouse.events import Event

log = logging.getLogger(__name__)


def announce(
    happened: Sequence[Event],
    *,
    open_warehouse: Callable[[], Warehouse] | None = None,
    config: Settings | None = None,
    now: datetime | None = None,
) -> None:
    """Write the events, send those that are due as one message per receiver, and note how that went.

    Never raises: it is called while something else fails, and that is what has to be seen.
    """
    if not happened:
        return
    from candlewick.warehouse.database import utc_now  # the driver; DAG files import this module while they are parsed

    config = config or settings()
    moment = now or utc_now()
    wanted = receivers.configured(config)
    warehouse, due = _record(happened, open_warehouse, config, moment, claim=bool(wanted))
    if not due or not wanted:
        return
    via, errors = [], []
    for name, send in wanted.items():
        try:
            send([event for _, event in due], config)
            via.append(name)
        except Exception as error:  # noqa: BLE001  # whatever a receiver does must not hide the event itself
            log.warning("the alert did not reach %s: %s", name, error)
            errors.append(f"{name}: {error}")
    if warehouse is not None:
        _note(warehouse, [event_id for event_id, _ in due], via, errors)
    if via:
        _remember(config, [event for _, event in due], moment)


def _record(
    happened: Sequence[Event],
    open_warehouse: Callable[[], Warehouse] | None,
    config: Settings,
    moment: datetime,
    *,
    claim: bool,
) -> tuple[Warehouse | None, list[tuple[int, Event]]]:
    """Return the warehouse (None when it is out of reach) and what has to be sent."""
    try:
        warehouse = (open_warehouse or _own_warehouse)()
        due = ledger.record_and_claim(
            warehouse, happened, repeat_minutes=config.alert_repeat_minutes, claim=claim, now=moment
        )
    except Exception:  # without a database people have to hear of it all the more
        log.exception("the events could not be written to pipeline_events: %s", [event.message for event in happened])
        return None, [(0, event) for event in happened if not _remembered(config, event, moment)]
    return warehouse, list(due.items())


def _own_warehouse() -> Warehouse:
    from candlewick import connections

    return connections.warehouse()


def _note(warehouse: Warehouse, event_ids: list[int], via: list[str], errors: list[str]) -> None:
    try:
        ledger.mark_notified(warehouse, event_ids, via=",".join(via), error="; ".join(errors))
    except Exception:
        log.exception("the announcement could not be noted in pipeline_events: via %s, errors %s", via, errors)


def _remember(config: Settings, events: Sequence[Event], moment: datetime) -> None:
    try:
        for event in events:
            _memory(config, event).write_text(moment.isoformat(), encoding="utf-8")
    except OSError as error:
        log.warning(
            "expected to keep the time of the announcement under %s, got %s; while the database is down the same alert "
            "may be sent again: free space there, or make it writable",
            config.home,
            error,
        )


def _memory(config: Settings, event: Event) -> Path:
    """Return the file that remembers the last announcement, for the time the database is down."""
    folder = config.home / "alerts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / hashlib.sha256(f"{event.kind.value}\n{event.subject}".encode()).hexdigest()[:32]


def _remembered(config: Settings, event: Event, moment: datetime) -> bool:
    try:
        text = _memory(config, event).read_text(encoding="utf-8")
        return moment - moment.fromisoformat(text) < timedelta(minutes=config.alert_repeat_minutes)
    except (OSError, ValueError):  # never announced, or no readable memory: rather twice than never
        return False
