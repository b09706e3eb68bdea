"""Which runs a person has ended: Airflow calls them failed, its audit log tells them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from sqlalchemy import and_, or_, select

from candlewick_ui.audit import PREFIX

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

CHANGE = "cancel_dag_run"


def ended_by(session: Session, dag_id: str, run_ids: Collection[str]) -> dict[str, str]:
    """Return who has ended which of these runs by a page or the API of this platform, as far back as the audit log goes.

    Of a run that was queued again since (cleared in Airflow, which keeps its id) that is no longer true.
    """
    if not run_ids:
        return {}
    of_run = and_(DagRun.dag_id == Log.dag_id, DagRun.run_id == Log.run_id)
    rows = (
        select(Log.run_id, Log.owner)
        .join(DagRun, of_run)
        .where(
            Log.dag_id == dag_id, Log.task_id.is_(None), Log.run_id.in_(run_ids), Log.event == f"{PREFIX}{CHANGE}",
            or_(DagRun.queued_at.is_(None), Log.dttm >= DagRun.queued_at),
        )
    )  # fmt: skip
    return {str(run_id): owner or "somebody" for run_id, owner in session.execute(rows)}
