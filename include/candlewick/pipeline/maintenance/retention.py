"""Retention: rows go by age, and only where what was made of them is complete, or explained, and stays.

``plan`` counts and names reasons, ``run`` does what a plan says and nothing else, looking at each day again before it
goes. Killed anywhere, the same call again finishes.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from candlewick.pipeline.maintenance import retention_ledgers
from candlewick.pipeline.maintenance.retention_plan import (
    HeldItem,
    RetentionDays,
    RetentionItem,
    RetentionPlan,
    RetentionSummary,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from candlewick.settings import Settings
    from candlewick.warehouse.database import Session, Warehouse

__all__ = ["HeldItem", "RetentionDays", "RetentionItem", "RetentionPlan", "RetentionSummary", "plan", "run"]

log = logging.getLogger(__name__)


def plan(session: Session, config: Settings, now: datetime, days: RetentionDays) -> RetentionPlan:
    """Say what ``run`` would delete, and what is old enough and kept all the same; nothing is written.

    Args:
        session: of the writer's account, which reads both schemas.
        config: names the schemas and the exchange.
        now: naive UTC; with ``days`` it fixes every cutoff.
        days: ages.
    """
    items = tuple(retention_ledgers.plan(session, config.raw_schema, now, days))
    return RetentionPlan(now=now, days=days, items=items, held=())


def run(
    warehouse: Warehouse,
    run_id: str,
    now: datetime,
    plan: RetentionPlan,
    dbt: Callable[..., object],  # noqa: ARG001
) -> RetentionSummary:
    """Delete what a plan names, of what is still allowed to go.

    Args:
        warehouse: the writer's account.
        run_id: of the run, for ``lifecycle_events``.
        now: the present, naive UTC; cutoffs are the plan's.
        plan: what may go.
        dbt: runs dbt with the given words (``dbt("run-operation", …)``), as the wiring does.

    Raises:
        WarehouseBusy: a writer or reader was in the way for too long; the same call again goes on.
    """
    summary = RetentionSummary()
    for table, rows in retention_ledgers.delete(warehouse, run_id, now, plan.now, plan.days):
        summary.add(table, rows)
    log.info("%s", summary.sentence)
    return summary
