"""Jobs as the API tells them: their times, and their runs only to those who may see them."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity

from candlewick.pipeline.schedules import Stored
from candlewick_ui.jobs import listing, schedule
from candlewick_ui.jobs.listing import Run

NOON = datetime(2026, 3, 5, 12, 0, 0, 123_456, tzinfo=UTC)


def test_times_have_milliseconds_as_everywhere():
    run = Run(
        run_id="manual", state="queued", run_type="manual", triggered_by=None, run_after=NOON, queued_at=NOON, started_at=None,
        ended_at=None, seconds=None, conf={},
    )  # fmt: skip

    told = run.model_dump(mode="json")
    assert (told["run_after"], told["queued_at"], told["started_at"]) == ("2026-03-05T12:00:00.123Z",) * 2 + (None,)
    assert run.run_after == NOON


@pytest.mark.parametrize(("may_see", "shown"), [(True, ["a run"]), (False, [])])
def test_who_may_see_a_job_sees_its_runs_only_with_the_right_to_runs(monkeypatch, may_see, shown):
    def has_right(_user, method, _dag_id, entity=None):
        return method == "GET" and (entity is None or (entity is DagAccessEntity.RUN and may_see))

    monkeypatch.setattr(listing.identity, "has_right", has_right)
    monkeypatch.setattr(listing, "_runs", lambda *_: ["a run"])
    monkeypatch.setattr(listing.schedule, "wished", lambda *_: None)
    model = SimpleNamespace(
        dag_id="market_gaps", description=None, is_paused=False, has_import_errors=False, timetable_summary=None,
        next_dagrun_create_after=None,
    )  # fmt: skip

    told = listing._job(None, model, None, None, 5)
    assert (told["last_runs"], told["may_trigger"]) == (shown, False)


def test_a_schedule_in_the_variable_that_never_comes_is_told_and_the_default_is_shown():
    told = schedule.wished("market_minute", Stored({"market_minute": "0 0 31 2 *"}))

    assert (told.cron, told.is_changed) == (told.default, False)
    assert "whose time comes for market_minute in the Variable candlewick_schedules, got '0 0 31 2 *'" in told.problem


def test_params_with_half_a_character_can_be_told_all_the_same():
    run = SimpleNamespace(
        run_id="manual", state="failed", run_type="manual", triggering_user_name=None, run_after=NOON, queued_at=NOON,
        start_date=None, end_date=None, conf={"a\ud800": ["\ud800", "币", 1.5]},
    )  # fmt: skip

    told = listing.run_of(run)
    assert told.conf == {"a?": ["?", "币", 1.5]}
    assert '"a?"' in told.model_dump_json()
