"""From the plans of the steps to the one plan of a run: what each would touch, of how much."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from candlewick.pipeline.maintenance import archive, expire, retention
from candlewick.pipeline.maintenance.plan import Plan, PlanItem
from candlewick.pipeline.maintenance.retention_plan import RetentionDays
from candlewick.warehouse import ageing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from candlewick.pipeline.maintenance.request import MaintenanceRequest
    from candlewick.settings import Settings
    from candlewick.warehouse.ageing import Held
    from candlewick.warehouse.database import Session, Warehouse
    from candlewick.warehouse.holding import Holding

SENTENCES = 40
MOMENT = timedelta(milliseconds=1)
Counted = tuple[Any, list[PlanItem], list[str]]
"""A step's own plan, its items, and what is kept: sentences."""


def count(warehouse: Warehouse, request: MaintenanceRequest, now: datetime) -> Plan:
    """Make the plan of a run, of every step that is on and deletes or moves; nothing is written.

    Args:
        warehouse: whose ledgers and tables say what there is.
        request: which steps are on, and the ages.
        now: naive UTC; every cutoff counts from it.
    """
    items: list[PlanItem] = []
    kept: list[str] = []
    for step in _WAYS:
        if getattr(request, step):
            part, _ = count_step(warehouse, request, now, step)
            items += part.items
            kept += part.kept
    return Plan(now=now, request=request, items=tuple(items), kept=tuple(kept))


def count_step(warehouse: Warehouse, request: MaintenanceRequest, now: datetime, step: str) -> tuple[Plan, Any]:
    """Make the plan of one step; return it with the step's own plan, which is what its ``run`` follows."""
    config = request.applied_to(warehouse.config)
    with warehouse.session() as session:
        own, items, held = _WAYS[step](session, config, now)
    kept = held[:SENTENCES]
    if len(held) > SENTENCES:
        kept.append(f"and {len(held) - SENTENCES} more of {step}")
    return Plan(now=now, request=request, items=tuple(items), kept=tuple(kept)), own


def _archive(session: Session, config: Settings, now: datetime) -> Counted:
    plan = archive.plan(session, config, now, config.archive_after_days)
    subject = f"{config.raw_bucket} → {config.archive_bucket}"
    totals = (plan.raw.objects, plan.raw.bytes)
    return plan, _lake_items("archive", subject, plan.due, totals, is_guarded=False), _sentences(plan.held)


def _expire(session: Session, config: Settings, now: datetime) -> Counted:
    """Count answers and their bytes as captured, in both buckets: a bundle is one object, but a day of a series."""
    plan = expire.plan(session, config, now, config.archived_keep_days)
    files, answers = ageing.bundled(session)
    everything = plan.raw + plan.archive - files + answers
    totals = (everything.objects, everything.bytes)
    return (
        plan,
        _lake_items("expire", "answers in both buckets", plan.answers + plan.plain, totals),
        _sentences(plan.held),
    )


def _retention(session: Session, config: Settings, now: datetime) -> Counted:
    plan = retention.plan(session, config, now, RetentionDays.of(config))
    items = [
        PlanItem(
            step="retention", subject=item.table, unit="rows", count=item.rows, total=item.table_rows,
            from_time=item.from_time, to_time=item.to_time, is_guarded=not item.is_working_copy,
        )
        for item in plan.items
    ]  # fmt: skip
    return plan, items, [item.sentence for item in plan.held]


def _lake_items(
    step: str, subject: str, due: Holding, totals: tuple[int, int], *, is_guarded: bool = True
) -> list[PlanItem]:
    return [
        PlanItem(
            step=step, subject=subject, unit=unit, count=number, total=total, from_time=due.oldest,
            to_time=due.newest and due.newest + MOMENT, is_guarded=is_guarded,
        )
        for unit, number, total in zip(("objects", "bytes"), (due.objects, due.bytes), totals, strict=True)
    ]  # fmt: skip


def _sentences(held: Iterable[Held]) -> list[str]:
    return [
        f"{one.holding.objects:,} objects of {one.symbol} {one.data_type} {one.interval_code}: {one.reason} "
        f"(captured {one.holding.oldest:%Y-%m-%d %H:%M} … {one.holding.newest:%Y-%m-%d %H:%M})"
        for one in held
    ]


_WAYS: dict[str, Callable[[Session, Settings, datetime], Counted]] = {
    "archive": _archive,
    "expire": _expire,
    "retention": _retention,
}
