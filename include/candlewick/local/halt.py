"""Airflow comes to rest: nothing new starts, what runs may end, then its four components stop.

DAGs are paused only for as long as that takes; when Airflow has stopped, each is as it was, so whatever starts next (this
version or the one before) goes on by itself. A run that is under way stays one, and its next task starts then.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from candlewick.local.errors import ServiceFailed
from candlewick.local.shutdown import DOWN_ORDER

if TYPE_CHECKING:
    from candlewick.local.platform import Platform
    from candlewick.local.progress import Step
    from candlewick.local.upgrade_note import Note

AT_WORK = ("running", "queued", "restarting")
START_SECONDS = 120.0
LOOK_EVERY_SECONDS = 2.0


def halt(platform: Platform, note: Note, current: Step, *, wait_minutes: float) -> None:
    """Pause, wait, stop; tasks that outlast the wait are told to end, as `make down` does.

    Args:
        platform: whose Airflow it is.
        note: keeps which DAGs are paused for this, so that a killed try is made good by the next one.
        current: shows what is waited for.
        wait_minutes: how long tasks that run may take to end.

    Raises:
        LauncherError: Airflow's API refuses.
        ServiceFailed: something does not stop.
    """
    left: list[str] = []
    if platform.processes.running("api-server") and platform.airflow.health():
        _pause(platform, note)
        left = _drain(platform, current, wait_minutes)
    *asking, api = DOWN_ORDER[:2]
    _stop(platform, *asking)
    if note.paused:
        _resume(platform, note)
    _stop(platform, api)
    current.result = f"still at work and told to end: {', '.join(left)}" if left else "nothing was cut short"


def _pause(platform: Platform, note: Note) -> None:
    running = [dag_id for dag_id, is_paused in platform.airflow.dags().items() if not is_paused]
    note.paused = sorted({*note.paused, *running})
    note.save()  # before the first of them is paused
    for dag_id in running:
        platform.airflow.call("PATCH", f"/dags/{dag_id}", {"is_paused": True})


def _drain(platform: Platform, current: Step, wait_minutes: float) -> list[str]:
    """Wait until no task is at work; return those that still are when the time is over."""
    deadline = time.monotonic() + wait_minutes * 60
    while tasks := platform.airflow.tasks(AT_WORK):
        if time.monotonic() > deadline:
            return tasks
        current.now(f"waiting for {', '.join(tasks[:3])}{f' and {len(tasks) - 3} more' if tasks[3:] else ''}")
        time.sleep(LOOK_EVERY_SECONDS)
    return []


def _resume(platform: Platform, note: Note) -> None:
    """Take the pauses back; with the scheduler down nothing starts by that."""
    if not platform.processes.running("api-server"):
        (api,) = (s for s in platform.airflow.services(platform.environment) if s.name == "api-server")
        record = platform.processes.start(api)
        platform.processes.wait_ready(record, lambda: bool(platform.airflow.health()), START_SECONDS)
    for dag_id in note.paused:
        platform.airflow.call("PATCH", f"/dags/{dag_id}", {"is_paused": False})
    note.paused = []
    note.save()


def _stop(platform: Platform, *groups: tuple[str, ...]) -> None:
    for group in groups:
        records = [record for record in platform.processes.records() if record.name in group]
        if records:
            platform.processes.stop(records, platform.settings.stop_grace_seconds)
    if any(platform.processes.running(name) for group in groups for name in group):
        raise ServiceFailed("Airflow was started again while it was stopped; see make status, then try again.")
