"""Which runs a person has ended: Airflow calls them failed, its audit log tells them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.models.log import Log
from sqlalchemy import select

from candlewick_ui.audit import PREFIX

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

CHANGE = "cancel_dag_run"


def ended_by(session: Session, dag_id: str, run_ids: Collection[str]) -> dict[str, str]:
    """Return who has ended which of these runs by a page or the API of this platform, as far back as the audit log goes."""
    if not run_ids:
        return {}
    rows = select(Log.run_id, Log.owner).where(
        Log.dag_id == dag_id, Log.task_id.is_(None), Log.run_id.in_(run_ids), Log.event == f"{PREFIX}{CHANGE}"
    )
    return {str(run_id): owner or "somebody" for run_id, owner in session.execute(rows)}
