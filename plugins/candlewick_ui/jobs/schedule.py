"""When a job runs: the setting's cron, or what people wished instead, in the Variable that DAGs read while they are parsed.

So a change is stored in Airflow's database, takes effect at the next parse (which is asked for at once) and survives a
restart.
"""

from __future__ import annotations

import json
import os
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

from airflow.models.dagbag import DagPriorityParsingRequest
from airflow.models.variable import Variable
from pydantic import BaseModel, Field
from sqlalchemy import select

from candlewick.pipeline import schedules
from candlewick.settings import settings
from candlewick_ui.problems import Problem

if TYPE_CHECKING:
    from airflow.models.dag import DagModel
    from sqlalchemy.orm import Session

IN_ENVIRONMENT = f"AIRFLOW_VAR_{schedules.VARIABLE.upper()}"
_one_at_a_time = threading.Lock()


class Wished(BaseModel):
    """The schedule a job has from its next parse on."""

    cron: str | None = Field(description="Five fields, UTC; null: it runs on demand.")
    default: str | None = Field(description="What the settings say.")
    is_changed: bool = Field(description="Whether somebody wished another one.")
    problem: str = Field("", description="Why the wished one cannot be used; the default is, then.")


def default_of(dag_id: str) -> str | None:
    """Return the cron of the settings; None for a job that runs on demand."""
    value = getattr(settings(), f"{dag_id.removeprefix('market_')}_schedule", None)
    return value if isinstance(value, str) else None


def stored(session: Session) -> schedules.Stored:
    """Read the Variable as the DAGs do: the environment wins over Airflow's database."""
    return schedules.read_stored(os.environ.get(IN_ENVIRONMENT) or _text(session))


def wished(dag_id: str, all_of_them: schedules.Stored) -> Wished:
    """Return the schedule of one job."""
    default = default_of(dag_id)
    if default is None:
        return Wished(cron=None, default=None, is_changed=False)
    cron, problem = schedules.wished(dag_id, all_of_them)
    return Wished(cron=cron or default, default=default, is_changed=cron is not None, problem=problem)


def check(dag_id: str, cron: str | None) -> None:
    """Refuse a schedule that cannot be.

    Raises:
        Problem: 409 or 422.
    """
    if default_of(dag_id) is None:
        raise Problem(HTTPStatus.CONFLICT, f"expected a job with a schedule, but {dag_id} runs on demand; trigger it")
    if cron is not None and not schedules.is_cron(cron):
        sentence = (
            "expected a cron expression of five fields (UTC) whose time comes, such as '*/2 * * * *', "
            f"got {cron[:100]!r}; correct it"
        )
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentence)
    if IN_ENVIRONMENT in os.environ:
        sentence = (
            f"expected schedules in Airflow's database, but {IN_ENVIRONMENT} sets them; change it there, or remove it"
        )
        raise Problem(HTTPStatus.CONFLICT, sentence)


def change(session: Session, model: DagModel, cron: str | None) -> Wished:
    """Store a schedule, or with None go back to the default; ask for a parse. The caller commits.

    Raises:
        Problem: 409, the Variable holds what nobody can add to.
    """
    with _one_at_a_time:
        now = schedules.read_stored(_text(session, for_update=True))
        if now.problem:
            raise Problem(HTTPStatus.CONFLICT, f"{now.problem}; correct or delete it under Admin, Variables")
        crons = {name: value for name, value in now.crons.items() if name != model.dag_id}
        if cron is not None and cron.strip() != default_of(model.dag_id):
            crons[model.dag_id] = cron.strip()
        description = "Schedules that differ from the settings: a JSON object from DAG to cron (UTC)."
        Variable.set(schedules.VARIABLE, json.dumps(crons, sort_keys=True), description, session=session)
        _ask_for_parse(session, model)
        session.commit()
    return wished(model.dag_id, schedules.Stored(crons))


def _ask_for_parse(session: Session, model: DagModel) -> None:
    if not model.bundle_name or not model.relative_fileloc:
        return
    asked = select(DagPriorityParsingRequest).filter_by(
        bundle_name=model.bundle_name, relative_fileloc=model.relative_fileloc
    )
    if session.scalar(asked) is None:
        session.add(DagPriorityParsingRequest(model.bundle_name, model.relative_fileloc))


def _text(session: Session, *, for_update: bool = False) -> str | None:
    found = select(Variable).where(Variable.key == schedules.VARIABLE)
    variable = session.scalar(found.with_for_update() if for_update else found)
    return variable.get_val() if variable else None
