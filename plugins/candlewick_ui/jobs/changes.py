"""What people change about a job: pause, trigger, cancel, schedule; each by the right Airflow asks for, each written down."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from airflow.api.common.mark_tasks import set_dag_run_state_to_failed
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.datamodels.dag_run import TriggerDAGRunPostBody
from airflow.exceptions import ParamValidationError
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from pydantic import ValidationError
from sqlalchemy import select

from candlewick_ui import audit, identity
from candlewick_ui.jobs import asked, params, schedule
from candlewick_ui.jobs.ended import CHANGE
from candlewick_ui.jobs.listing import Run, found, run_of, serialized
from candlewick_ui.problems import Problem

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

UNFINISHED = (DagRunState.QUEUED, DagRunState.RUNNING)


def pause(user: BaseUser, dag_id: str, *, is_paused: bool) -> None:
    """Pause a job or let it go on.

    Raises:
        Problem: 403 or 404.
    """
    identity.demand_dag(user, "PUT", dag_id, "pause and unpause this job")
    with audit.recorded(user, "pause_dag" if is_paused else "unpause_dag", dag_id=dag_id) as session:
        found(session, dag_id).is_paused = is_paused


def change_schedule(user: BaseUser, dag_id: str, cron: str | None) -> schedule.Wished:
    """Store another schedule (UTC), or with None go back to the settings' one.

    Raises:
        Problem: 403, 404, 409 or 422.
    """
    identity.demand_dag(user, "PUT", dag_id, "change this job's schedule")
    with audit.recorded(user, "change_schedule", dag_id=dag_id, cron=cron) as session:
        model = found(session, dag_id)
        schedule.check(dag_id, cron)
        return schedule.change(session, model, cron)


def trigger(user: BaseUser, dag_id: str, conf: dict[str, Any], note: str | None = None) -> Run:
    """Queue a run, as Airflow's own API does it: params are checked against the DAG's before anything is made.

    Raises:
        Problem: 403, 404, 409 or 422.
    """
    identity.demand_dag(user, "POST", dag_id, "trigger this job", DagAccessEntity.RUN)
    dag = _triggerable(dag_id)
    params.refuse_unknown(dag_id, dag.params, conf)
    # No session is open here: the exchange may be slow to answer.
    asked.check(dag_id, {name: param.value for name, param in dag.params.items()} | conf)
    with audit.recorded(user, "trigger_dag_run", dag_id=dag_id, conf=conf) as session:
        try:
            given = TriggerDAGRunPostBody(logical_date=None, conf=conf, note=note).validate_context(dag)
            params.refuse_unfit(dag_id, dict(dag.params.items()), conf)  # by name it gives values
            run = dag.create_dagrun(
                run_id=given["run_id"],
                logical_date=given["logical_date"],
                data_interval=given["data_interval"],
                run_after=given["run_after"],
                conf=given["conf"],
                run_type=DagRunType.MANUAL,
                triggered_by=DagRunTriggeredByType.REST_API,
                triggering_user_name=user.get_name(),
                state=DagRunState.QUEUED,
                partition_key=given["partition_key"],
                partition_date=given["partition_date"],
                session=session,
            )
        except (ParamValidationError, ValidationError, ValueError) as error:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY, f"expected params {dag_id} can be run with, but {error}; correct them"
            ) from error
        audit.note_run(session, run.run_id)
        if note:
            run.note = (note, user.get_id())
        return run_of(run)


def _triggerable(dag_id: str) -> Any:
    """Return the DAG of a job that people may trigger now.

    Raises:
        Problem: 404 or 409.
    """
    with create_session() as session:
        model = found(session, dag_id)
        if model.has_import_errors:
            raise Problem(
                HTTPStatus.CONFLICT,
                f"expected a job that can be read, but {dag_id} has import errors; see Airflow's start page",
            )
        if model.allowed_run_types is not None and DagRunType.MANUAL not in model.allowed_run_types:
            raise Problem(
                HTTPStatus.CONFLICT,
                f"expected a job people may trigger, but {dag_id} runs by its schedule alone; wait for it",
            )
        return serialized(session, dag_id)


def cancel(user: BaseUser, dag_id: str, run_id: str) -> Run:
    """End a run that is queued or running: its tasks are stopped, the run counts as failed.

    Raises:
        Problem: 403, 404 or 409.
    """
    identity.demand_dag(user, "PUT", dag_id, "cancel runs of this job", DagAccessEntity.RUN)
    with audit.recorded(user, CHANGE, dag_id=dag_id, run_id=run_id) as session:
        found(session, dag_id)
        run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        if run is None:
            raise Problem(
                HTTPStatus.NOT_FOUND,
                f"expected a run of {dag_id}, got {run_id[:100]!r}; GET /jobs/{dag_id}/runs has them",
            )
        if run.state not in UNFINISHED:
            raise Problem(
                HTTPStatus.CONFLICT,
                f"expected a run that is queued or running, but {run_id} is {run.state}; nothing was changed",
            )
        dag = DBDagBag().get_dag_for_run(run, session=session) or serialized(session, dag_id)
        set_dag_run_state_to_failed(dag=dag, run_id=run_id, commit=True, session=session)
        session.flush()  # Airflow's sessions do not do that by themselves
        return run_of(run, user.get_name())
