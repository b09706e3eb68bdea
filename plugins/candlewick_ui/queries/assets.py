"""Which tasks write a table and which read it, as the DAGs declare it with Airflow's assets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow.models.asset import AssetModel, TaskInletAssetReference, TaskOutletAssetReference
from sqlalchemy import select

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Tasks:
    """Tasks by (DAG, task), sorted."""

    writers: list[tuple[str, str]] = field(default_factory=list)
    readers: list[tuple[str, str]] = field(default_factory=list)


def tasks_by_asset(session: Session) -> Mapping[str, Tasks]:
    """Return the tasks that write and read each asset, by its name; Airflow's metadata knows them since the last parse."""
    found: dict[str, Tasks] = {}
    for kind, reference in (("writers", TaskOutletAssetReference), ("readers", TaskInletAssetReference)):
        rows = session.execute(
            select(AssetModel.name, reference.dag_id, reference.task_id)
            .join(reference, reference.asset_id == AssetModel.id)
            .order_by(reference.dag_id, reference.task_id)
        )
        for name, dag_id, task_id in rows:
            getattr(found.setdefault(name, Tasks()), kind).append((dag_id, task_id))
    return found
