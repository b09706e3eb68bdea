"""From Airflow's callbacks to events."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from candlewick.alerts.notifier import DeadlineMissed, RunTimedOut, task_failed
from candlewick.warehouse.events import Kind

TI = SimpleNamespace(
    dag_id="market_minute", task_id="extract", run_id="run-1", map_index=3, try_number=2, log_url="http://host/log"
)
DAG = SimpleNamespace(dag_id="market_minute", dagrun_timeout=timedelta(minutes=30))


def test_a_failed_task_says_what_where_and_where_to_look():
    event = task_failed({"ti": TI, "exception": ValueError("no such key")})

    assert (event.kind, event.subject) == (Kind.TASK_FAILED, "market_minute.extract")
    assert event.message == "ValueError: no such key\nhttp://host/log"
    assert (event.run_id, event.map_index, event.try_number) == ("run-1", 3, 2)


def test_a_task_whose_process_was_lost_has_no_exception_and_says_so():
    assert task_failed({"ti": TI}).message.startswith("its process ended without a word")


def test_a_run_past_its_timeout_is_announced_and_a_failed_task_is_not_told_twice(monkeypatch):
    told = []
    monkeypatch.setattr("candlewick.alerts.notifier.announce", told.extend)

    RunTimedOut()({"dag": DAG, "run_id": "run-1", "reason": "task_failure"})
    assert told == []

    RunTimedOut()({"dag": DAG, "run_id": "run-1", "reason": "timed_out"})
    assert [(event.kind, event.subject) for event in told] == [(Kind.RUN_TIMED_OUT, "market_minute")]
    assert told[0].message.startswith("the run did not end within 0:30:00")


def miss_the_deadline(**run):
    """What the triggerer does at 12:10 for a run queued at 12:00."""
    run = {"dag_id": "market_minute", "dag_run_id": "scheduled__1", "queued_at": "2026-01-01T12:00:00Z", **run}
    due = datetime(2026, 1, 1, 12, 10, tzinfo=UTC)

    async def notify():
        await DeadlineMissed(context={"dag_run": run, "deadline": {"id": "1", "deadline_time": due}})

    asyncio.run(notify())


@pytest.mark.parametrize(
    ("state", "end_date"), [("running", None), ("failed", "2026-01-01T12:10:00.001Z")], ids=["lasts", "ended late"]
)
def test_a_missed_deadline_is_announced_from_what_airflow_hands_on(monkeypatch, state, end_date):
    told = []
    monkeypatch.setattr("candlewick.alerts.notifier.announce", told.extend)

    miss_the_deadline(state=state, end_date=end_date)

    assert [(event.kind, event.subject, event.run_id) for event in told] == [
        (Kind.DEADLINE_MISSED, "market_minute", "scheduled__1")
    ]
    assert told[0].message.startswith(
        "the run scheduled__1, queued at 2026-01-01T12:00:00Z, was not done by 2026-01-01 12:10:00+00:00 "
        f"(its state: {state})"
    )


def test_a_run_that_failed_in_time_missed_no_deadline_although_airflow_keeps_it(monkeypatch):
    told = []
    monkeypatch.setattr("candlewick.alerts.notifier.announce", told.extend)

    miss_the_deadline(state="failed", end_date="2026-01-01T12:00:45.123456Z")

    assert told == []
