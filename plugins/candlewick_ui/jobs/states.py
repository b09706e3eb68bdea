"""How runs are, by their ids: what ledgers that name runs are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import select

from candlewick_ui.jobs.ended import ended_by

if TYPE_CHECKING:
    from collections.abc import Collection


def runs_of(dag_id: str, run_ids: Collection[str]) -> dict[str, tuple[str, str | None]]:
    """Return state (queued, running, success, failed) and who has ended it, of those of the runs that Airflow still knows.

    It asks for no right: who calls it does.
    """
    if not run_ids:
        return {}
    named = select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id.in_(run_ids))
    with create_session() as session:
        ended = ended_by(session, dag_id, run_ids)
        return {run.run_id: (str(run.state), ended.get(run.run_id)) for run in session.scalars(named)}
