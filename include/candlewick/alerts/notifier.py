"""From Airflow's callbacks to events: what failed, where, and why."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from candlewick.alerts.announce import announce
from candlewick.warehouse.events import Event, Kind, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context


class _Untemplated(BaseNotifier):
    """A notifier without templates; rendering none would still fail where Airflow passes a serialized DAG."""

    def render_template_fields(self, context: Context, jinja_env: object = None) -> None:
        """Nothing is templated."""


class TaskFailed(_Untemplated):
    """``on_failure_callback`` of a task; also runs in the DAG processor, when the task's process was lost."""

    def notify(self, context: Context) -> None:
        """Record and announce the failure."""
        announce([task_failed(context)])


class RunTimedOut(_Untemplated):
    """``on_failure_callback`` of a DAG: a run past its time-out ends its tasks without their own callbacks."""

    def notify(self, context: Context) -> None:
        """Record and announce the time-out; failures of tasks have been announced by the tasks."""
        if context.get("reason") == "timed_out":
            announce([run_timed_out(context)])


class DeadlineMissed(_Untemplated):
    """Callback of a DAG's deadline; runs in the triggerer, where no slot of the busy workers is needed."""

    async def async_notify(self, context: Context) -> None:
        """Record and announce the missed deadline; the sockets of both would hold up every other trigger's loop."""
        if not _ended_in_time(context):
            await asyncio.to_thread(announce, [deadline_missed(context)])


def task_failed(context: Context) -> Event:
    """Return the event of a failed task; all its mapped instances share one subject."""
    ti: Any = context["ti"]
    error = (
        context.get("exception")
        or context.get("reason")
        or "its process ended without a word (killed, or a lost worker)"
    )
    link = getattr(ti, "log_url", "")
    return Event(
        kind=Kind.TASK_FAILED,
        severity=Severity.ERROR,
        subject=f"{ti.dag_id}.{ti.task_id}",
        message=f"{_name(error)}{error}" + (f"\n{link}" if link else ""),
        dag_id=ti.dag_id,
        task_id=ti.task_id,
        run_id=ti.run_id,
        map_index=ti.map_index,
        try_number=ti.try_number,
    )


def run_timed_out(context: Context) -> Event:
    """Return the event of a run that lasted longer than its ``dagrun_timeout``."""
    dag: Any = context["dag"]
    return Event(
        kind=Kind.RUN_TIMED_OUT,
        severity=Severity.ERROR,
        subject=dag.dag_id,
        message=f"the run did not end within {dag.dagrun_timeout}; its unfinished tasks were stopped",
        dag_id=dag.dag_id,
        run_id=context.get("run_id"),
    )


def deadline_missed(context: Mapping[str, Any]) -> Event:
    """Return the event of a run that is not done in time; of a deadline Airflow hands on the run and the moment."""
    run: Mapping[str, Any] = context.get("dag_run") or {}
    dag_id, run_id = str(run.get("dag_id") or "a DAG"), run.get("dag_run_id")
    due = context.get("deadline", {}).get("deadline_time", "its deadline")
    return Event(
        kind=Kind.DEADLINE_MISSED,
        severity=Severity.ERROR,
        subject=dag_id,
        message=f"the run {run_id}, queued at {run.get('queued_at')}, was not done by {due} "
        f"(its state: {run.get('state')}); fresh candles come late while it lasts: look at its tasks",
        dag_id=dag_id,
        run_id=run_id,
    )


def _ended_in_time(context: Mapping[str, Any]) -> bool:
    """Whether the run was over by its deadline.

    Airflow 3.3.2 forgets the deadline of a run that succeeded, not of one that failed (apache/airflow#60927), which
    was announced when it failed: that it still lasts would be wrong.
    """
    ended = (context.get("dag_run") or {}).get("end_date")
    due = context.get("deadline", {}).get("deadline_time")
    return bool(ended and due) and datetime.fromisoformat(str(ended)) <= datetime.fromisoformat(str(due))


def _name(error: object) -> str:
    return f"{type(error).__name__}: " if isinstance(error, BaseException) else ""
