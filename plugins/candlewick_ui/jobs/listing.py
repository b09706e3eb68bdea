"""The DAGs with their last runs and their next one, as far as the user may see them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.models.dag import DagModel, DagTag
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, State
from pydantic import BaseModel, Field, PlainSerializer, WithJsonSchema
from sqlalchemy import select

from candlewick_ui import identity
from candlewick_ui.jobs import schedule
from candlewick_ui.jobs.ended import ended_by
from candlewick_ui.problems import Problem
from candlewick_ui.told import moment

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from candlewick.pipeline.schedules import Stored

TAG = "candlewick"
LAST_RUNS = 5
MOST_RUNS = 100  # the most runs of one job that are listed
Moment = Annotated[
    datetime,
    PlainSerializer(moment, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]


class Run(BaseModel):
    """A run of a job; times are UTC."""

    run_id: str
    state: str = Field(description="queued, running, success or failed.")
    run_type: str = Field(description="scheduled, manual, …")
    triggered_by: str | None = Field(description="Who triggered it, where a person did.")
    ended_by: str | None = Field(None, description="Who ended it here, where a person did; its state is failed, then.")
    run_after: Moment
    queued_at: Moment | None
    started_at: Moment | None
    ended_at: Moment | None
    seconds: float | None = Field(description="How long it took.")
    conf: dict[str, Any] = Field(description="The params it was given.")


class Job(BaseModel):
    """A DAG of the platform."""

    dag_id: str
    description: str | None
    is_paused: bool
    has_import_errors: bool
    schedule: schedule.Wished
    current_schedule: str | None = Field(description="Cron it was parsed with last; null: it runs on demand.")
    next_run_after: Moment | None = Field(description="When its next run begins, UTC.")
    last_runs: list[Run] = Field(description="Newest first; none for a login that may not see runs.")
    may_trigger: bool
    may_edit: bool
    page: str = Field(description="Its page in Airflow, below Airflow's address.")


class JobWithParams(Job):
    """A DAG with what a run of it can be told."""

    params: dict[str, Any] = Field(description="By name: value (the default), description, and a JSON Schema.")


def listed(user: BaseUser, last_runs: int = LAST_RUNS) -> list[Job]:
    """Return the jobs the user may read, by name, each with its newest runs."""
    with create_session() as session:
        tagged = select(DagModel).join(DagTag, DagTag.dag_id == DagModel.dag_id)
        models = session.scalars(tagged.where(DagTag.name == TAG, ~DagModel.is_stale).order_by(DagModel.dag_id)).all()
        wished = schedule.stored(session)
        return [
            Job(**_job(user, model, wished, session, last_runs))
            for model in models
            if identity.has_right(user, "GET", model.dag_id)
        ]


def one(user: BaseUser, dag_id: str, last_runs: int = LAST_RUNS) -> JobWithParams:
    """Return one job, with its params.

    Raises:
        Problem: 403 or 404.
    """
    identity.demand_dag(user, "GET", dag_id, "see this job")
    with create_session() as session:
        model = found(session, dag_id)
        dag = serialized(session, dag_id)
        params = {name: param.dump() for name, param in dag.params.items()}
        return JobWithParams(params=params, **_job(user, model, schedule.stored(session), session, last_runs))


def runs(user: BaseUser, dag_id: str, most: int) -> list[Run]:
    """Return the newest runs of one job, newest first."""
    identity.demand_dag(user, "GET", dag_id, "see the runs of this job", DagAccessEntity.RUN)
    with create_session() as session:
        found(session, dag_id)
        return _runs(session, dag_id, most)


def unfinished(user: BaseUser, dag_id: str) -> list[Run]:
    """Return the runs of one job that wait or are at work, newest first, at most `MOST_RUNS`."""
    identity.demand_dag(user, "GET", dag_id, "see the runs of this job", DagAccessEntity.RUN)
    with create_session() as session:
        found(session, dag_id)
        return _runs(session, dag_id, MOST_RUNS, DagRun.state.in_(State.unfinished_dr_states))


def found(session: Session, dag_id: str) -> DagModel:
    """Return a DAG of the platform.

    Raises:
        Problem: 404, there is none of this name.
    """
    tagged = select(DagModel).join(DagTag, DagTag.dag_id == DagModel.dag_id)
    named = tagged.where(DagModel.dag_id == dag_id, DagTag.name == TAG, ~DagModel.is_stale)
    model: DagModel | None = session.scalar(named)
    if model is None:
        raise Problem(404, f"expected the name of a job, got {dag_id[:100]!r}; GET /jobs has them")
    return model


def serialized(session: Session, dag_id: str) -> Any:
    """Return the DAG as it was parsed last.

    Raises:
        Problem: 409, it has not been parsed yet.
    """
    dag = DBDagBag().get_latest_version_of_dag(dag_id, session=session)
    if dag is None:
        raise Problem(409, f"expected {dag_id} to be parsed, but Airflow has not done so yet; ask again in a minute")
    return dag


def run_of(run: DagRun, ended_by: str | None = None) -> Run:
    """Describe a run, and say who has ended it."""
    began, ended = run.start_date, run.end_date
    return Run(
        run_id=run.run_id,
        state=str(run.state),
        run_type=str(run.run_type),
        triggered_by=run.triggering_user_name,
        ended_by=ended_by,
        run_after=run.run_after,
        queued_at=run.queued_at,
        started_at=began,
        ended_at=ended,
        seconds=(ended - began).total_seconds() if began and ended else None,
        conf=_readable(run.conf or {}),
    )


def _readable(conf: dict[str, Any]) -> dict[str, Any]:
    """Return params with a question mark for half a character, which Airflow takes and no answer can hold."""
    told: dict[str, Any] = json.loads(json.dumps(conf, ensure_ascii=False).encode("utf-8", "replace"))
    return told


def _job(user: BaseUser, model: DagModel, wished: Stored, session: Session, last_runs: int) -> dict[str, Any]:
    may_see_runs = identity.has_right(user, "GET", model.dag_id, DagAccessEntity.RUN)
    return {
        "dag_id": model.dag_id,
        "description": model.description,
        "is_paused": bool(model.is_paused),
        "has_import_errors": bool(model.has_import_errors),
        "schedule": schedule.wished(model.dag_id, wished),
        "current_schedule": None if model.timetable_summary in (None, "None") else model.timetable_summary,
        "next_run_after": None if model.is_paused else model.next_dagrun_create_after,
        "last_runs": _runs(session, model.dag_id, last_runs) if may_see_runs else [],
        "may_trigger": identity.has_right(user, "POST", model.dag_id, DagAccessEntity.RUN),
        "may_edit": identity.has_right(user, "PUT", model.dag_id),
        "page": f"/dags/{model.dag_id}",
    }


def _runs(session: Session, dag_id: str, most: int, *only: ColumnElement[bool]) -> list[Run]:
    newest = select(DagRun).where(DagRun.dag_id == dag_id, *only).order_by(DagRun.run_after.desc(), DagRun.id.desc())
    found = session.scalars(newest.limit(most)).all()
    ended = ended_by(session, dag_id, [run.run_id for run in found if run.state == DagRunState.FAILED])
    return [run_of(run, ended.get(run.run_id)) for run in found]
