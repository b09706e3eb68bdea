"""The platform's DAGs: list, pause, trigger, cancel, reschedule."""

import json
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, field_validator

from candlewick_ui.identity import ReaderDep
from candlewick_ui.jobs import changes, listing, schedule
from candlewick_ui.parameters import ONE_LINE

router = APIRouter(tags=["operations"])
DagId = Annotated[str, Path(max_length=250, pattern=ONE_LINE, description="Name of the DAG.")]
RunId = Annotated[str, Path(max_length=250, pattern=ONE_LINE, description="Name of the run.")]


class Jobs(BaseModel):
    """All jobs."""

    data: list[listing.Job]


class Runs(BaseModel):
    """Runs of a job, newest first."""

    data: list[listing.Run]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Pause(_Body):
    """Whether a job rests."""

    is_paused: bool


class ScheduleChange(_Body):
    """When a job runs."""

    cron: str | None = Field(max_length=100, description="Five fields, UTC; null: the default of the settings.")


class Trigger(_Body):
    """What a run is told."""

    conf: dict[str, Any] = Field(default_factory=dict, description="Params by name; the others have their defaults.")
    note: str | None = Field(None, max_length=1000)

    @field_validator("conf")
    @classmethod
    def _can_be_written(cls, conf: dict[str, Any]) -> dict[str, Any]:
        """Refuse half a character (a lone surrogate): JSON may name it, but no answer that shows this run could."""
        try:
            json.dumps(conf, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError("expected whole characters, got half of one (a lone surrogate); correct it") from error
        return conf


@router.get("/jobs")
def jobs(user: ReaderDep) -> Jobs:
    """Return the jobs the login may see, each with its schedule, its last runs and its next one."""
    return Jobs(data=listing.listed(user))


@router.get("/jobs/{dag_id}")
def job(user: ReaderDep, dag_id: DagId) -> listing.JobWithParams:
    """Return one job, with the params a run can be given."""
    return listing.one(user, dag_id)


@router.patch("/jobs/{dag_id}")
def pause_job(user: ReaderDep, dag_id: DagId, body: Pause) -> listing.JobWithParams:
    """Pause a job, or let it go on."""
    changes.pause(user, dag_id, is_paused=body.is_paused)
    return listing.one(user, dag_id)


@router.put("/jobs/{dag_id}/schedule")
def change_schedule(user: ReaderDep, dag_id: DagId, body: ScheduleChange) -> schedule.Wished:
    """Change when a job runs: stored at once, effective at the next parse of the DAG, and after every restart."""
    return changes.change_schedule(user, dag_id, body.cron)


@router.get("/jobs/{dag_id}/runs")
def job_runs(user: ReaderDep, dag_id: DagId, limit: Annotated[int, Query(ge=1, le=listing.MOST_RUNS)] = 20) -> Runs:
    """Return the newest runs of a job."""
    return Runs(data=listing.runs(user, dag_id, limit))


@router.post("/jobs/{dag_id}/runs", status_code=HTTPStatus.CREATED)
def trigger_job(user: ReaderDep, dag_id: DagId, body: Trigger) -> listing.Run:
    """Queue a run of a job; its params are checked before it is made."""
    return changes.trigger(user, dag_id, body.conf, body.note)


@router.post("/jobs/{dag_id}/runs/{run_id}/cancel")
def cancel_run(user: ReaderDep, dag_id: DagId, run_id: RunId) -> listing.Run:
    """End a run: its tasks are stopped. A backfill goes on where it was when the same is triggered again."""
    return changes.cancel(user, dag_id, run_id)
